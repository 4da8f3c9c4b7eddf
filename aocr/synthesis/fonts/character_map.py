"""Reads which characters a font file has, from its table `cmap` (OpenType)."""

from __future__ import annotations

import struct
from typing import NamedTuple

import numpy as np

_UNICODE_PLATFORM, _WINDOWS_PLATFORM = 0, 3
_WINDOWS_UNICODE = (1, 10)
"""Encodings of the Windows platform that are Unicode: 16 bits and 32 bits a character."""

_COLLECTION = b"ttcf"

_PANOSE, _SYMBOLS = 32, b"\5"
"""Offset of the PANOSE numbers in the table `OS/2`, and the first of these numbers for symbols."""


class FontFileError(ValueError):
    """Says why a font file cannot be used."""


class CharacterMap:
    """Holds the Unicode code points that a font has a glyph for.

    Args:
        codes: int64 `[N]`, sorted.
    """

    def __init__(self, codes: np.ndarray) -> None:
        self._codes = codes

    def having(self, characters: str) -> list[bool]:
        """Returns for each character whether the font has a glyph for it."""
        wanted = np.array([ord(c) for c in characters], np.int64)
        return np.isin(wanted, self._codes).tolist()


class _Subtable(NamedTuple):
    """A subtable of `cmap`: its number of a format and where it begins in the file."""

    table_format: int
    start: int


def face_count(content: bytes) -> int:
    """Returns the number of fonts in a font file: one, unless it is a collection."""
    if content[:4] != _COLLECTION:
        return 1
    return _unpack(">I", content, 8)[0]


def read_character_map(content: bytes, index: int = 0) -> CharacterMap:
    """Returns the characters of a font.

    Args:
        content: a TrueType or OpenType file, or a collection of them.
        index: number of the font in a collection.

    Raises:
        FontFileError: the file is damaged, of another kind, has no Unicode characters, or says that
            it draws symbols where others draw Latin letters.
    """
    cmap = _find_table(content, index, b"cmap")
    if cmap is None:
        raise FontFileError("it has no table of characters")
    if _draws_symbols(content, index):
        raise FontFileError("it draws symbols in place of letters")
    subtables = sorted(_unicode_subtables(content, cmap), reverse=True)
    for table_format, start in subtables:
        if table_format in (12, 13):
            return CharacterMap(_groups(content, start, many_to_one=table_format == 13))
        if table_format == 4:
            return CharacterMap(_segments(content, start))
    raise FontFileError("it has no Unicode characters")


def _unpack(layout: str, content: bytes, start: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(layout, content, start)
    except struct.error:
        raise FontFileError("it is damaged") from None


def _array(content: bytes, kind: str, start: int, count: int) -> np.ndarray:
    if start + count * np.dtype(kind).itemsize > len(content):
        raise FontFileError("it is damaged")
    return np.frombuffer(content, kind, count, start).astype(np.int64)


def _draws_symbols(content: bytes, index: int) -> bool:
    """Returns whether the PANOSE numbers of a font name the family of symbols.

    Some of these fonts map Latin letters to Greek ones, and would draw wrong labels.
    """
    start = _find_table(content, index, b"OS/2")
    return start is not None and content[start + _PANOSE : start + _PANOSE + 1] == _SYMBOLS


def _find_table(content: bytes, index: int, wanted: bytes) -> int | None:
    """Returns where a table begins; None if the font lacks it."""
    start = _unpack(">I", content, 12 + 4 * index)[0] if content[:4] == _COLLECTION else 0
    if content[start : start + 4] not in (b"\0\1\0\0", b"OTTO", b"true"):
        raise FontFileError("it is not a TrueType or OpenType font")
    (tables,) = _unpack(">H", content, start + 4)
    for number in range(tables):
        tag, _, offset, _ = _unpack(">4sIII", content, start + 12 + 16 * number)
        if tag == wanted:  # type: ignore[comparison-overlap]
            return offset
    return None


def _unicode_subtables(content: bytes, cmap: int) -> list[_Subtable]:
    found = []
    (count,) = _unpack(">H", content, cmap + 2)
    for number in range(count):
        platform, encoding, offset = _unpack(">HHI", content, cmap + 4 + 8 * number)
        is_windows = platform == _WINDOWS_PLATFORM and encoding in _WINDOWS_UNICODE
        if is_windows or platform == _UNICODE_PLATFORM:
            start = cmap + offset
            found.append(_Subtable(_unpack(">H", content, start)[0], start))
    return found


def _groups(content: bytes, start: int, many_to_one: bool) -> np.ndarray:
    """Returns the code points of format 12, or of format 13 where a group shares one glyph."""
    (count,) = _unpack(">I", content, start + 12)
    rows = _array(content, ">u4", start + 16, 3 * count).reshape(-1, 3)
    codes, before = [], -1
    for first, last, glyph in rows.tolist():
        if not before < first <= last <= 0x10FFFF:
            raise FontFileError("it is damaged")
        skipped = 0 if glyph else (last - first + 1 if many_to_one else 1)  # glyph 0: no glyph
        codes.append(np.arange(first + skipped, last + 1))
        before = last
    return np.unique(np.concatenate(codes)) if codes else np.zeros(0, np.int64)


def _segments(content: bytes, start: int) -> np.ndarray:
    """Returns the code points of format 4."""
    (twice,) = _unpack(">H", content, start + 6)
    count, at = twice // 2, start + 14
    ends = _array(content, ">u2", at, count)
    starts = _array(content, ">u2", at + twice + 2, count)
    deltas = _array(content, ">u2", at + 2 * twice + 2, count)
    offsets_at = at + 3 * twice + 2
    offsets = _array(content, ">u2", offsets_at, count)
    codes = []
    for number in range(count):
        segment = np.arange(starts[number], min(ends[number], 0xFFFE) + 1)
        glyphs = segment
        if offsets[number]:
            first = offsets_at + 2 * number + int(offsets[number])
            glyphs = _array(content, ">u2", first, len(segment))
        is_drawn = (glyphs + deltas[number]) % 0x10000 != 0
        if offsets[number]:
            is_drawn &= glyphs != 0
        codes.append(segment[is_drawn])
    return np.unique(np.concatenate(codes)) if codes else np.zeros(0, np.int64)
