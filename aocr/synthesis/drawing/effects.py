"""Treats images as cameras, printers and networks do: light, blur, noise, few pixels."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageFilter

Canvas = np.ndarray
"""An image, float32 `[H, W, 3]`, 0 to 255."""


def light(canvas: Canvas, strength: float, rng: np.random.Generator) -> Canvas:
    """Returns an image in light that falls off to one side."""
    angle = rng.uniform(0, 2 * math.pi)
    x = np.linspace(-1, 1, canvas.shape[1], dtype=np.float32) * math.cos(angle)
    y = np.linspace(-1, 1, canvas.shape[0], dtype=np.float32) * math.sin(angle)
    fall = 0.25 * strength * rng.random()
    return canvas * (1 - fall + fall * (x + y[:, np.newaxis])[..., np.newaxis] / math.sqrt(2))


def to_image(canvas: Canvas) -> Image.Image:
    """Returns the image in mode `RGB`."""
    return Image.fromarray(np.clip(canvas + 0.5, 0, 255).astype(np.uint8))


def blur(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    """Returns an image out of focus, by up to 1.8 % of its height; often it is not."""
    radius = 0.018 * strength * image.height * rng.random() ** 2
    return image.filter(ImageFilter.GaussianBlur(radius)) if radius > 0.15 else image


def reduce(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    """Returns an image that had fewer pixels once: fewer by up to 1.7, but at least 24 rows."""
    factor = 1 + 0.7 * strength * rng.random() ** 2
    height = max(24, round(image.height / factor))
    if height >= image.height:
        return image
    small = max(1, round(image.width * height / image.height)), height
    reduced = image.resize(small, Image.Resampling.BILINEAR)
    return reduced.resize(image.size, Image.Resampling.BICUBIC)


def add_noise(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    """Returns an image with the noise of a sensor, grey or in colour."""
    deviation = 14 * strength * rng.random() ** 2
    if deviation < 0.7:
        return image
    pixels = np.asarray(image, np.float32)
    shape = pixels.shape if rng.random() < 0.5 else (*pixels.shape[:2], *[1] * (pixels.ndim - 2))
    noisy = pixels + deviation * rng.standard_normal(shape, np.float32)
    return Image.fromarray(np.clip(noisy + 0.5, 0, 255).astype(np.uint8))


def photograph(canvas: Canvas, strength: float, rng: np.random.Generator) -> Image.Image:
    """Returns an image as a camera takes it: light, blur, few pixels and noise."""
    image = to_image(light(canvas, strength, rng))
    image = reduce(blur(image, strength, rng), strength, rng)
    return add_noise(image, strength, rng)
