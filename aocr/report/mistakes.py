"""Selects the most confident mistakes of a test and prepares them for the HTML report."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image

from aocr.evaluation.alignment import align
from aocr.evaluation.metrics import Result
from aocr.report.attention import picture_of, spotlight
from aocr.report.plots import data_uri
from aocr.util.errors import UserError
from aocr.util.text.characters import describe_character, visible_character, visible_text
from aocr.util.text.drawing import encode_image

MAX_MISTAKES = 60
"""Number of mistakes that are kept and shown."""

MAX_VIEWS = 32
"""Number of characters of a prediction whose attention is shown."""

PICTURE_SIZE, VIEW_SIZE = (640, 160), (240, 48)  # largest width and height, pixels


class RankedMistake(NamedTuple):
    """Holds a mistake; a more serious one compares as greater.

    Attributes:
        probability: probability of the prediction.
        edits: edit distance of the prediction and the label.
        order: the negative number of earlier mistakes: the earlier of two equal mistakes is
            greater. It is unique, so that results are never compared.
        result: the image.
    """

    probability: float
    edits: int
    order: int
    result: Result


class WorstMistakes:
    """Counts mistakes and keeps the worst of them: the most confident, then the most edits.

    Attributes:
        count: number of mistakes, including those that are not kept.
    """

    def __init__(self) -> None:
        self.count = 0
        self._heap: list[RankedMistake] = []

    def add(self, result: Result) -> None:
        """Counts one mistake, and keeps it if it is among the worst."""
        mistake = RankedMistake(result.probability, result.edit_distance, -self.count, result)
        self.count += 1
        if len(self._heap) < MAX_MISTAKES:
            heapq.heappush(self._heap, mistake)
        else:
            heapq.heappushpop(self._heap, mistake)

    def ranked(self) -> list[Result]:
        """Returns the mistakes that are kept, the worst first."""
        return [mistake.result for mistake in sorted(self._heap, reverse=True)]


class TextPart(NamedTuple):
    """Holds part of a text, which is the same in label and prediction, or differs."""

    text: str
    differs: bool


class PredictedCharacter(NamedTuple):
    """Holds a predicted character as the report shows it.

    Attributes:
        text: the character, made visible.
        title: its probability and its name.
        doubt: strength of its tint, from 0 for a certain character to 1.
    """

    text: str
    title: str
    doubt: float


class AttentionView(NamedTuple):
    """Holds a character and a picture of where the model looked for it, as a data: URI."""

    character: str
    picture: str


class Mistake(NamedTuple):
    """Holds what the report shows of a mistake.

    Attributes:
        record: number of the record in the dataset, from 1.
        path: path of the image, or empty.
        probability: probability of the prediction.
        edits: edit distance of prediction and label.
        label, prediction: the texts, with their differences marked.
        characters: the characters of the prediction, with their probabilities.
        picture: the image as a data: URI, or empty.
        problem: the reason why there is no picture.
        views: the attention of the first characters.
    """

    record: int
    path: str
    probability: float
    edits: int
    label: list[TextPart]
    prediction: list[TextPart]
    characters: list[PredictedCharacter]
    picture: str
    problem: str
    views: list[AttentionView]


def describe_mistake(result: Result) -> Mistake:
    """Draws the image of a mistake and marks the differences of its texts."""
    pairs = align(result.label, result.prediction)
    picture, problem = _picture(result)
    return Mistake(
        record=result.place + 1,
        path=visible_text(result.comment),
        probability=result.probability,
        edits=result.edit_distance,
        label=_parts([(true, true != predicted) for true, predicted in pairs]),
        prediction=_parts([(predicted, true != predicted) for true, predicted in pairs]),
        characters=_characters(result),
        picture=_png(picture) if picture else "",
        problem=problem,
        views=_views(result, picture) if picture else [],
    )


def _picture(result: Result) -> tuple[Image.Image | None, str]:
    """Returns the image, or the reason why there is none."""
    if not result.decoded:
        return None, "no image: it could not be decoded"
    try:
        return picture_of(result), ""
    except UserError:
        return None, "no image: Pillow cannot draw it"


def _png(picture: Image.Image) -> str:
    """Returns the picture, in the size of the report, as a data: URI."""
    smaller = picture.copy()
    smaller.thumbnail(PICTURE_SIZE)
    return data_uri("image/png", encode_image(smaller, "PNG"))


def _views(result: Result, picture: Image.Image) -> list[AttentionView]:
    """Returns a view for each character, as JPEG because there are many."""
    smaller = picture.copy()
    smaller.thumbnail(VIEW_SIZE)
    views = []
    steps = zip(result.prediction, result.attention, strict=False)  # may have rows to spare
    for character, weights in itertools.islice(steps, MAX_VIEWS):
        lit = encode_image(spotlight(smaller, weights, result.columns), "JPEG", quality=85)
        views.append(AttentionView(visible_character(character), data_uri("image/jpeg", lit)))
    return views


def _parts(characters: Sequence[tuple[str, bool]]) -> list[TextPart]:
    """Joins neighbouring characters that all differ, or all agree; makes differences visible.

    Args:
        characters: pairs of a character, or "", and whether it differs.
    """
    parts = []
    for differs, group in itertools.groupby(characters, key=lambda character: character[1]):
        text = "".join(character for character, _ in group)
        if text:
            shown = "".join(map(visible_character, text)) if differs else visible_text(text)
            parts.append(TextPart(shown, differs))
    return parts


def _characters(result: Result) -> list[PredictedCharacter]:
    """Returns the characters of the prediction with their probabilities."""
    characters = []
    for character, probability in zip(
        result.prediction, result.character_probabilities, strict=True
    ):
        title = f"{100 * probability:.1f} %, {describe_character(character)}"
        characters.append(
            PredictedCharacter(visible_character(character), title, _doubt(probability))
        )
    return characters


def _doubt(probability: float) -> float:
    """Returns the strength of the tint: the square root, so that small doubts are visible."""
    return math.sqrt(min(max(0.0, 1 - probability), 1.0))
