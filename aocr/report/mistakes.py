"""The most confident mistakes of a test, and how a report shows each."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image

from aocr.evaluation import metrics
from aocr.evaluation.alignment import align
from aocr.evaluation.result import Result
from aocr.report.attention import spotlight
from aocr.report.plots import data_uri
from aocr.util.characters import describe_character, visible_character, visible_text
from aocr.util.drawing import decode_for_display, encode_image, scale_for_display
from aocr.util.errors import UserError

MOST = 60
"""Mistakes that are kept and shown."""

MOST_VIEWS = 32
"""Characters of a reading whose attention is shown."""

PICTURE, VIEW = (640, 160), (240, 48)  # pixels; the largest an image and a view of it are drawn


class Ranked(NamedTuple):
    """A mistake; of two, the worse is the greater.

    Attributes:
        probability: of the reading.
        edits: to make the label of it.
        order: minus the number of images before it, so that the earlier of two alike is greater.
        tested: the image; never compared, because no two have the same order.
    """

    probability: float
    edits: int
    order: int
    tested: Result


class Worst:
    """Keeps the worst mistakes of any number."""

    def __init__(self) -> None:
        self.count = 0
        self._heap: list[Ranked] = []

    def add(self, tested: Result) -> None:
        """Counts one mistake, and keeps it if it is among the worst."""
        edits = metrics.edit_distance(tested.prediction, tested.label)
        ranked = Ranked(tested.probability, edits, -self.count, tested)
        self.count += 1
        if len(self._heap) < MOST:
            heapq.heappush(self._heap, ranked)
        else:
            heapq.heappushpop(self._heap, ranked)

    def ranked(self) -> list[Ranked]:
        """Those kept, the worst first."""
        return sorted(self._heap, reverse=True)


class Mark(NamedTuple):
    """Part of a text: the same in label and reading, or not."""

    text: str
    differs: bool


class Character(NamedTuple):
    """A character read, what is said of it, and how doubtful it is: from 0 to 1."""

    text: str
    title: str
    doubt: float


class View(NamedTuple):
    """Where the model looked for a character."""

    character: str
    picture: str


class Mistake(NamedTuple):
    """What the template shows of one.

    Attributes:
        record: its number, from 1.
        path: of the image, or empty.
        probability: of the reading.
        edits: to make the label of it.
        label, reading: the texts.
        characters: of the reading, with their probabilities.
        picture: a data: URI, or empty.
        problem: why there is no picture.
        views: of the first characters.
    """

    record: int
    path: str
    probability: float
    edits: int
    label: list[Mark]
    reading: list[Mark]
    characters: list[Character]
    picture: str
    problem: str
    views: list[View]


def mistake_of(ranked: Ranked) -> Mistake:
    """Draws a mistake and marks its texts."""
    tested = ranked.tested
    pairs = align(tested.label, tested.prediction)
    drawn, problem = _picture(tested)
    return Mistake(
        record=tested.place + 1,
        path=visible_text(tested.comment),
        probability=ranked.probability,
        edits=ranked.edits,
        label=_marks([(true, true != read) for true, read in pairs]),
        reading=_marks([(read, true != read) for true, read in pairs]),
        characters=_characters(tested),
        picture=_png(drawn) if drawn else "",
        problem=problem,
        views=_views(drawn, tested) if drawn else [],
    )


def _picture(tested: Result) -> tuple[Image.Image | None, str]:
    """The image, or the reason why there is none."""
    if not tested.columns:
        return None, "no image: it could not be decoded"
    try:
        return scale_for_display(decode_for_display(tested.encoded, tested.place + 1)), ""
    except UserError:
        return None, "no image: Pillow cannot draw it"


def _png(picture: Image.Image) -> str:
    smaller = picture.copy()
    smaller.thumbnail(PICTURE)
    return data_uri("image/png", encode_image(smaller, "PNG"))


def _views(picture: Image.Image, tested: Result) -> list[View]:
    """One a character; JPEG, because there are many."""
    smaller = picture.copy()
    smaller.thumbnail(VIEW)
    views = []
    steps = zip(tested.prediction, tested.attention, strict=False)  # what is read may end earlier
    for character, weights in itertools.islice(steps, MOST_VIEWS):
        lit = encode_image(spotlight(smaller, weights, tested.columns), "JPEG", quality=85)
        views.append(View(visible_character(character), data_uri("image/jpeg", lit)))
    return views


def _marks(characters: Sequence[tuple[str, bool]]) -> list[Mark]:
    """Neighbours that all differ, or do not, as one; what differs is made visible."""
    marks = []
    for differs, group in itertools.groupby(characters, key=lambda character: character[1]):
        text = "".join(character for character, _ in group)
        if text:
            marks.append(
                Mark(
                    "".join(map(visible_character, text)) if differs else visible_text(text),
                    differs,
                )
            )
    return marks


def _characters(tested: Result) -> list[Character]:
    steps = zip(tested.prediction, tested.character_probabilities, strict=True)
    return [
        Character(
            visible_character(c),
            f"{100 * probability:.1f} %, {describe_character(c)}",
            _doubt(probability),
        )
        for c, probability in steps
    ]


def _doubt(probability: float) -> float:
    """How strong the tint is: the root, so that small doubts show too."""
    return math.sqrt(min(max(0.0, 1 - probability), 1.0))
