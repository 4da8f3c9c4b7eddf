"""Chooses colours that keep text readable: its luminance differs from that of the background."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from PIL import Image

Color = np.ndarray
"""Red, green and blue, float32 `[3]`, 0 to 255."""

WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)
"""Shares of red, green and blue in the luminance (ITU-R BT.601), as in the model's grey images."""

LARGEST_CONTRAST, SMALLEST_CONTRAST = 110, 70
"""Least difference of luminance, in grey levels, between text and background: at strength 0 and 1.
Up to 127 are always possible, whatever the background."""


BUSY_CONTRAST = 4
"""Least difference in standard deviations of the background's luminance."""


CLUSTERS = 3
"""Number of main colours of a background."""

_LEVELS = np.arange(256)


class Levels(NamedTuple):
    """Holds the mean and the standard deviation of an image's luminance, in grey levels."""

    mean: float
    spread: float


def levels_of(image: Image.Image) -> Levels:
    """Returns how light an image is."""
    counts = np.array(image.convert("L").histogram())
    mean = float(counts @ _LEVELS) / counts.sum()
    return Levels(mean, math.sqrt(float(counts @ (_LEVELS - mean) ** 2) / counts.sum()))


def least_contrast(strength: float) -> float:
    """Returns the least difference of luminance between text and background."""
    return LARGEST_CONTRAST + strength * (SMALLEST_CONTRAST - LARGEST_CONTRAST)


def luminance(colors: np.ndarray) -> np.ndarray:
    """Returns the luminance of colours `[..., 3]`, `[...]`, 0 to 255."""
    return colors @ WEIGHTS


def random_color(rng: np.random.Generator, saturation: float) -> Color:
    """Returns a colour: grey at a saturation of 0, any colour at 1."""
    color = rng.uniform(0, 255, 3)
    return (color * saturation + color.mean() * (1 - saturation)).astype(np.float32)


def with_luminance(color: Color, wanted: float) -> Color:
    """Returns a colour of a luminance: darkened in proportion, or blended with white."""
    present = float(luminance(color))
    if present > wanted:
        return color * (wanted / present)
    return color + (255 - color) * ((wanted - present) / max(1e-6, 255 - present))


def text_color(color: Color, behind: Levels, contrast: float, rng: np.random.Generator) -> Color:
    """Returns a colour like the given one that is readable on a background.

    Args:
        color: its hue is kept.
        behind: luminance of what lies around the text.
        contrast: least difference from the background's mean luminance, at most 127. On a busy
            background it is raised to `BUSY_CONTRAST` standard deviations.
        rng: the source of chance, such as whether the text is the darker or the lighter.
    """
    contrast = max(contrast, min(BUSY_CONTRAST * behind.spread, LARGEST_CONTRAST))
    darker, lighter = max(0.0, behind.mean - contrast), max(0.0, 255 - behind.mean - contrast)
    if rng.random() * (darker + lighter) < darker:
        return with_luminance(color, darker * rng.beta(1, 2))
    return with_luminance(color, 255 - lighter * rng.beta(1, 2))


def color_clusters(background: Image.Image) -> np.ndarray:
    """Returns the main colours of an image of mode `RGB` by k-means, float32 `[CLUSTERS, 3]`."""
    few = background.quantize(CLUSTERS, Image.Quantize.MEDIANCUT, kmeans=1)
    found = np.array((few.getpalette() or [])[: 3 * CLUSTERS], np.float32).reshape(-1, 3)
    used = sorted(found.tolist(), key=lambda color: float(luminance(np.array(color))))
    return np.array([used[min(number, len(used) - 1)] for number in range(CLUSTERS)], np.float32)


def limit_spread(image: Image.Image, most: float) -> Image.Image:
    """Returns an image whose luminance has at most a standard deviation; its mean stays."""
    levels = levels_of(image)
    if levels.spread <= most:
        return image
    mean = image.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    return Image.blend(Image.new("RGB", image.size, mean), image, most / levels.spread)


def as_rgb(color: Color) -> tuple[int, int, int]:
    """Returns a colour in whole levels, as Pillow takes it."""
    red, green, blue = color.tolist()
    return _level(red), _level(green), _level(blue)


def _level(value: float) -> int:
    return min(max(round(value), 0), 255)
