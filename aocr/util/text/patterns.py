"""Defines trees of patterns, regular expressions that describe texts, and measures them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

ALPHABET = "".join(map(chr, range(32, 127)))
"""The characters that `.` and classes such as `[^0-9]` choose from: ASCII 32 to 126."""

UNBOUNDED = 8
"""Most repetitions of `*`, `+` and `{2,}`, above their least number."""

ENDLESS = 10**9
"""Most repetitions of `*`, `+` and `{2,}`, where they are not bounded."""

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


def shortest_text(node: Node) -> int:
    """Returns the number of characters of the shortest text."""
    match node:
        case OneOf():
            return 1
        case Sequence(parts):
            return sum(map(shortest_text, parts))
        case Alternatives(options):
            return min(map(shortest_text, options))
        case Repetition(inner, least, _):
            return least * shortest_text(inner)


def map_characters(node: Node, convert: Callable[[str], str]) -> Node:
    """Returns a pattern with each character converted to one other.

    A character stays as it is if it would become several characters.
    """
    match node:
        case OneOf(characters):
            converted = {convert(c) if len(convert(c)) == 1 else c for c in characters}
            return OneOf("".join(sorted(converted)))
        case Sequence(parts):
            return Sequence(tuple(map_characters(part, convert) for part in parts))
        case Alternatives(options):
            return Alternatives(tuple(map_characters(option, convert) for option in options))
        case Repetition(inner, least, most):
            return Repetition(map_characters(inner, convert), least, most)


def characters_of(node: Node) -> set[str]:
    """Returns the characters that occur in the texts."""
    match node:
        case OneOf(characters):
            return set(characters)
        case Sequence(nodes) | Alternatives(nodes):
            return set().union(*map(characters_of, nodes))
        case Repetition(inner, _, most):
            return characters_of(inner) if most else set()
