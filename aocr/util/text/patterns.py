"""Defines trees of patterns, regular expressions that describe texts, and measures them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
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


def characters_of(node: Node) -> set[str]:
    """Returns the characters that occur in the texts."""
    match node:
        case OneOf(characters):
            return set(characters)
        case Sequence(nodes) | Alternatives(nodes):
            return set().union(*map(characters_of, nodes))
        case Repetition(inner, _, most):
            return characters_of(inner) if most else set()


DEEPEST_NESTING = 50
"""Groups inside groups."""

_CLASSES = {letter: re.compile(rf"\{letter}") for letter in "dws"}
"""Match one character of a class, in Unicode's sense."""

_CODE_POINTS = {"x": 2, "u": 4, "U": 8}
"""Escapes by code point, with the number of their hexadecimal digits."""


def parse_endless_pattern(pattern: str, alphabet: str, convert: Callable[[str], str] = str) -> Node:
    """Returns the tree of a pattern whose texts may be of any length.

    Args:
        pattern: a regular expression.
        alphabet: the characters that `.` and classes such as `[^0-9]` choose from; `\\d`, `\\w` and
            `\\s` have those of ASCII, too.
        convert: what becomes of each character that the pattern names, before `[^…]` leaves it out.
            One that would become several stays as it is.

    Raises:
        ValueError: names what is not supported or wrong, and where.
    """
    return _Parser(pattern, alphabet, ENDLESS, convert).parse()


def parse_pattern(pattern: str) -> Node:
    """Returns the tree of a pattern whose texts have at most `LONGEST_TEXT` characters.

    Raises:
        ValueError: names what is not supported or wrong, and where.
    """
    node = _Parser(pattern, ALPHABET, UNBOUNDED).parse()
    longest = longest_text(node)
    if longest > LONGEST_TEXT:
        raise ValueError(f"it describes texts of {longest} characters; at most {LONGEST_TEXT}")
    return node


class _Parser:
    """Descends through a pattern, one character at a time.

    Args:
        pattern: a regular expression.
        alphabet: the characters that `.` and classes such as `[^0-9]` choose from.
        unbounded: most repetitions of `*`, `+` and `{2,}`, above their least number.
        convert: what becomes of each character, see `parse_endless_pattern`.
    """

    def __init__(
        self, pattern: str, alphabet: str, unbounded: int, convert: Callable[[str], str] = str
    ) -> None:
        self._text, self._alphabet, self._unbounded = pattern, alphabet, unbounded
        self._convert = convert
        self._at = 0
        self._depth = 0

    def parse(self) -> Node:
        """Parses the whole pattern; `^` at its start and `$` at its end have no effect."""
        self._skip("^")
        node = self._alternatives()
        if self._next == ")":
            raise self._error("a ) without its (")
        return node

    @property
    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        self._at += 1
        return self._text[self._at - 1 : self._at]

    def _skip(self, text: str) -> bool:
        found = self._text.startswith(text, self._at)
        self._at += len(text) if found else 0
        return found

    def _error(self, problem: str) -> ValueError:
        return ValueError(f"{problem}, at character {min(self._at + 1, len(self._text))}")

    def _alternatives(self) -> Node:
        options = [self._sequence()]
        while self._skip("|"):
            options.append(self._sequence())
        return options[0] if len(options) == 1 else Alternatives(tuple(options))

    def _sequence(self) -> Node:
        parts = []
        while self._next and self._next not in "|)":
            if self._next == "$" and self._at == len(self._text) - 1:
                self._take()
                break
            parts.append(self._repeated(self._atom()))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _atom(self) -> Node:
        if self._next in "*+?{":
            raise self._error(f"nothing for {self._next} to repeat")
        if self._next in "^$":
            raise self._error(f"{self._next} is supported only at the start or the end")
        character = self._take()
        if character == "(":
            return self._group()
        if character == "[":
            return OneOf(self._class())
        if character == ".":
            return OneOf("".join(sorted(self._alphabet)))
        if character == "\\":
            return OneOf(self._converted(self._escape()))
        return OneOf(self._converted(character))

    def _group(self) -> Node:
        if not self._skip("?:") and self._next == "?":
            raise self._error("only groups like (…) and (?:…) are supported")
        self._depth += 1
        if self._depth > DEEPEST_NESTING:
            raise self._error(f"more than {DEEPEST_NESTING} groups inside each other")
        node = self._alternatives()
        if not self._skip(")"):
            raise self._error("a ( without its )")
        self._depth -= 1
        return node

    def _escape(self) -> str:
        """Returns the characters of an escape whose backslash has been taken."""
        character = self._take()
        if digits := _CODE_POINTS.get(character):
            return self._code_point(digits)
        if described := _CLASSES.get(character.lower()):
            inside = filter(described.fullmatch, {*ALPHABET, *self._alphabet})
            return "".join(sorted(inside)) if character.islower() else self._without({*inside})
        if not character or character.isalnum():
            raise self._error(f"\\{character} is not supported")
        return character

    def _code_point(self, digits: int) -> str:
        number, self._at = self._text[self._at : self._at + digits], self._at + digits
        try:
            character = chr(int(number if number.isalnum() and len(number) == digits else "", 16))
        except (ValueError, OverflowError):
            raise self._error(f"{number} is not a code point of {digits} digits") from None
        if "\ud800" <= character <= "\udfff":
            raise self._error(f"{number} is half of a character")
        return character

    def _class(self) -> str:
        """Returns the characters of a class whose `[` has been taken, sorted."""
        negated, first = self._skip("^"), True
        characters: set[str] = set()
        while first or self._next != "]":
            first = False
            if not self._next:
                raise self._error("a [ without its ]")
            members = self._member()
            if self._next == "-" and self._text[self._at + 1 : self._at + 2] not in ("]", ""):
                self._take()
                members = self._range(members, self._member())
            characters.update(members)
        self._take()
        chosen = self._converted(characters)
        chosen = self._without(chosen) if negated else chosen
        if not chosen:
            raise self._error("a class without a character")
        return chosen

    def _member(self) -> str:
        character = self._take()
        return self._escape() if character == "\\" else character

    def _range(self, first: str, last: str) -> str:
        if len(first) != 1 or len(last) != 1 or first > last:
            raise self._error("a range that does not go from a character to a later one")
        return "".join(map(chr, range(ord(first), ord(last) + 1)))

    def _repeated(self, node: Node) -> Node:
        """Returns the node with the repetition that follows it, if one does."""
        simple = {"?": (0, 1), "*": (0, self._unbounded), "+": (1, 1 + self._unbounded)}
        if self._next in simple and self._next:
            least, most = simple[self._take()]
        elif self._skip("{"):
            least, most = self._bounds()
        else:
            return node
        if self._next and self._next in "?*+{":
            raise self._error(f"{self._next} after a repetition is not supported")
        return Repetition(node, least, most)

    def _bounds(self) -> tuple[int, int]:
        """Returns the bounds of `{2}`, `{2,}`, `{,5}` or `{2,5}`, whose `{` has been taken."""
        text, closed, _ = self._text[self._at :].partition("}")
        first, comma, last = text.partition(",")
        digits = (first + last).isdecimal() and (first + last).isascii() and len(text) < 10
        if not closed or not digits or (not comma and not first):
            raise self._error(
                "{ that is not followed by numbers and }: write \\{ for the character"
            )
        least = int(first or 0)
        most = int(last) if last else least + self._unbounded if comma else least
        if least > most:
            raise self._error(f"{least} is more than {most}")
        self._at += len(text) + 1
        return least, most

    def _converted(self, characters: Iterable[str]) -> str:
        """Returns what becomes of characters, sorted."""
        pairs = ((each, self._convert(each)) for each in characters)
        return "".join(sorted({new if len(new) == 1 else old for old, new in pairs}))

    def _without(self, excluded: Collection[str]) -> str:
        return "".join(c for c in sorted(self._alphabet) if c not in excluded)
