"""Defines what a style gets to draw."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from aocr.synthesis.drawing.backgrounds import Backdrop
from aocr.synthesis.fonts.choice import FontFile


class Subject(NamedTuple):
    """Holds what a style draws.

    Attributes:
        text: the text.
        fonts: fonts that have all its characters.
        height: height of the image in pixels.
        strength: strength of all effects, from 0 to 1.
        backdrop: the painter of the background.
    """

    text: str
    fonts: tuple[FontFile, ...]
    height: int
    strength: float
    backdrop: Backdrop

    def font(self, rng: np.random.Generator) -> FontFile:
        """Returns a random one of the fonts."""
        return self.fonts[rng.integers(len(self.fonts))]
