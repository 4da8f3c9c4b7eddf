"""What `aocr inspect` found out, as values that JSON and text are both made of."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Mapping

import numpy as np

from aocr.charset import DIGITS_AND_CAPITALS
from aocr.config import IMAGE_HEIGHT, Fit
from aocr.inspection import recommendation as fitting
from aocr.inspection.duplicates import Duplicates
from aocr.inspection.recommendation import Coverage, Misfits
from aocr.inspection.statistics import Problem, Tally
from aocr.util.characters import code_point, unicode_name

BINS = 8


@dataclasses.dataclass(frozen=True)
class Bin:
    """How many lie between two values, both included."""

    first: float
    last: float
    count: int


@dataclasses.dataclass(frozen=True)
class Spread:
    """How values are spread; the bins widen, as one of a series of sizes should."""

    smallest: float
    median: float
    largest: float
    bins: list[Bin]


@dataclasses.dataclass(frozen=True)
class Character:
    """A character of the labels: its Unicode name, its occurrences, and the labels that have it."""

    character: str
    code_point: str
    name: str
    occurrences: int
    labels: int


@dataclasses.dataclass(frozen=True)
class Contradictions:
    """Same image, different labels.

    Attributes:
        images: how many images.
        records: how many records have them.
        named: of the first images, the first record of each label.
    """

    images: int
    records: int
    named: list[list[str]]


@dataclasses.dataclass(frozen=True)
class Facts:
    """All of them; what is counted says how its name does. Widths and heights are pixels.

    Attributes:
        aspect: width / height, rounded up to a 32nd.
        repeated_images: records whose image stands in an earlier record.
        fit: None without a flag to fit.
        flags: by percentage, with which a model takes so many of the images and of the labels'
            lengths, and all characters.
    """

    files: list[str]
    bytes: int
    records: int
    kinds: dict[str, int]
    width: Spread | None
    height: Spread | None
    aspect: Spread | None
    label_length: Spread | None
    characters: list[Character]
    undecodable: Problem
    empty_labels: Problem
    latin_1_labels: Problem
    labels_not_nfc: Problem
    repeated_images: int
    contradictions: Contradictions
    coverage: list[Coverage]
    fit: Misfits | None
    flags: dict[str, list[str]]

    def to_json(self) -> str:
        """The fields as indented JSON."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False) + "\n"


def facts_of(
    files: list[str], size: int, counts: Tally, found: Duplicates, named: list[list[str]]
) -> Facts:
    """Puts together what was counted.

    Args:
        files: of the dataset.
        size: theirs together, bytes.
        counts: of at least one record.
        found: among the records.
        named: what to call those of `found.examples`.
    """
    images, labels = counts.images, counts.labels
    coverage = fitting.coverage(counts.widths, images.heights, labels.lengths, labels.containing)
    return Facts(
        files=files,
        bytes=size,
        records=counts.records,
        kinds=dict(images.kinds.most_common()),
        width=_spread(images.widths),
        height=_spread(images.heights),
        aspect=_divided(_spread(images.widths_at_32), IMAGE_HEIGHT),
        label_length=_spread(labels.lengths),
        characters=[
            Character(c, code_point(c), unicode_name(c), count, labels.containing[c])
            for c, count in sorted(labels.occurrences.items())
        ],
        undecodable=images.undecodable,
        empty_labels=labels.empty,
        latin_1_labels=labels.latin_1,
        labels_not_nfc=labels.not_nfc,
        repeated_images=found.repeated,
        contradictions=Contradictions(found.contradicted, found.contradicting, named),
        coverage=coverage,
        fit=None if counts.fit == Fit() else counts.misfits,
        flags={f"{each.percent} %": _flags(each, coverage[-1].characters) for each in coverage},
    )


def _spread(counts: Mapping[int, int]) -> Spread | None:
    """How counted values are spread; None without one."""
    if not counts:
        return None
    bins = [
        Bin(first, last, sum(count for value, count in counts.items() if first <= value <= last))
        for first, last in _ranges(min(counts), max(counts))
    ]
    return Spread(min(counts), fitting.quantile(counts, 50), max(counts), bins)


def _divided(spread: Spread | None, unit: int) -> Spread | None:
    """The same in another unit."""
    if not spread:
        return None
    bins = [Bin(each.first / unit, each.last / unit, each.count) for each in spread.bins]
    return Spread(spread.smallest / unit, spread.median / unit, spread.largest / unit, bins)


def _ranges(smallest: int, largest: int) -> list[tuple[int, int]]:
    """At most `BINS` ranges that cover all whole numbers; a number each where they are few."""
    if largest - smallest < BINS:
        return [(value, value) for value in range(smallest, largest + 1)]
    edges = np.geomspace(max(smallest, 1), largest + 1, BINS + 1).round().astype(int).tolist()
    starts = sorted({smallest, *edges[1:]})
    return [(first, after - 1) for first, after in itertools.pairwise(starts)]


def _flags(coverage: Coverage, characters: str) -> list[str]:
    flags = []
    if coverage.max_width:
        flags += [f"--max-width={coverage.max_width}", f"--max-height={coverage.max_height}"]
    flags.append(f"--max-prediction={coverage.max_prediction}")
    if not set(characters) <= set(DIGITS_AND_CAPITALS):
        flags.append("--charset=auto")
    return flags
