"""Defines trees of patterns, regular expressions that describe texts, and measures them."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

ALPHABET = "".join(map(chr, range(32, 127)))
"""The characters that `.` and classes such as `[^0-9]` choose from: ASCII 32 to 126."""

UNBOUNDED = 8
"""Most repetitions of `*`, `+` and `{2,}`, above their least number."""

LONGEST_TEXT = 200
"""Characters of the longest text that a pattern may describe."""


class OneOf(NamedTuple):
    """One of these characters, which are sorted and differ."""

    characters: str


class Sequence(NamedTuple):
    """These parts, one after the other."""

    parts: tuple[Node, ...]


class Alternatives(NamedTuple):
    """One of these nodes."""

    options: tuple[Node, ...]


class Repetition(NamedTuple):
    """A node from `least` to `most` times."""

    node: Node
    least: int
    most: int


Node: TypeAlias = OneOf | Sequence | Alternatives | Repetition


def longest_text(node: Node) -> int:
    """Returns the number of characters of the longest text."""
    match node:
        case OneOf():
            return 1
        case Sequence(parts):
            return sum(map(longest_text, parts))
        case Alternatives(options):
            return max(map(longest_text, options))
        case Repetition(inner, _, most):
            return most * longest_text(inner)


def characters_of(node: Node) -> set[str]:
    """Returns the characters that occur in the texts."""
    match node:
        case OneOf(characters):
            return set(characters)
        case Sequence(nodes) | Alternatives(nodes):
            return set().union(*map(characters_of, nodes))
        case Repetition(inner, _, most):
            return characters_of(inner) if most else set()
