"""Cuts lines and words out of the images of pages."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from aocr.config import MAX_PIXELS
from aocr.data.images.files import ImageFileError, read_file, read_header
from aocr.data.sources.annotations import Annotation, Rejection
from aocr.data.sources.common import IGNORED, Request

TURNED = 1.5
"""A quadrilateral this many times as high as wide is turned to the left, as PPOCRLabel turns it: it
is a line that runs upwards, unless it has a single character."""

Point = tuple[float, float]


class Region(NamedTuple):
    """Locates a text on a page.

    Attributes:
        points: the corners in pixels: two for a box, four of a quadrilateral clockwise from where
            the text has its top left, or those of a polygon around it.
        label: the text; None if there is none.
        place: where it stands, for messages.
        is_quadrilateral: the region is made upright by a perspective transform.
        problem: why it cannot be used; empty if it can.
    """

    points: Sequence[Point]
    label: str | None
    place: str
    is_quadrilateral: bool = False
    problem: str = ""


def cut_out(
    image: str, regions: Iterable[Region], request: Request, first: int = 1
) -> Iterator[Annotation]:
    """Yields the regions of a page as images of their own.

    Args:
        image: path of the page.
        regions: the regions on it.
        request: its `crop_margin` is added around each region.
        first: number of the first annotation.
    """
    try:
        page = _load(image)
    except ImageFileError as error:
        page = None
        unreadable = Rejection(error.reason, image, error.detail)
    for number, region in enumerate(regions, start=first):
        if page is None:
            yield Annotation(number, image, region.label or "", unreadable, place=region.place)
            continue
        try:
            yield _annotation(number, image, page, region, request.crop_margin)
        except ValueError as error:
            rejection = Rejection(str(error), _shown(region.points))
            yield Annotation(number, image, region.label or "", rejection, place=region.place)


def _load(path: str) -> Image.Image:
    """Decodes a page; its mode is L or RGB."""
    picture = read_header(read_file(path), MAX_PIXELS)
    try:
        return picture.convert("L" if picture.mode in ("1", "L", "I;16") else "RGB")
    except Exception as error:  # Pillow's decoders raise anything
        raise ImageFileError("not a readable image", str(error)) from error


def _annotation(
    number: int, image: str, page: Image.Image, region: Region, margin: int
) -> Annotation:
    if region.problem or not region.label or region.label == IGNORED:
        raise ValueError(region.problem or _without_text(region.label))
    corners = np.array(region.points, np.float64)
    if not len(corners) or not np.isfinite(corners).all():
        raise ValueError("a region without corners")
    low, high = corners.min(axis=0), corners.max(axis=0)
    if (high - low < 1).any():
        raise ValueError("a region that is less than a pixel wide or high")
    if (low < -1).any() or (high > np.array(page.size) + 1).any():
        raise ValueError(f"a region outside the page, which is {page.width} x {page.height}")
    if len(corners) == 2 and (corners[0] > corners[1]).any():
        raise ValueError("a box whose corners are swapped")
    box = _box(low - margin, high + margin, page)
    if region.is_quadrilateral:
        corners = _clockwise(corners)
        is_upright = _is_upright_box(corners)
        cut = page.crop(box) if is_upright else _straightened(page, corners, margin)
        if cut.height >= TURNED * cut.width and len(region.label) > 1:
            cut = cut.transpose(Image.Transpose.ROTATE_90)
    else:
        cut = _filled(page, corners, box) if len(corners) > 2 else page.crop(box)
    left, top, right, bottom = box
    path = f"{image}#xywh={left},{top},{right - left},{bottom - top}"
    return Annotation(number, path, region.label, encoded=_png(cut), place=region.place)


def _without_text(label: str | None) -> str:
    return f"marked as unreadable ({IGNORED})" if label == IGNORED else "a region without text"


def _box(low: np.ndarray, high: np.ndarray, page: Image.Image) -> tuple[int, int, int, int]:
    """Returns whole pixels, within the page."""
    left, top = np.maximum(np.floor(low), 0).astype(int).tolist()
    right, bottom = np.minimum(np.ceil(high), page.size).astype(int).tolist()
    return left, top, right, bottom


def _clockwise(corners: np.ndarray) -> np.ndarray:
    """Returns four corners clockwise from the same first one, as PPOCRLabel turns them."""
    sides = np.roll(corners, -1, axis=0) - corners
    following = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * following[:, 1] - sides[:, 1] * following[:, 0]
    if (turns > 0).all():
        return corners
    if (turns < 0).all():
        return corners[[0, 3, 2, 1]]
    raise ValueError("four corners that are no quadrilateral: its sides cross, or it has a dent")


def _is_upright_box(corners: np.ndarray) -> bool:
    """Returns whether four corners are those of a box, clockwise from the top left."""
    (a, b), (c, d), (e, f), (g, h) = corners.tolist()
    return a == g and b == d and c == e and f == h and a < c and b < f


def _filled(page: Image.Image, corners: np.ndarray, box: tuple[int, int, int, int]) -> Image.Image:
    """Cuts out a polygon; what is outside gets the median shade inside."""
    cut = page.crop(box)
    mask = Image.new("L", cut.size, 0)
    outline = [(x - box[0], y - box[1]) for x, y in corners.tolist()]
    ImageDraw.Draw(mask).polygon(outline, fill=255, outline=255)
    inside = np.asarray(cut)[np.asarray(mask) > 0]
    if not len(inside):
        raise ValueError("a polygon without a pixel inside")
    shade = np.median(inside, axis=0).astype(np.uint8)
    ground = Image.new(cut.mode, cut.size, tuple(np.atleast_1d(shade).tolist()))
    ground.paste(cut, mask=mask)
    return ground


def _straightened(page: Image.Image, corners: np.ndarray, margin: int) -> Image.Image:
    """Maps a quadrilateral, whose text begins at its first corner, to a rectangle in a margin."""
    a, b, c, d = corners
    width = max(1, round(max(math.dist(a, b), math.dist(d, c))))
    height = max(1, round(max(math.dist(a, d), math.dist(b, c))))
    full_width, full_height = width + 2 * margin, height + 2 * margin
    if full_width * full_height > MAX_PIXELS:
        raise ValueError(f"a region of {width} x {height} pixels")
    target = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64) + margin
    rows, values = [], []
    for (x, y), (u, v) in zip(target, corners, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    coefficients = np.linalg.solve(np.array(rows), np.array(values))
    return page.transform(
        (full_width, full_height),
        Image.Transform.PERSPECTIVE,
        tuple(coefficients.tolist()),
        Image.Resampling.BICUBIC,
    )


def rotated(box: Sequence[float], degrees: float, centre: Point) -> list[Point]:
    """Returns the corners of a box that is turned clockwise around a point.

    Args:
        box: left, top, right and bottom.
        degrees: the angle, clockwise as one sees it.
        centre: the point that stays.
    """
    left, top, right, bottom = box
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    turned = []
    for x, y in ((left, top), (right, top), (right, bottom), (left, bottom)):
        dx, dy = x - centre[0], y - centre[1]
        turned.append((centre[0] + dx * cosine - dy * sine, centre[1] + dx * sine + dy * cosine))
    return turned


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _shown(points: Sequence[Point]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points[:4])
