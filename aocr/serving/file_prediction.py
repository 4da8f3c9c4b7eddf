"""Defines what was read from one image file, by a model here or by a server."""

from __future__ import annotations

from typing import NamedTuple


class FilePrediction(NamedTuple):
    """Holds the prediction for one image file.

    Attributes:
        path: path of the file, as it was given.
        text: the predicted text.
        probability: probability of the text, its end included.
        character_probabilities: the probability of each character, given those before it; None if
            the server does not tell them.
        failure: why the file could not be read; empty if it was.
    """

    path: str
    text: str = ""
    probability: float = 0.0
    character_probabilities: tuple[float, ...] | None = ()
    failure: str = ""
