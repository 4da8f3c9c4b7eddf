"""Opens fonts, and knows which of them can draw a text."""

from __future__ import annotations

import dataclasses
import functools
import io
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image, ImageFont

from aocr.synthesis.fonts.character_map import CharacterMap, FontFileError, read_character_map
from aocr.synthesis.fonts.shaping import JOIN_CONTROLS, features_for
from aocr.synthesis.options import BUILT_IN
from aocr.util.text.drawing import UNASSIGNED

_TRIAL_SIZE, CELL = 24, 64  # pixels per em, and of the square that a character is drawn in
_NO_INK = bytes(CELL * CELL)


class FontFile(NamedTuple):
    """Names a font: its file, or `BUILT_IN`, and its number in the file."""

    path: str
    face: int = 0


@functools.lru_cache(maxsize=512)
def open_font(file: FontFile, size: int) -> ImageFont.FreeTypeFont:
    """Returns a font in a size in pixels per em.

    Raises:
        OSError: FreeType cannot read the file.
    """
    if file.path == BUILT_IN:
        return ImageFont.truetype(io.BytesIO(content_of(file)), size)
    return ImageFont.truetype(file.path, size, file.face)


def content_of(file: FontFile) -> bytes:
    """Returns the font file.

    Raises:
        OSError: it cannot be read, or this Pillow has no font of its own.
    """
    if file.path != BUILT_IN:
        with open(file.path, "rb") as opened:
            return opened.read()
    content = getattr(ImageFont.load_default(_TRIAL_SIZE), "font_bytes", b"")
    if not content:
        raise OSError("this Pillow was built without FreeType")
    return content


def drawable_characters(file: FontFile, characters: str) -> str:
    """Returns those of the characters that a font really draws.

    A character counts if the font maps it to a glyph, and if this glyph leaves ink that is not the
    font's sign for a missing glyph. A space counts if it leaves none; of join controls none is
    expected.

    Raises:
        FontFileError: the font cannot be used.
    """
    try:
        mapped = read_character_map(content_of(file), file.face)
        return _drawn(file, characters, mapped)
    except OSError as error:
        raise FontFileError(str(error)) from error


def _drawn(file: FontFile, characters: str, mapped: CharacterMap) -> str:
    missing = ink_of(file, UNASSIGNED)
    return "".join(
        character
        for character, has_glyph in zip(characters, mapped.having(characters), strict=True)
        if has_glyph and _leaves_ink(file, character, missing)
    )


def _leaves_ink(file: FontFile, character: str, missing: bytes) -> bool:
    kind = unicodedata.category(character)
    if character in JOIN_CONTROLS:
        return True
    if kind == "Zs":
        return ink_of(file, character) == _NO_INK
    return kind[0] not in "CZ" and ink_of(file, character) not in (_NO_INK, missing)


@functools.lru_cache(maxsize=1024)
def ink_of(file: FontFile, character: str) -> bytes:
    """Returns the `CELL * CELL` levels of a character in a square, so that marks lie inside.

    Raises:
        OSError: FreeType cannot read the file.
    """
    core, offset = open_font(file, _TRIAL_SIZE).getmask2(
        character, "L", features=features_for(character)
    )
    place = _TRIAL_SIZE + offset[0], _TRIAL_SIZE // 2 + offset[1]
    mask = Image.new("L", (CELL, CELL))
    if all(core.size):
        drawn = Image.new("L", core.size)
        drawn.im.paste(core, (0, 0, *core.size))
        mask.paste(drawn, place)
    return mask.tobytes()


@dataclasses.dataclass(frozen=True)
class FontSet:
    """Knows which fonts can draw a text.

    Attributes:
        files: the fonts, in an order that does not depend on the machine's clock or folders.
        holders: the fonts that have each character, as the bits of a number.
    """

    files: tuple[FontFile, ...]
    holders: dict[str, int]

    def holders_of(self, text: str) -> int:
        """Returns the fonts that have all characters of a text, as bits."""
        bits = self.everyone
        for character in text:
            bits &= self.holders.get(character, 0)
        return bits

    def having(self, text: str) -> tuple[FontFile, ...]:
        """Returns the fonts that have all characters of a text."""
        return self._of(self.holders_of(text))

    @property
    def everyone(self) -> int:
        """All fonts, as bits."""
        return (1 << len(self.files)) - 1

    @functools.cached_property
    def _known(self) -> dict[int, tuple[FontFile, ...]]:
        return {}

    def _of(self, bits: int) -> tuple[FontFile, ...]:
        if bits not in self._known:
            chosen = (file for number, file in enumerate(self.files) if bits >> number & 1)
            self._known[bits] = tuple(chosen)
        return self._known[bits]


def font_set(files: Sequence[FontFile], drawable: Sequence[str]) -> FontSet:
    """Returns the set of some fonts.

    Args:
        files: the fonts.
        drawable: the characters that each of them draws.
    """
    holders: dict[str, int] = {}
    for number, characters in enumerate(drawable):
        for character in characters:
            holders[character] = holders.get(character, 0) | 1 << number
    return FontSet(tuple(files), holders)
