"""Opens fonts, and knows which of them can draw a text."""

from __future__ import annotations

import dataclasses
import functools
import io
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from aocr.synthesis.fonts.character_map import CharacterMap, FontFileError, read_character_map
from aocr.synthesis.fonts.shaping import JOIN_CONTROLS
from aocr.synthesis.options import BUILT_IN
from aocr.util.text.drawing import UNASSIGNED

_TRIAL_SIZE = 16  # pixels


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
    font's sign for a missing glyph; of spaces and join controls no ink is expected.

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
    if kind == "Zs" or character in JOIN_CONTROLS:
        return True
    return kind[0] not in "CZ" and any(ink := ink_of(file, character)) and ink != missing


@functools.lru_cache(maxsize=1024)
def ink_of(file: FontFile, character: str) -> bytes:
    """Returns the pixels of a character in the middle of a square, so that marks lie inside.

    Raises:
        OSError: FreeType cannot read the file.
    """
    font = open_font(file, _TRIAL_SIZE)
    mask = Image.new("L", (3 * _TRIAL_SIZE, 3 * _TRIAL_SIZE))
    ImageDraw.Draw(mask).text((_TRIAL_SIZE, _TRIAL_SIZE // 2), character, fill=255, font=font)
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
