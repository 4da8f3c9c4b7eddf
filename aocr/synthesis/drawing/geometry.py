"""Distorts images: rotation, shear, perspective, curves and waves in one resampling."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

Points = np.ndarray
"""Coordinates in pixels, float64 `[N, 2]`, x before y."""

Mapping = Callable[[Points], Points]
"""Returns for points of the output the points of the input that are seen there."""

BENT_CELL = 16
"""Width and height in pixels of the cells in which a mapping with curves is taken as bilinear."""

_RESAMPLING = Image.Resampling.BILINEAR
"""Enough for masks that are drawn a little larger than they are seen; half the time of bicubic."""


def warp(
    images: list[Image.Image], size: tuple[int, int], mapping: Mapping, cell_height: int = BENT_CELL
) -> list[Image.Image]:
    """Returns images distorted by a mapping with curves, black outside of the input.

    Args:
        images: images of one size.
        size: width and height of the output.
        mapping: place in the input of each place of the output.
        cell_height: height of a cell, if columns are not curved.
    """
    xs, ys = _edges(size[0], BENT_CELL), _edges(size[1], cell_height)
    grid = np.stack(np.meshgrid(xs, ys), axis=-1)  # [ROWS + 1, COLUMNS + 1, 2]
    seen = mapping(grid.reshape(-1, 2).astype(np.float64)).reshape(grid.shape)
    corners = [seen[:-1, :-1], seen[1:, :-1], seen[1:, 1:], seen[:-1, 1:]]  # NW, SW, SE, NE
    quads = np.concatenate(corners, axis=-1).reshape(-1, 8).tolist()
    boxes = [
        (left, top, right, bottom)
        for top, bottom in itertools.pairwise(ys)
        for left, right in itertools.pairwise(xs)
    ]
    mesh = list(zip(boxes, quads, strict=True))
    return [image.transform(size, Image.Transform.MESH, mesh, _RESAMPLING) for image in images]


def _edges(length: int, cell: int) -> list[int]:
    count = max(1, round(length / cell))
    return [round(number * length / count) for number in range(count + 1)]


class Tilt(NamedTuple):
    """Says how a rectangle is seen.

    Attributes:
        degrees: angle of rotation.
        shear: horizontal shift of the upper edge, relative to the height.
        perspective: most shift of a corner, relative to the height.
        stretch: factor of the width.
    """

    degrees: float
    shear: float
    perspective: float
    stretch: float = 1.0


class Framed(NamedTuple):
    """Says where a tilted rectangle lies in an image.

    Attributes:
        size: width and height of the image.
        matrix: float64 `[3, 3]`, takes places of the image to places in the rectangle.
    """

    size: tuple[int, int]
    matrix: np.ndarray

    def see(self, image: Image.Image) -> Image.Image:
        """Returns the rectangle as it is seen, black outside of it."""
        data = self.matrix.reshape(-1)[:8].tolist()
        return image.transform(self.size, Image.Transform.PERSPECTIVE, data, _RESAMPLING)

    def place(self, points: Points) -> Points:
        """Returns the places in the rectangle of places of the image."""
        return project(self.matrix, points)


class View(NamedTuple):
    """Says where in an image a tilted rectangle is to lie.

    Attributes:
        height: height of the image.
        margins: left, top, right and bottom of the tilted rectangle, relative to `height`.
        tilt: how the rectangle is seen.
        corners: float64 `[4, 2]`, from -1 to 1: the part of `tilt.perspective` of each corner.
    """

    height: int
    margins: tuple[float, ...]
    tilt: Tilt
    corners: np.ndarray


def frame(inner: tuple[int, int], view: View) -> Framed:
    """Places a rectangle of a width and height in an image; inside, unless margins are negative."""
    height, margins, tilt, corners = view
    quad = _tilted(inner, tilt, corners)
    first_x, first_y = min(x for x, _ in quad), min(y for _, y in quad)
    extent = max(x for x, _ in quad) - first_x, max(y for _, y in quad) - first_y
    left, top, right, bottom = margins
    scale = height * max(0.2, 1 - top - bottom) / extent[1]
    placed = [
        ((x - first_x) * scale + left * height, (y - first_y) * scale + top * height)
        for x, y in quad
    ]
    width = max(1, round(extent[0] * scale + (left + right) * height))
    return Framed((width, height), homography(placed, _corners_of(*inner)))


Quad = Sequence[tuple[float, float]]
"""The corners NW, NE, SE and SW. Numbers of Python: arrays of four points take longer."""


def _corners_of(width: float, height: float) -> Quad:
    return (0.0, 0.0), (width, 0.0), (width, height), (0.0, height)


def _tilted(inner: tuple[int, int], tilt: Tilt, corners: np.ndarray) -> Quad:
    height = inner[1]
    angle = math.radians(tilt.degrees)
    cosine, sine, most = math.cos(angle), math.sin(angle), tilt.perspective * height
    turned = []
    for (x, y), (dx, dy) in zip(
        _corners_of(inner[0] * tilt.stretch, height), corners.tolist(), strict=True
    ):
        y += dy * most
        x += dx * most + tilt.shear * (height - y)
        turned.append((x * cosine - y * sine, x * sine + y * cosine))
    return turned


def homography(source: Quad, target: Quad) -> np.ndarray:
    """Returns the projective matrix `[3, 3]` that takes four points to four others."""
    matrix = _from_square(target) @ np.linalg.inv(_from_square(source))
    return matrix / matrix[2, 2]


def _from_square(quad: Quad) -> np.ndarray:
    """Returns the matrix that takes the unit square to four points (Heckbert, 1989)."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = quad
    dx1, dx2, dx3 = x1 - x2, x3 - x2, x0 - x1 + x2 - x3
    dy1, dy2, dy3 = y1 - y2, y3 - y2, y0 - y1 + y2 - y3
    area = dx1 * dy2 - dx2 * dy1
    g, h = (dx3 * dy2 - dx2 * dy3) / area, (dx1 * dy3 - dx3 * dy1) / area
    return np.array(
        [
            (x1 - x0 + g * x1, x3 - x0 + h * x3, x0),
            (y1 - y0 + g * y1, y3 - y0 + h * y3, y0),
            (g, h, 1.0),
        ]
    )


def project(matrix: np.ndarray, points: Points) -> Points:
    """Returns points after a projective map."""
    mapped = np.column_stack([points, np.ones(len(points))]) @ matrix.T  # [N, 2] --> [N, 3]
    return mapped[:, :2] / mapped[:, 2:]


def most_degrees(inner: tuple[int, int], degrees: float) -> float:
    """Returns at most so many degrees that a long line still fills most of its image's height."""
    most = math.degrees(math.atan(0.4 * inner[1] / max(1, inner[0])))
    return max(-most, min(degrees, most))


def bend(size: tuple[int, int], bulge: float) -> Mapping:
    """Returns a map of an arc: the middle of a rectangle is seen `bulge` pixels above its ends.

    A negative bulge is below. The rectangle must have as many free pixels above and below.
    """
    half = max(1.0, size[0] / 2)

    def mapping(points: Points) -> Points:
        bent = points.copy()
        bent[:, 1] += bulge * (0.5 - ((points[:, 0] - half) / half) ** 2)
        return bent

    return mapping


class Wave(NamedTuple):
    """A sine wave: amplitude and length in pixels, phase in radians."""

    amplitude: float
    length: float
    phase: float


def ripple(along_x: Wave, along_y: Wave) -> Mapping:
    """Returns a map that shifts columns up and down, and rows left and right, in waves."""

    def mapping(points: Points) -> Points:
        moved = points.copy()
        moved[:, 1] += _height_of(along_x, points[:, 0])
        moved[:, 0] += _height_of(along_y, points[:, 1])
        return moved

    return mapping


def _height_of(wave: Wave, positions: np.ndarray) -> np.ndarray:
    return wave.amplitude * np.sin(2 * math.pi * positions / wave.length + wave.phase)
