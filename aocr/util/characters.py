"""Makes any character visible and harmless in text for people."""

from __future__ import annotations

import re
import unicodedata

LOGGED_CHARACTERS = 160
"""Longer values are shortened in the log; the TSV has them whole."""

DOTTED_CIRCLE = "\u25cc"
OPEN_BOX = "\u2423"

CATEGORIES = {"Cc": "control character", "Cn": "not assigned", "Co": "private use"}
"""Code points without a name of their own."""

_BREAKING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Characters that would break a line, a column or the terminal, or that UTF-8 lacks."""


def code_point(character: str) -> str:
    """`U+00E9`."""
    return f"U+{ord(character):04X}"


def name_of(character: str) -> str:
    """The Unicode name, or what kind of code point it is."""
    category = CATEGORIES.get(unicodedata.category(character), "unknown")
    return unicodedata.name(character, category)


def visible(text: str) -> str:
    """Text whose invisible characters are spelt out: `A<U+200F>B`; only the plain space stays."""
    return "".join(
        c if c == " " or unicodedata.category(c)[0] not in "CZ" else f"<{code_point(c)}>"
        for c in text
    )


def drawn(character: str) -> str:
    """A character that can be seen: `␣`, a mark on a dotted circle, `<U+200B>`."""
    mark = unicodedata.category(character)[0] == "M"
    return OPEN_BOX if character == " " else DOTTED_CIRCLE * mark + visible(character)


def described(character: str) -> str:
    """`U+0041 LATIN CAPITAL LETTER A`."""
    return f"{code_point(character)} {name_of(character)}"


def escape(text: str) -> str:
    r"""The text with what would break a line as `\n`, `\x00`, `\u2028` and the like."""
    return _BREAKING.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def shorten(text: str) -> str:
    """At most `LOGGED_CHARACTERS`: the start and the end, which tell the most of a path."""
    half = LOGGED_CHARACTERS // 2
    return text if len(text) <= LOGGED_CHARACTERS else f"{text[: half - 1]}…{text[-half:]}"
