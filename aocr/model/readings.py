"""Defines what was read from one image, by a checkpoint, an export or a server.

This module does not import TensorFlow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aocr.util.text.plurals import counted

if TYPE_CHECKING:
    import numpy as np


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


class Reading(NamedTuple):
    """Holds what was read from one image.

    Attributes:
        text: the text; empty if the image could not be read.
        probability: the probability of the text, its end included.
        character_probabilities: the probability of each character, given those before it. Empty
            if the model is an export that does not tell them; None if a server has read.
        attention: float32 `[characters, columns]`: how much each column contributed to each
            character, where the columns divide the width of the image evenly, the last one perhaps
            cut off; None unless it was asked for.
        failure: why the image could not be read; empty if it was.
        readings: the most probable texts; none for greedy decoding.
        is_exact: False if a search was not wide enough to be sure of the readings.
        complaint: what the JPEG decoder complains about although it decodes the image; empty if
            it does not, or if the reader has no `DecoderWatch`.
    """

    text: str = ""
    probability: float = 0.0
    character_probabilities: tuple[float, ...] | None = ()
    attention: np.ndarray | None = None
    failure: str = ""
    readings: tuple[RankedText, ...] = ()
    is_exact: bool = True
    complaint: str = ""
