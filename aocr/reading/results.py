"""Defines what was read from one image file, by a model here or by a server."""

from __future__ import annotations

from typing import NamedTuple

from aocr.model.search.ranked_texts import RankedText


class FilePrediction(NamedTuple):
    """Holds the prediction for one image file.

    Attributes:
        path: path of the file, as it was given.
        text: the predicted text.
        probability: probability of the text, its end included.
        character_probabilities: the probability of each character, given those before it; None if
            the server does not tell them.
        failure: why the file could not be read; empty if it was.
        readings: the most probable texts; none for greedy decoding.
        is_exact: False if a search was not wide enough to be sure of the readings.
        complaint: what the decoder complains about although it decodes the image; or empty.
    """

    path: str
    text: str = ""
    probability: float = 0.0
    character_probabilities: tuple[float, ...] | None = ()
    failure: str = ""
    readings: tuple[RankedText, ...] = ()
    is_exact: bool = True
    complaint: str = ""
