"""Decides whether a label and an image fit the limits of a model.

`labels.encode_label` applies the limits of labels in the graph.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import NamedTuple

from aocr.util.text.plurals import counted

_MAX_LISTED_CHARACTERS = 5


@dataclasses.dataclass(frozen=True)
class Limits:
    """Limits that images and labels must not exceed; None for no limit."""

    max_width: int | None = None
    max_height: int | None = None
    max_prediction: int | None = None
    characters: str | None = None


class Problem(NamedTuple):
    """Holds the reason why something does not fit.

    Attributes:
        reason: the problem, in the same words for every record that has it.
        detail: the offending number or characters.
    """

    reason: str
    detail: str


class LabelCheck(NamedTuple):
    """Holds how a label exceeds the limits.

    Attributes:
        too_long: whether it is longer than `max_prediction`.
        unknown: its characters outside the charset, each once, in order of appearance.
    """

    too_long: bool
    unknown: str

    @property
    def fits(self) -> bool:
        """Whether a model can learn and predict the label."""
        return not self.too_long and not self.unknown


class ImageCheck(NamedTuple):
    """Holds how an image exceeds the limits.

    Attributes:
        too_wide: whether it is wider than `max_width`.
        too_high: whether it is higher than `max_height`.
    """

    too_wide: bool
    too_high: bool


def check_label(label: str, limits: Limits) -> LabelCheck:
    """Compares a label with the limits that are set."""
    too_long = limits.max_prediction is not None and len(label) > limits.max_prediction
    known = label if limits.characters is None else limits.characters
    return LabelCheck(too_long, "".join(c for c in dict.fromkeys(label) if c not in known))


def ctc_columns(label: str) -> int:
    """Returns how many columns CTC needs: one for each character, and one between equal ones."""
    return len(label) + sum(a == b for a, b in itertools.pairwise(label))


def check_image(width: int, height: int, limits: Limits) -> ImageCheck:
    """Compares the size of an image, in pixels, with the limits that are set."""
    return ImageCheck(
        too_wide=limits.max_width is not None and width > limits.max_width,
        too_high=limits.max_height is not None and height > limits.max_height,
    )


def label_problem(label: str, limits: Limits) -> Problem | None:
    """Returns the first reason why a label does not fit, or None if it fits."""
    check = check_label(label, limits)
    if check.too_long:
        reason = f"label longer than --max-prediction={limits.max_prediction}"
        return Problem(reason, counted(len(label), "character"))
    if check.unknown:
        listed = sorted(check.unknown)[:_MAX_LISTED_CHARACTERS]
        return Problem("character outside the charset", ", ".join(map(repr, listed)))
    return None


def image_problem(width: int, height: int, limits: Limits) -> Problem | None:
    """Returns the first reason why an image does not fit, or None; its size is in pixels."""
    check = check_image(width, height, limits)
    size = f"{width} x {height}"
    if check.too_wide:
        return Problem(f"wider than --max-width={limits.max_width}", size)
    if check.too_high:
        return Problem(f"higher than --max-height={limits.max_height}", size)
    return None
