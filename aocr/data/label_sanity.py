"""Looks at labels for what a picture cannot show, or what is probably no text of a picture.

`aocr dataset` and `aocr inspect` name what is found; no label is changed.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import NamedTuple

from aocr.util.text.characters import is_hidden, quoted
from aocr.util.text.plurals import counted_in_groups

MAX_NAMED = 5
"""Number of records named for each problem. All records with the problem are counted."""


@dataclasses.dataclass
class ProblemCount:
    """Counts the records with one problem, and names the first `MAX_NAMED` of them.

    The names of the fields are keys of `aocr inspect --json`.
    """

    count: int = 0
    named: list[str] = dataclasses.field(default_factory=list)

    def add(self, name: str) -> None:
        """Counts one record."""
        self.count += 1
        if self.count <= MAX_NAMED:
            self.named.append(name)


class Kind(NamedTuple):
    """Defines a problem of labels.

    Attributes:
        key: its key of `aocr inspect --json`.
        singular: what is said of one label.
        plural: what is said of several.
        has: the function that says whether a label has it.
        share: the least share of all labels, above which it is named.
    """

    key: str
    singular: str
    plural: str
    has: Callable[[str], bool]
    share: float = 0

    def text(self, count: int) -> str:
        """Returns what is said of a number of labels."""
        return counted_in_groups(count, self.singular, self.plural)


_ALPHABET = re.compile(
    r"\b(ARABIC|ARMENIAN|BENGALI|CHEROKEE|COPTIC|CYRILLIC|DEVANAGARI|ETHIOPIC|GEORGIAN|GREEK|GUJARATI"
    r"|GURMUKHI|HEBREW|KANNADA|KHMER|LAO|LATIN|MALAYALAM|MYANMAR|ORIYA|SINHALA|SYRIAC|TAMIL|TELUGU"
    r"|THAANA|THAI|TIBETAN)\b"
)
"""Finds the alphabet in Unicode's name of a letter. These do not share words with each other;
Chinese, Japanese and Korean letters do, also with Latin ones."""

_WORD = re.compile(r"[^\W\d_]+")
_JSON = re.compile(r'\s*(\{\s*"|\[\s*[{"\[])')
_QUOTED = re.compile(r"""\s*(".*"|'.*'|“.*”)\s*""")
_ID = re.compile(
    r".+[-_.]([0-9a-f]{8,}|[0-9A-F]{8,}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|\d{3,})"
    r"|\d+_.+"
)
_NUMBERED = re.compile(r"(.*?)(\d+)(\D*)")


def has_lone_mark(label: str) -> bool:
    """Returns whether a combining mark stands at the beginning or after a blank."""
    return any(
        unicodedata.category(mark)[0] == "M" and not is_hidden(mark) and before.isspace()
        for before, mark in zip(" " + label, label, strict=False)
    )


def has_two_alphabets(label: str) -> bool:
    """Returns whether a word has letters of two alphabets, such as a Greek `Α` beside Latin."""
    return any(len(set(filter(None, map(_alphabet, word)))) > 1 for word in _WORD.findall(label))


def _alphabet(letter: str) -> str:
    match = _ALPHABET.search(unicodedata.name(letter, ""))
    return match[0] if match else ""


def has_two_widths(label: str) -> bool:
    """Returns whether a label has full-width and half-width letters or digits, or such kana."""
    widths = {_width(c) for c in label if c.isalnum()}
    return {"F", "Na"} <= widths or {"H", "kana"} <= widths


def _width(character: str) -> str:
    is_kana = "\u3041" <= character <= "\u30ff"
    return "kana" if is_kana else unicodedata.east_asian_width(character)


def _not_ascii(has: Callable[[str], bool]) -> Callable[[str], bool]:
    """Returns a check that ASCII, which has no such problem, passes quickly."""
    return lambda label: not label.isascii() and has(label)


KINDS = (
    Kind(
        "blanks_at_ends",
        "label begins or ends with a blank (dataset --strip-labels takes it off)",
        "labels begin or end with blanks (dataset --strip-labels takes them off)",
        lambda label: label != label.strip(),
    ),
    Kind(
        "blanks_in_a_row",
        "label has two blanks in a row",
        "labels have two blanks in a row",
        lambda label: re.search(r"\s\s", label.strip()) is not None,
    ),
    Kind(
        "hidden_characters",
        "label holds characters that nobody can see, or blanks other than a space",
        "labels hold characters that nobody can see, or blanks other than a space",
        lambda label: any(map(is_hidden, label)),
    ),
    Kind(
        "lone_marks",
        "label has a combining mark without a letter",
        "labels have a combining mark without a letter",
        _not_ascii(has_lone_mark),
    ),
    Kind(
        "two_alphabets",
        "label has letters of two alphabets in a word",
        "labels have letters of two alphabets in a word",
        _not_ascii(has_two_alphabets),
    ),
    Kind(
        "two_widths",
        "label has full-width and half-width characters",
        "labels have full-width and half-width characters",
        _not_ascii(has_two_widths),
    ),
    Kind(
        "json",
        "label looks like JSON, not like text",
        "labels look like JSON, not like text",
        lambda label: _JSON.match(label) is not None,
    ),
    Kind(
        "quoted",
        "label is in quotes (dataset --delimiter=comma or tab reads those of CSV)",
        "labels are in quotes (dataset --delimiter=comma or tab reads those of CSV)",
        lambda label: _QUOTED.fullmatch(label) is not None,
        share=0.5,
    ),
    Kind(
        "ids",
        "label has a number or a hash at an end, as names of files have",
        "labels have a number or a hash at an end, as names of files have",
        lambda label: _ID.fullmatch(label) is not None,
        share=0.5,
    ),
)
"""The problems that a label can have alone."""

CONSECUTIVE = Kind(
    "consecutive",
    "label is the number after that of the label before, as if files were numbered",
    "labels are each the number after that of the label before, as if files were numbered",
    lambda _: False,
    share=0.7,
)

ONE_LABEL = Kind(
    "one_label",
    "image has the same label as other images",
    "different images have the same label",
    lambda _: False,
    share=0.5,
)

ALL_KINDS = (*KINDS, CONSECUTIVE, ONE_LABEL)

FEWEST = 3
"""Number of records below which a share of them says nothing."""

MOST_SHOWN = 48
"""Number of characters of a label that are shown."""

MOST_LABELS = 100_000
"""Number of different labels that are remembered, which bounds the memory."""


def _shown(label: str) -> str:
    return quoted(label, MOST_SHOWN)


class LabelSanity:
    """Counts what is odd about the labels of a dataset."""

    def __init__(self) -> None:
        self._problems = {kind.key: ProblemCount() for kind in (*KINDS, CONSECUTIVE)}
        self._labels = 0
        self._before: tuple[str, int, str] | None = None
        self._images: dict[str, tuple[int, str, int, bool]] = {}

    def add(self, name: str, label: str, image: bytes) -> None:
        """Looks at the label of one record.

        Args:
            name: the name of its line or record.
            label: the label as it is in the dataset.
            image: the image file.
        """
        self._labels += 1
        for kind in KINDS:
            if kind.has(label):
                self._problems[kind.key].add(f"{name}: {_shown(label)}")
        self._compare_with_label_before(name, label)
        self._count_images(name, label, image)

    def _compare_with_label_before(self, name: str, label: str) -> None:
        match = _NUMBERED.fullmatch(label)
        number = (match[1], int(match[2]), match[3]) if match and len(match[2]) < 19 else None
        if number and self._before == (number[0], number[1] - 1, number[2]):
            self._problems[CONSECUTIVE.key].add(f"{name}: {_shown(label)}")
        self._before = number

    def _count_images(self, name: str, label: str, image: bytes) -> None:
        """Counts the images of a label, and remembers the first and whether they differ."""
        digest = hash(image)
        if label in self._images:
            count, name, first, differ = self._images[label]
            self._images[label] = (count + 1, name, first, differ or digest != first)
        elif len(self._images) < MOST_LABELS:
            self._images[label] = (1, name, digest, False)

    def findings(self) -> Iterator[tuple[Kind, ProblemCount]]:
        """Yields the kinds of problems that are worth naming, with the labels that have them."""
        for kind in (*KINDS, CONSECUTIVE):
            problem = self._problems[kind.key]
            if self._is_worth_naming(kind, problem.count):
                yield kind, problem
        if not self._images:
            return
        label, most = max(self._images.items(), key=lambda item: item[1][0])
        count, name, _, differ = most
        if differ and self._is_worth_naming(ONE_LABEL, count):
            yield ONE_LABEL, ProblemCount(count, [f"{name}: {_shown(label)}"])

    def _is_worth_naming(self, kind: Kind, count: int) -> bool:
        if not count or not kind.share:
            return count > 0
        compared = self._labels - (kind is CONSECUTIVE)  # the first has no label before it
        return self._labels >= FEWEST and count >= kind.share * compared
