"""Tells how the characters of a text depend on each other when it is drawn."""

from __future__ import annotations

import itertools
import re
import unicodedata

from PIL import features

from aocr.util.errors import UserError

INDEPENDENT_RANGES = (
    (0x0020, 0x0590),
    (0x1E00, 0x2C00),
    (0x2E80, 0xA4D0),
    (0xAC00, 0xD7B0),
    (0xF900, 0xFB00),
    (0xFE30, 0xFE70),
    (0xFF00, 0xFFF0),
    (0x20000, 0x40000),
)
"""Code points of scripts whose letters neither join nor change places: Latin, Greek, Cyrillic,
Armenian, the scripts of East Asia, and signs."""

JOIN_CONTROLS = "\u200c\u200d"
"""Invisible characters that decide whether the letters beside them join."""


_VIRAMA = 9
"""Combining class of marks that join two consonants of an Indic script."""


def has_raqm() -> bool:
    """Returns whether Pillow can draw text whose letters join or run from right to left."""
    return bool(features.check("raqm"))


def is_right_to_left(text: str) -> bool:
    """Returns whether a text has letters that are written from right to left."""
    return any(unicodedata.bidirectional(c) in ("R", "AL") for c in text)


def begins_right_to_left(text: str) -> bool:
    """Returns whether the first letter of a text is written from right to left, as the line is."""
    directions = (unicodedata.bidirectional(character) for character in text)
    return next((each for each in directions if each in ("L", "R", "AL")), "L") != "L"


def needs_shaping(text: str) -> bool:
    """Returns whether letters of a text join, change places or run from right to left."""
    return not _INDEPENDENT.fullmatch(text)


_INDEPENDENT = re.compile(
    "[" + "".join(f"{chr(first)}-{chr(end - 1)}" for first, end in INDEPENDENT_RANGES) + "]*"
)


def _is_independent(character: str) -> bool:
    return _INDEPENDENT.fullmatch(character) is not None


_REPLACING = ("calt", "liga", "clig", "dlig")
"""Features of fonts that put other signs in place of characters: an arrow for `->`, a cross for an
`x` between digits. Letters that join need them."""


def features_for(text: str) -> list[str] | None:
    """Returns OpenType features in Pillow's form, with which each character is drawn as itself.

    Replacements stay on for letters that join or change places. None: the usual features.
    """
    if not has_raqm():
        return None  # Pillow replaces nothing then
    if not needs_shaping(text):
        return [f"-{tag}" for tag in _REPLACING]
    found, start = [], 0
    for is_independent, run in itertools.groupby(text, _is_independent):
        end = start + len(list(run))
        if is_independent:
            found += [f"{tag}[{start}:{end}]=0" for tag in _REPLACING]
        start = end
    return found


def check_shaping(characters: str) -> None:
    """Refuses characters that Pillow cannot draw correctly here.

    Raises:
        UserError: Pillow lacks Raqm, and some of the characters need it.
    """
    if has_raqm():
        return
    shaped = [character for character in characters if needs_shaping(character)]
    if shaped:
        direction = "right-to-left text" if is_right_to_left("".join(shaped)) else "joined letters"
        raise UserError(
            f"Pillow cannot draw {direction} here (U+{ord(shaped[0]):04X}), because it lacks the "
            "library Raqm or FriBiDi: install libraqm0 or libfribidi0, or leave such text out"
        )


def clusters(text: str) -> list[str]:
    """Divides a text into characters, each with the marks and joined letters that follow it."""
    found: list[str] = []
    for character in text:
        if found and (_is_mark(character) or _joins_next(found[-1][-1])):
            found[-1] += character
        else:
            found.append(character)
    return found


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M" or character in JOIN_CONTROLS


def _joins_next(character: str) -> bool:
    return character in JOIN_CONTROLS or unicodedata.combining(character) == _VIRAMA
