"""Paints backgrounds: plain, gradient, noise, texture, or parts of given images."""

from __future__ import annotations

import functools
import logging
import math
import os
from typing import NamedTuple

import numpy as np
from PIL import Image

from aocr.data.images.files import ImageFileError, read_header
from aocr.synthesis.drawing.colors import limit_spread, random_color
from aocr.util.errors import UserError, first_line
from aocr.util.paths.checks import is_remote
from aocr.util.text.characters import escape
from aocr.util.text.plurals import counted

IMAGES_PER_FILE = 16
"""Consecutive images that get parts of one background file, because decoding it takes long."""

LARGEST_SIDE = 1024
"""Pixels that background files are reduced to."""

MAX_PIXELS = 100_000_000
"""Pixels of the largest background file."""

_SMALLEST_PART = 48  # pixels
_NAMED = 3


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
    ) -> np.ndarray:
        """Returns a background, float32 `[H, W, 3]`, 0 to 255.

        Args:
            size: width and height.
            usual: kinds with their probabilities, if the user asked for none.
            spread: most standard deviation of the luminance.
            rng: the source of the rest.
        """
        if self.file:
            return limit_spread(_part_of(self.file, size, rng), spread)
        kind = self.kind or str(rng.choice(list(usual), p=list(usual.values())))
        return limit_spread(_PAINTERS[kind](size, rng), spread)


def backdrop_of(kind: str | None, files: tuple[str, ...], key: tuple[int, int]) -> Backdrop:
    """Returns the backdrop of an image.

    Args:
        kind: kind of a `Backdrop`.
        files: image files to choose from, perhaps none.
        key: the seed and the index of the image.
    """
    if not files:
        return Backdrop(kind)
    rng = np.random.default_rng((key[0], key[1] // IMAGES_PER_FILE, len(files)))
    return Backdrop(file=files[rng.integers(len(files))])


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
        named = ", ".join(others[:_NAMED]) + (", ..." if len(others) > _NAMED else "")
        logging.warning(
            "--backgrounds: %s cannot be used: %s", counted(len(others), "file"), escape(named)
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
    try:
        with Image.open(path) as image:
            image.draft("RGB", (LARGEST_SIDE, LARGEST_SIDE))
            image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
            return image.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(
            f"the background {path} cannot be decoded ({first_line(error)}): remove it"
        ) from error


def _part_of(path: str, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Returns a random part of an image file, of the shape of the size."""
    image = _reduced(path)
    largest = min(image.width / size[0], image.height / size[1])
    smallest = min(largest, _SMALLEST_PART / size[1])
    scale = smallest + (largest - smallest) * rng.random() ** 2
    width, height = scale * size[0], scale * size[1]
    left, top = rng.random() * (image.width - width), rng.random() * (image.height - height)
    box = (left, top, left + width, top + height)
    part = image.resize(size, Image.Resampling.BILINEAR, box=box)
    return np.asarray(part, np.float32)


def _plain(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    return np.broadcast_to(_color(rng), (size[1], size[0], 3))


def _gradient(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    angle = rng.uniform(0, 2 * math.pi)
    x = np.linspace(-1, 1, size[0], dtype=np.float32) * math.cos(angle)
    y = np.linspace(-1, 1, size[1], dtype=np.float32) * math.sin(angle)
    return _mix((x + y[:, np.newaxis] + 1.5) / 3, _color(rng), _color(rng))


def _noise(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    levels = rng.standard_normal((size[1], size[0], 3), np.float32) * rng.uniform(8, 40)
    return np.clip(_color(rng) + levels, 0, 255)


def _texture(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Blends two colours by smooth noise of several sizes, stretched as wood or stone is."""
    stretch = math.exp(rng.uniform(-1.2, 1.2))
    sizes = [size[1] / 1.5 ** rng.uniform(0, 9) for _ in range(3)]
    amount = sum(smooth_noise(size, each * stretch, each / stretch, rng) for each in sizes)
    return _mix(np.clip(amount / 4 + 0.5, 0, 1), _color(rng), _color(rng))


def smooth_noise(
    size: tuple[int, int], width: float, height: float, rng: np.random.Generator
) -> np.ndarray:
    """Returns noise, float32 `[H, W]`, about -2 to 2, in blots of a size in pixels."""
    columns, rows = (
        min(whole, 2 + int(whole / max(1.0, blot)))
        for whole, blot in zip(size, (width, height), strict=True)
    )
    coarse = Image.fromarray(rng.standard_normal((rows, columns), np.float32))
    return np.asarray(coarse.resize(size, Image.Resampling.BICUBIC))


def _color(rng: np.random.Generator) -> np.ndarray:
    """Returns a colour of a background; greys, whites and blacks are frequent, as in print."""
    shade = rng.random()
    if shade < 0.25:
        return np.full(3, rng.uniform(205, 255), np.float32)
    if shade < 0.35:
        return np.full(3, rng.uniform(0, 50), np.float32)
    return random_color(rng, saturation=rng.random())


def _mix(amount: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return one + (other - one) * amount[..., np.newaxis].astype(np.float32)


_PAINTERS = {"plain": _plain, "gradient": _gradient, "noise": _noise, "texture": _texture}
