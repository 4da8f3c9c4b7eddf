"""Paints backgrounds: plain, gradient, noise, texture, clutter, or parts of given images."""

from __future__ import annotations

import functools
import logging
import math
import os
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from aocr.data.images.files import ImageFileError, read_header
from aocr.synthesis.drawing.colors import as_rgb, limit_spread, random_color
from aocr.synthesis.drawing.effects import noise_of
from aocr.util.errors import UserError, first_line
from aocr.util.paths.checks import is_remote
from aocr.util.terminal.log import FILE_ONLY
from aocr.util.text.characters import escape
from aocr.util.text.plurals import counted

IMAGES_PER_FILE = 16
"""Consecutive images that get parts of one background file, because decoding it takes long."""

LARGEST_SIDE = 1024
"""Pixels that background files are reduced to."""

MAX_PIXELS = 100_000_000
"""Pixels of the largest background file."""

_SMALLEST_PART = 48  # pixels
_NAMED = 10

_DECODING_ERRORS = (OSError, EOFError, SyntaxError, ValueError, Image.DecompressionBombError)
"""What Pillow raises for image files that are damaged."""


class Backdrop(NamedTuple):
    """Paints the backgrounds of one image.

    Attributes:
        kind: one of `options.BACKGROUNDS`, or None for what the style has.
        file: an image to take parts of instead, or None.
    """

    kind: str | None = None
    file: str | None = None

    def paint(
        self,
        size: tuple[int, int],
        usual: dict[str, float],
        spread: float,
        rng: np.random.Generator,
    ) -> Image.Image:
        """Returns a background, an image of mode `RGB`.

        Args:
            size: width and height.
            usual: kinds with their probabilities, if the user asked for none.
            spread: most standard deviation of the luminance.
            rng: the source of the rest.
        """
        if self.file:
            return limit_spread(_part_of(self.file, size, rng), spread)
        kind = self.kind or _chosen(usual, rng.random())
        canvas = _PAINTERS[kind](size, rng)
        return canvas if kind == "plain" else limit_spread(canvas, spread)


def _chosen(shares: dict[str, float], position: float) -> str:
    """Returns the kind at a position from 0 to 1 of the shares, which are 1 together."""
    kinds, sums = list(shares), np.cumsum(list(shares.values()))
    return kinds[min(int(np.searchsorted(sums, position, side="right")), len(kinds) - 1)]


def backdrop_of(
    kind: str | None, files: tuple[str, ...], key: tuple[int, int]
) -> tuple[Backdrop, tuple[str, ...]]:
    """Returns the backdrop of an image, and what is wrong with files that were passed over for it.

    In place of a file that cannot be decoded, the next one that can is taken.

    Args:
        kind: kind of a `Backdrop`.
        files: image files to choose from, perhaps none.
        key: the seed and the index of the image.

    Raises:
        UserError: no file can be decoded.
    """
    if not files:
        return Backdrop(kind), ()
    rng = np.random.default_rng((key[0], key[1] // IMAGES_PER_FILE, len(files)))
    first = int(rng.integers(len(files)))
    problems: list[str] = []
    for path in files[first:] + files[:first]:
        if problem := _problem_of(path):
            problems.append(problem)
        else:
            return Backdrop(file=path), tuple(problems)
    raise UserError(
        f"--backgrounds: none of {counted(len(files), 'image')} can be decoded: "
        f"{_first_of(problems)}; give other images"
    )


@functools.cache
def _problem_of(path: str) -> str:
    """Returns the name of a background file and why it cannot be decoded; empty if it can."""
    try:
        _reduced(path)
    except _DECODING_ERRORS as error:
        return f"{path} ({first_line(error)})"
    return ""


def warn_of_problems(problems: Iterable[str]) -> None:
    """Names the background files that could not be decoded, if there are any."""
    if found := sorted(set(problems)):
        logging.warning(
            "--backgrounds: %s could not be decoded, others were drawn on: %s",
            counted(len(found), "image"),
            _first_of(found),
        )
        for problem in found[_NAMED:]:
            logging.info("Not used: %s", problem, extra={FILE_ONLY: True})


def _first_of(names: list[str]) -> str:
    return escape(", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else ""))


def find_backgrounds(folder: str) -> tuple[str, ...]:
    """Returns the image files in a folder and the folders inside, sorted; names the other files.

    Raises:
        UserError: there is no such folder, or no image in it.
    """
    if is_remote(folder) or not os.path.isdir(folder):
        raise UserError(f"--backgrounds={folder}: no such folder; give a local folder of images")
    found: list[str] = []
    others: list[str] = []
    for path in sorted(
        os.path.join(parent, n) for parent, _, names in os.walk(folder) for n in names
    ):
        (found if _is_image(path) else others).append(path)
    if others:
        logging.warning(
            "--backgrounds: %s cannot be used: %s", counted(len(others), "file"), _first_of(others)
        )
    if not found:
        raise UserError(f"--backgrounds={folder}: no image in it")
    return tuple(found)


def _is_image(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            read_header(file.read(), MAX_PIXELS)
    except (OSError, ImageFileError):
        return False
    return True


@functools.lru_cache(maxsize=1)
def _reduced(path: str) -> Image.Image:
    """Decodes a background file; keeps the last one, as the next image needs it too."""
    with Image.open(path) as image:
        image.draft("RGB", (LARGEST_SIDE, LARGEST_SIDE))
        image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
        return image.convert("RGB")


def _part_of(path: str, size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """Returns a random part of an image file, of the shape of the size."""
    image = _reduced(path)
    largest = min(image.width / size[0], image.height / size[1])
    smallest = min(largest, _SMALLEST_PART / size[1])
    scale = smallest + (largest - smallest) * rng.random() ** 2
    width = min(scale * size[0], image.width)  # rounding may exceed it
    height = min(scale * size[1], image.height)
    left, top = rng.random() * (image.width - width), rng.random() * (image.height - height)
    box = (left, top, min(left + width, image.width), min(top + height, image.height))
    return image.resize(size, Image.Resampling.BILINEAR, box=box)


def _plain(size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    return Image.new("RGB", size, as_rgb(_color(rng)))


def gradient(
    size: tuple[int, int], colors: list[np.ndarray], rng: np.random.Generator
) -> Image.Image:
    """Returns an image of mode `RGB` that goes through some colours in a random direction."""
    angle = rng.uniform(0, 2 * math.pi)
    x = np.linspace(-1, 1, 9) * math.cos(angle)
    y = np.linspace(-1, 1, 5)[:, np.newaxis] * math.sin(angle)
    place = ((x + y) / (abs(math.cos(angle)) + abs(math.sin(angle))) + 1) / 2  # [5, 9], 0 to 1
    stops = np.linspace(0, 1, len(colors))
    channels = [np.interp(place, stops, channel) for channel in np.array(colors).T]
    levels = np.clip(np.stack(channels, axis=-1), 0, 255).astype(np.uint8)
    return Image.fromarray(levels).resize(size, Image.Resampling.BILINEAR)


def _gradient(size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    return gradient(size, [_color(rng) for _ in range(rng.integers(2, 5))], rng)


def _noise(size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    noise = noise_of(size, 8 * int(rng.integers(1, 6)), "RGB", rng)
    return ImageChops.add(_plain(size, rng), noise, 1, -128)


def _texture(size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """Blends two colours by blots of several sizes, stretched as wood or stone is."""
    stretch = math.exp(rng.uniform(-1.5, 1.5))
    sizes = [size[1] / 1.5 ** rng.uniform(0, 9) for _ in range(2)]
    one, other = (blots(size, each * stretch, each / stretch, rng) for each in sizes)
    amount = Image.blend(one, other, rng.uniform(0.2, 0.8))
    return Image.composite(_plain(size, rng), _plain(size, rng), amount)


def blots(
    size: tuple[int, int], width: float, height: float, rng: np.random.Generator
) -> Image.Image:
    """Returns smooth noise around 128, an image of mode `L`, in blots of a size in pixels."""
    columns, rows = (
        min(whole, 2 + int(whole / max(1.0, blot)))
        for whole, blot in zip(size, (width, height), strict=True)
    )
    coarse = Image.fromarray(rng.integers(0, 256, (rows, columns), np.uint8))
    return coarse.resize(size, Image.Resampling.BILINEAR)


def _clutter(size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """Returns things out of focus: bars, boards and discs of several colours, one over another."""
    width, height = (max(2, whole // 3) for whole in size)  # enlarged, they are out of focus
    canvas = _gradient((width, height), rng)
    draw = ImageDraw.Draw(canvas)
    for _ in range(rng.integers(2, 8)):
        color, x, y = as_rgb(_color(rng)), rng.uniform(0, width), rng.uniform(0, height)
        far = np.exp(rng.uniform(-2, 0.5, 2)) * height
        if rng.random() < 0.25:
            draw.ellipse((x - far[0], y - far[0], x + far[0], y + far[0]), color)
        else:
            slope = far[1] * rng.uniform(-0.5, 0.5)
            draw.polygon(
                [(x, -1), (x + far[0], -1), (x + far[0] + slope, height), (x + slope, height)]
                if rng.random() < 0.5
                else [(-1, y), (width, y + slope), (width, y + slope + far[1]), (-1, y + far[1])],
                color,
            )
    return canvas.resize(size, Image.Resampling.BILINEAR)


def _color(rng: np.random.Generator) -> np.ndarray:
    """Returns a colour of a background; greys, whites and blacks are frequent, as in print."""
    shade = rng.random()
    if shade < 0.25:
        return np.full(3, rng.uniform(205, 255), np.float32)
    if shade < 0.35:
        return np.full(3, rng.uniform(0, 50), np.float32)
    return random_color(rng, saturation=rng.random())


_PAINTERS = {
    "plain": _plain,
    "gradient": _gradient,
    "noise": _noise,
    "texture": _texture,
    "clutter": _clutter,
}
