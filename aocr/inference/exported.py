"""Defines what a model and an export of it have in common: both read a batch of images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import numpy as np


class Images(NamedTuple):
    """Holds a batch of images, in the two forms in which exports take them.

    Attributes:
        encoded: the image files.
        prepared: the inputs of `serving_pixels` by their keys; empty if nothing takes them.
    """

    encoded: list[bytes]
    prepared: Mapping[str, np.ndarray]


class BatchTexts(NamedTuple):
    """Holds what was read from a batch of images.

    Attributes:
        texts: one for each image.
        probabilities: float `[N]`, of the texts.
    """

    texts: list[str]
    probabilities: np.ndarray


ReadBatch = Callable[[Images], BatchTexts]
"""Reads a batch of images."""


class Exported(Protocol):
    """Declares what a format loads from its files."""

    def readers(self) -> Mapping[str, ReadBatch]:
        """Returns each way to read images with the export, by its name."""

    def close(self) -> None:
        """Frees what the export holds."""
