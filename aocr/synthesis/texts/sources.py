"""Proposes texts to draw: words of a list, pieces of running text, random characters, patterns."""

from __future__ import annotations

import dataclasses
import functools
import unicodedata
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from aocr.synthesis.fonts.choice import FontSet
from aocr.synthesis.fonts.shaping import clusters
from aocr.synthesis.weighted import Weighted, weighted
from aocr.util.text import patterns
from aocr.util.text.encodings import nfc

SPACE = " "


class TextSource(Protocol):
    """Proposes texts."""

    def propose(self, index: int, rng: np.random.Generator) -> str:
        """Returns a text for the image of this index; empty or undrawable ones are replaced."""


def clean(text: str) -> str:
    """Returns a text as it is drawn and stored: in NFC, with single spaces between its words."""
    return SPACE.join(nfc(text).split())


@dataclasses.dataclass(frozen=True)
class WordList:
    """Proposes each word equally often, in an order that changes from pass to pass.

    Attributes:
        words: the words, at least one.
        seed: the source of the orders.
    """

    words: Sequence[str]
    seed: int

    def propose(self, index: int, rng: np.random.Generator) -> str:
        """Returns the word at this index of the endless sequence of passes."""
        number, place = divmod(index, len(self.words))
        return self.words[_order(len(self.words), self.seed, number)[place]]


@functools.lru_cache(maxsize=2)
def _order(count: int, seed: int, number: int) -> np.ndarray:
    """Returns the order of a pass over `count` words."""
    return np.random.default_rng((seed, number, count)).permutation(count)


@dataclasses.dataclass(frozen=True)
class WeightedWords:
    """Proposes words by their weights."""

    words: Weighted[str]

    def propose(self, index: int, rng: np.random.Generator) -> str:
        """Returns a random word."""
        return self.words.draw(rng)


@dataclasses.dataclass(frozen=True)
class RunningText:
    """Proposes pieces of a running text: whole words that follow each other, or parts of long ones.

    Attributes:
        words: words of the text, in its order.
        starts: indices of the words that a piece may begin with.
        lengths: numbers of characters of a piece. The longest pieces of at most such a number are
            taken; a first word may be longer, but not longer than all these numbers: of such a
            word, which may be a line of a script without spaces, a part is taken.
    """

    words: Sequence[str]
    starts: Weighted[int]
    lengths: Weighted[int]

    def propose(self, index: int, rng: np.random.Generator) -> str:
        """Returns a random piece."""
        first, wanted = self.starts.draw(rng), self.lengths.draw(rng)
        piece = self.words[first]
        if len(piece) > max(self.lengths.values):
            return _part(piece, wanted, rng)
        for word in self.words[first + 1 : first + 1 + wanted]:
            if len(piece) + 1 + len(word) > wanted:
                break
            piece = f"{piece}{SPACE}{word}"
        return piece


def _part(word: str, length: int, rng: np.random.Generator) -> str:
    """Returns a random part of a word, of at most a length, that leaves marks at their letters."""
    parts = clusters(word)
    lengths = np.cumsum([len(part) for part in parts])
    latest = int(np.searchsorted(lengths, len(word) - length, side="right"))
    first = int(rng.integers(latest + 1))
    before = lengths[first - 1] if first else 0
    last = int(np.searchsorted(lengths, before + length, side="right"))
    return clean("".join(parts[first : max(last, first + 1)]))


@dataclasses.dataclass(frozen=True)
class RandomCharacters:
    """Proposes random characters that at least one font has all of.

    Attributes:
        characters: characters with their weights.
        lengths: numbers of characters of a text.
        fonts: the fonts.
    """

    characters: Weighted[str]
    lengths: Weighted[int]
    fonts: FontSet

    def propose(self, index: int, rng: np.random.Generator) -> str:
        """Returns a random text; empty if its normal form is of other characters."""
        bits, text, length = self.fonts.everyone, "", self.lengths.draw(rng)
        while len(text) < length:
            character = self._held_by(bits).draw(rng)
            last = len(text) == length - 1
            if _is_possible(text, character, last):
                text += character
                bits &= self.fonts.holders[character]
        normal = clean(text)
        return normal if set(normal) <= set(self.characters.values) else ""

    @functools.cached_property
    def _known(self) -> dict[int, Weighted[str]]:
        return {}

    def _held_by(self, bits: int) -> Weighted[str]:
        """Returns the characters that one of these fonts has."""
        if bits not in self._known:
            shares = np.diff(self.characters.cumulative, prepend=0)
            kept = [bool(self.fonts.holders.get(c, 0) & bits) for c in self.characters.values]
            self._known[bits] = weighted(self.characters.values, shares * kept)
        return self._known[bits]


def _is_possible(text: str, character: str, last: bool) -> bool:
    """Returns whether a character may follow a text.

    Spaces are seen between visible characters alone, and a combining mark needs a base.
    """
    if character.isspace():
        return bool(text) and not last and not text[-1].isspace()
    is_mark = unicodedata.category(character)[0] == "M"
    return not is_mark or (bool(text) and not text[-1].isspace())


@dataclasses.dataclass(frozen=True)
class Pattern:
    """Proposes texts that a pattern describes.

    Each character of a class is as likely as the others, and so is each alternative and each
    number of repetitions.
    """

    node: patterns.Node

    def propose(self, index: int, rng: np.random.Generator) -> str:
        """Returns a random text."""
        return clean(_sample(self.node, rng))


def _sample(node: patterns.Node, rng: np.random.Generator) -> str:
    match node:
        case patterns.OneOf(characters):
            return characters[rng.integers(len(characters))]
        case patterns.Sequence(parts):
            return "".join(_sample(part, rng) for part in parts)
        case patterns.Alternatives(options):
            return _sample(options[rng.integers(len(options))], rng)
        case patterns.Repetition(inner, least, most):
            count = rng.integers(least, most + 1)
            return "".join(_sample(inner, rng) for _ in range(count))
