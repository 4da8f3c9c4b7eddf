"""Reads the texts to draw from files, and counts those that are left out."""

from __future__ import annotations

import collections
import dataclasses
import itertools
from collections.abc import Callable, Iterable

from aocr.synthesis.fonts.shaping import clusters
from aocr.synthesis.texts.sources import clean
from aocr.util.errors import UserError
from aocr.util.text.encodings import read_text
from aocr.util.text.patterns import LONGEST_TEXT

_NAMED = 3


@dataclasses.dataclass
class LeftOut:
    """Counts texts that are not drawn, by reason, with the first few of each.

    Attributes:
        counts: number of texts by reason.
        examples: the first texts by reason.
    """

    counts: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    examples: dict[str, list[str]] = dataclasses.field(default_factory=dict)

    def filter(self, texts: Iterable[str], reason: Callable[[str], str]) -> list[str]:
        """Returns the texts without a reason to leave them out; counts the others."""
        kept = []
        for text in texts:
            if found := reason(text):
                self.counts[found] += 1
                examples = self.examples.setdefault(found, [])
                if len(examples) < _NAMED:
                    examples.append(text)
            else:
                kept.append(text)
        return kept


def read_lines(flag: str, path: str) -> list[str]:
    """Returns the lines of a text file that are not blank, cleaned.

    Raises:
        UserError: the file cannot be read or decoded, or has no text.
    """
    lines = [line for line in map(clean, read_text(flag, path).splitlines()) if line]
    if not lines:
        raise UserError(f"{flag}={path}: it holds no text")
    return lines


def read_texts(flag: str, path: str, left_out: LeftOut) -> list[str]:
    """Returns the texts of a list, one a line, without its comments, which are counted.

    Raises:
        UserError: the file cannot be read or decoded, or has no text.
    """
    texts = left_out.filter(read_lines(flag, path), _comment)
    if not texts:
        raise UserError(f"{flag}={path}: it holds no text, only comments")
    return texts


def _comment(line: str) -> str:
    """Returns why a line of a list is left out: `#` and a blank begin a comment, `#1` is a text."""
    return (
        "in lines that begin with '# ', which are comments"
        if line == "#" or line.startswith("# ")
        else ""
    )


def read_words(flag: str, path: str) -> list[str]:
    """Returns the words of a file of running text, in their order: what blanks divide.

    Lines of scripts without blanks come in parts of at most `LONGEST_TEXT` characters.

    Raises:
        UserError: the file cannot be read or decoded, or has no word.
    """
    words = (word for line in read_lines(flag, path) for word in line.split())
    return list(itertools.chain.from_iterable(map(_parts, words)))


def _parts(word: str) -> list[str]:
    if len(word) <= LONGEST_TEXT:
        return [word]
    parts = [""]
    for cluster in clusters(word):
        if len(parts[-1]) + len(cluster) > LONGEST_TEXT:
            parts.append("")
        parts[-1] += cluster
    return [part for part in parts if part]


def too_long(text: str) -> str:
    """Returns why a text is left out for its length; empty if it is not."""
    return f"longer than {LONGEST_TEXT} characters" if len(text) > LONGEST_TEXT else ""
