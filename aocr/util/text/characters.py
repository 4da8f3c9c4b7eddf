"""Shows characters to people: invisible ones visible, harmful ones harmless; their direction."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

MAX_LOGGED_CHARACTERS = 160
"""Length above which a value is shortened in the log. Files hold such values in full."""

DOTTED_CIRCLE = "\u25cc"
OPEN_BOX = "\u2423"

UNNAMED_CATEGORIES = {"Cc": "control character", "Cn": "not assigned", "Co": "private use"}
"""Descriptions of code points without a Unicode name, by their Unicode category."""

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Matches control characters, line separators and surrogates. They would break a line, a table
column or the terminal, or cannot be written as UTF-8."""

_UNSAFE_BUT_BYTES = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udc7f\udd00-\udfff]")
"""Matches those of `_UNSAFE` that do not stand for bytes of a file name."""


def code_point(character: str) -> str:
    """Returns the code point of a character in Unicode's notation: `U+00E9`."""
    return f"U+{ord(character):04X}"


def unicode_name(character: str) -> str:
    """Returns the Unicode name of a character, or its category if it has no name."""
    category = UNNAMED_CATEGORIES.get(unicodedata.category(character), "unknown")
    return unicodedata.name(character, category)


def describe_character(character: str) -> str:
    """Returns code point and name: `U+0041 LATIN CAPITAL LETTER A`."""
    return f"{code_point(character)} {unicode_name(character)}"


_BLANK_LETTERS = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)
"""Letters, marks and symbols that are drawn as nothing: fillers, joiners, variation selectors."""


def is_visible(character: str) -> bool:
    """Returns whether a character leaves a mark when it is drawn; spaces do not."""
    return unicodedata.category(character)[0] not in "CZ" and character not in _BLANK_LETTERS


def is_hidden(character: str) -> bool:
    """Returns whether a reader of a text cannot see that a character is there, or which one it is.

    These are invisible characters, and blanks other than the plain space.
    """
    return character != " " and not is_visible(character)


def visible_text(text: str) -> str:
    """Returns text with a code point for each invisible character: `A<U+200F>B`.

    Plain spaces stay as they are.
    """
    return "".join(c if c == " " or is_visible(c) else f"<{code_point(c)}>" for c in text)


def visible_character(character: str) -> str:
    """Returns a form of one character that is visible when it stands alone.

    A space becomes `␣`, a combining mark is placed on a dotted circle, and any other invisible
    character becomes its code point: `<U+200B>`.
    """
    if character == " ":
        return OPEN_BOX
    is_mark = unicodedata.category(character)[0] == "M"
    return (DOTTED_CIRCLE if is_mark else "") + visible_text(character)


def escape(text: str) -> str:
    r"""Returns text with escapes such as `\n`, `\x00` and `\u2028` for unsafe characters.

    These are control characters, line separators and surrogates.
    """
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def escape_name(name: str) -> str:
    r"""Returns a file name as `escape` does, but leaves its bytes that are not UTF-8.

    Python represents them as surrogates; what is written with `surrogateescape` has the bytes.
    """
    return _UNSAFE_BUT_BYTES.sub(lambda match: escape(match[0]), name)


def shorten(text: str, most: int = MAX_LOGGED_CHARACTERS) -> str:
    """Returns at most so many characters of a text.

    Keeps the start and the end, which say most about a path, and puts `…` between them.
    """
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[: half - 1]}…{text[-half:]}"


def quoted(text: str, most: int = MAX_LOGGED_CHARACTERS) -> str:
    """Returns text in quotes for a message: shortened, in one line, with nothing hidden in it."""
    return f"'{visible_text(escape(shorten(text, most)))}'"


def changed_by_upper_casing(character: str) -> str:
    """Returns the upper case of a character if it is another letter or several; else nothing.

    `µ` becomes a Greek letter, `ß` two letters, `ı` an `I`, which is the capital of `i`, and a
    Georgian letter a capital that is not used in print. A final sigma is an ordinary small letter.
    """
    upper = character.upper()
    if upper == character or character == "ς":
        return ""
    is_georgian = "\u10d0" <= character <= "\u10ff"
    return upper if is_georgian or len(upper) > 1 or upper.lower() != character else ""


RIGHT_TO_LEFT_LETTERS = ("R", "AL")
"""Unicode's directional classes of the letters of Hebrew, Arabic and other such scripts."""


def right_to_left_share(occurrences: Mapping[str, int]) -> float:
    """Returns the share of letters that belong to scripts read from right to left; 0 for no letter.

    Args:
        occurrences: how often each character occurs.
    """
    letters = {c: count for c, count in occurrences.items() if c.isalpha()}
    directions = {c: unicodedata.bidirectional(c) for c in letters}
    from_the_right = sum(letters[c] for c in letters if directions[c] in RIGHT_TO_LEFT_LETTERS)
    return from_the_right / max(1, sum(letters.values()))


def is_right_to_left(occurrences: Mapping[str, int]) -> bool:
    """Returns whether most letters belong to scripts read from right to left.

    Args:
        occurrences: how often each character occurs.
    """
    return right_to_left_share(occurrences) > 0.5
