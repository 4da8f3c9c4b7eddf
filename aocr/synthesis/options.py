"""Defines what `aocr synth` is asked for."""

from __future__ import annotations

import dataclasses
import os
from typing import NamedTuple

STYLES = ("scene", "captcha", "plate", "document")
BACKGROUNDS = ("plain", "gradient", "noise", "texture", "clutter")
FORMATS = ("jpeg", "png")

BUILT_IN = "builtin"
"""Stands for the font that is part of Pillow."""

DEFAULT_HEIGHTS = (32, 64)
"""Least and largest height of an image in pixels."""

MIN_HEIGHT, MAX_HEIGHT = 16, 256
"""Limits of the height of an image in pixels: fewer cannot be read, and a model looks at 32."""

DEFAULT_LENGTHS = (3, 8)
"""Least and largest number of characters of a random text."""

DEFAULT_PIECE_LENGTHS = (4, 40)
"""Least and largest number of characters of a piece of running text."""


def is_folder_name(output: str) -> bool:
    """Returns whether an output is to be a folder: its name ends with a slash."""
    return output.endswith(("/", os.sep))


class Span(NamedTuple):
    """A range of whole numbers, both ends included."""

    least: int
    most: int


class TextOptions(NamedTuple):
    """Says which texts to draw; one of the first four is given, or `like` alone.

    Attributes:
        words: file of texts, one per line.
        text: file of running text.
        charset: file of characters that random texts are made of.
        pattern: regular expression of the texts.
        lengths: numbers of characters, or None for those of the source.
        like: datasets whose sizes, lengths and characters to follow.
        balance: draw rare characters more often than they occur.
        force_uppercase: convert the labels, but not the drawn texts, to upper case.
    """

    words: str | None = None
    text: str | None = None
    charset: str | None = None
    pattern: str | None = None
    lengths: Span | None = None
    like: tuple[str, ...] = ()
    balance: bool = False
    force_uppercase: bool = False


class LookOptions(NamedTuple):
    """Says what the images look like.

    Attributes:
        style: one of `STYLES`.
        strength: strength of all effects, from 0 to 1.
        background: one of `BACKGROUNDS`, or None for what the style has.
        backgrounds: folder of background images, or None.
        heights: heights of the images in pixels, or None for the default or those of `like`.
        image_format: one of `FORMATS`.
    """

    style: str = "scene"
    strength: float = 0.5
    background: str | None = None
    backgrounds: str | None = None
    heights: Span | None = None
    image_format: str = "jpeg"


@dataclasses.dataclass(frozen=True)
class SynthesisOptions:
    """Says what to draw and where to write it.

    Attributes:
        texts: choice of the texts.
        looks: what the images look like.
        count: number of images.
        seed: the source of everything random.
        fonts: folder of fonts, `BUILT_IN`, or None for those of the machine.
        processes: number of processes that draw.
        shards: number of TFRecord files.
        sheet: PNG file for a contact sheet, or None.
    """

    texts: TextOptions
    looks: LookOptions = dataclasses.field(default_factory=LookOptions)
    count: int = 1000
    seed: int = 0
    fonts: str | None = None
    processes: int = 1
    shards: int = 1
    sheet: str | None = None
