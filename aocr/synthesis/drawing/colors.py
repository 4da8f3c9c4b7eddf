"""Chooses colours that keep text readable: its luminance differs from that of the background."""

from __future__ import annotations

import numpy as np
from PIL import Image

WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)
"""Shares of red, green and blue in the luminance (ITU-R BT.601), as in the model's grey images."""

LARGEST_CONTRAST, SMALLEST_CONTRAST = 110, 70
"""Least difference of luminance, in grey levels, between text and background: at strength 0 and 1.
Up to 127 are always possible, whatever the background."""


BUSY_CONTRAST = 4
"""Least difference in standard deviations of the background's luminance."""


CLUSTERS, CLUSTERED_PIXELS, CLUSTER_PASSES = 3, 256, 4
"""Number of colours of a background, of the pixels they are found among, and of the passes."""


def least_contrast(strength: float) -> float:
    """Returns the least difference of luminance between text and background."""
    return LARGEST_CONTRAST + strength * (SMALLEST_CONTRAST - LARGEST_CONTRAST)


def luminance(colors: np.ndarray) -> np.ndarray:
    """Returns the luminance of colours `[..., 3]`, `[...]`, 0 to 255."""
    return colors @ WEIGHTS


def random_color(rng: np.random.Generator, saturation: float) -> np.ndarray:
    """Returns a colour, float32 `[3]`: grey at a saturation of 0, any colour at 1."""
    color = rng.uniform(0, 255, 3)
    return (color * saturation + color.mean() * (1 - saturation)).astype(np.float32)


def with_luminance(color: np.ndarray, wanted: float) -> np.ndarray:
    """Returns a colour of a luminance: darkened in proportion, or blended with white."""
    present = float(luminance(color))
    if present > wanted:
        return color * (wanted / present)
    return color + (255 - color) * ((wanted - present) / max(1e-6, 255 - present))


def text_color(
    color: np.ndarray, background: np.ndarray, contrast: float, rng: np.random.Generator
) -> np.ndarray:
    """Returns a colour like the given one that is readable on a background.

    Args:
        color: float32 `[3]`; its hue is kept.
        background: float32 `[..., 3]`, what lies around the text.
        contrast: least difference from the background's mean luminance, at most 127. On a busy
            background it is raised to `BUSY_CONTRAST` standard deviations.
        rng: the source of chance, such as whether the text is the darker or the lighter.
    """
    levels = luminance(background)
    mean = float(levels.mean())
    contrast = max(contrast, min(BUSY_CONTRAST * float(levels.std()), LARGEST_CONTRAST))
    darker, lighter = max(0.0, mean - contrast), max(0.0, 255 - mean - contrast)
    if rng.random() * (darker + lighter) < darker:
        return with_luminance(color, darker * rng.beta(1, 2))
    return with_luminance(color, 255 - lighter * rng.beta(1, 2))


def color_clusters(background: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns the main colours of a background by k-means (Lloyd, 1982), float32 `[CLUSTERS, 3]`.

    Args:
        background: float32 `[H, W, 3]`.
        rng: the source of the choice of pixels that are clustered.
    """
    pixels = background.reshape(-1, 3)
    pixels = pixels[rng.integers(len(pixels), size=CLUSTERED_PIXELS)]
    order = np.argsort(luminance(pixels), kind="stable")
    centers = pixels[order[np.linspace(0, CLUSTERED_PIXELS - 1, CLUSTERS).astype(int)]]
    for _ in range(CLUSTER_PASSES):
        distances = ((pixels[:, np.newaxis] - centers) ** 2).sum(axis=2)  # [pixels, CLUSTERS]
        members = np.eye(CLUSTERS, dtype=np.float32)[distances.argmin(axis=1)]
        sizes = members.sum(axis=0)[:, np.newaxis]
        centers = np.where(sizes > 0, members.T @ pixels / np.maximum(sizes, 1), centers)
    return centers.round().astype(np.float32)


def limit_spread(canvas: np.ndarray, most: float) -> np.ndarray:
    """Returns an image whose luminance has at most a standard deviation; its mean stays."""
    spread = float(luminance(canvas).std())
    if spread <= most:
        return canvas
    mean = canvas.mean(axis=(0, 1))
    return mean + (canvas - mean) * (most / spread)


def paint(canvas: np.ndarray, mask: np.ndarray, color: np.ndarray) -> np.ndarray:
    """Returns a canvas `[H, W, 3]` with a colour where a mask `[H, W]`, 0 to 1, says so."""
    return canvas + (color - canvas) * mask[..., np.newaxis]


def as_weights(mask: Image.Image) -> np.ndarray:
    """Returns a mask as float32 `[H, W]`, 0 to 1."""
    return np.asarray(mask, np.float32) / 255
