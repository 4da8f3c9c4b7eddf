"""Defines the texts that a search finds for one image; does not import TensorFlow."""

from __future__ import annotations

from typing import NamedTuple

from aocr.util.text.plurals import counted


class RankedText(NamedTuple):
    """Holds a text that may stand in an image, and its probability."""

    text: str
    probability: float


def inexact_text(count: int, images: int) -> str:
    """Returns a line about images whose readings may not be the most probable texts."""
    return (
        f"The search was not wide enough to be sure of {count} of {counted(images, 'image')}: "
        "another text may be more probable."
    )
