"""Treats images as cameras, printers and networks do: light, blur, noise, few pixels."""

from __future__ import annotations

import functools

import numpy as np
from PIL import Image, ImageChops, ImageFilter

_TILE = 384, 256
"""Width and height in pixels of the noise that parts are taken from."""

_DEVIATIONS = 15
"""Largest standard deviation of noise in grey levels."""


def scaled(image: Image.Image, factor: float, offset: float = 0) -> Image.Image:
    """Returns an image whose levels are multiplied by a factor, not 0, and moved; 0 to 255 stay.

    In one pass in C, where `Image.point` would round a table of Python's numbers.
    """
    return ImageChops.add(image, image, 2 / factor, round(offset))


def light(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    """Returns an image in light that falls off to one side, or in the shadow of an edge."""
    least = 1 - 0.35 * strength * rng.random()
    corners = (rng.uniform(least, 1, (2, 2)) * 255).astype(np.uint8)
    small = Image.fromarray(corners)
    if rng.random() < 0.15 * strength:
        small = small.resize((5, 3), Image.Resampling.NEAREST)
    levels = small.resize(image.size, Image.Resampling.BILINEAR)
    return ImageChops.multiply(image, levels.convert(image.mode))


def expose(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    """Returns an image of an over- or underexposed photograph, or a pale or a dark one."""
    gain = 1 + 0.5 * strength * rng.uniform(-1, 1)
    return scaled(image, gain, 128 * (1 - gain) + 60 * strength * rng.uniform(-1, 1))


def blur(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    """Returns an image out of focus or moved, by up to 3 % of its height; often it is not."""
    radius = 0.03 * strength * image.height * rng.random() ** 2
    if radius < 0.2:
        return image
    moved = rng.random()
    sides = (2 * radius, 0.0) if moved < 0.15 else (0.0, radius) if moved < 0.2 else (radius,) * 2
    return image.filter(ImageFilter.BoxBlur(sides))


def reduce(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    """Returns an image that had fewer pixels once: fewer by up to 2.5, but at least 16 rows."""
    height = max(16, round(image.height / (1 + 1.5 * strength * rng.random() ** 3)))
    if height > 0.9 * image.height:
        return image
    small = max(1, round(image.width * height / image.height)), height
    reduced = image.resize(small, Image.Resampling.BILINEAR)
    return reduced.resize(image.size, Image.Resampling.BILINEAR)


def add_noise(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    """Returns an image with the noise of a sensor, grey or in colour."""
    deviation = round(14 * strength * rng.random() ** 2)
    if not deviation:
        return image
    mode = image.mode if rng.random() < 0.5 else "L"
    noise = noise_of(image.size, deviation, mode, rng).convert(image.mode)
    return ImageChops.add(image, noise, 1, -128)


def noise_of(
    size: tuple[int, int], deviation: int, mode: str, rng: np.random.Generator
) -> Image.Image:
    """Returns noise around 128, in mode `L` or `RGB`.

    Args:
        size: width and height in pixels.
        deviation: standard deviation in grey levels, at most 40.
        mode: mode of the image.
        rng: the source of the choice of a part of the noise that was drawn once.
    """
    tile = _noise_tile(deviation, mode)
    while tile.width < size[0] or tile.height < size[1]:
        tile = _doubled(tile)
    left, top = rng.integers((tile.width - size[0] + 1, tile.height - size[1] + 1)).tolist()
    return tile.crop((left, top, left + size[0], top + size[1]))


def _doubled(tile: Image.Image) -> Image.Image:
    whole = Image.new(tile.mode, (2 * tile.width, 2 * tile.height))
    for place in ((0, 0), (tile.width, 0), (0, tile.height), tile.size):
        whole.paste(tile, place)
    return whole


@functools.cache
def _noise_tile(deviation: int, mode: str) -> Image.Image:
    """Returns noise that depends on nothing, so that all processes add the same."""
    shape = (_TILE[1], _TILE[0], 3) if mode == "RGB" else (_TILE[1], _TILE[0])
    levels = np.random.default_rng(deviation).standard_normal(shape, np.float32)
    return Image.fromarray(np.clip(128.5 + deviation * levels, 0, 255).astype(np.uint8))


def photograph(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    """Returns an image as a camera takes it: light, exposure, blur, few pixels and noise."""
    image = light(image, strength, rng) if rng.random() < 0.6 else image
    image = expose(image, strength, rng) if rng.random() < 0.3 else image
    image = reduce(blur(image, strength, rng), strength, rng)
    return add_noise(image, strength, rng)
