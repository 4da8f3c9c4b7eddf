"""What fonts draw: characters that are drawn as something else are found, and no others."""

import io
import os
import string

import pytest

from aocr.synthesis.drawing.lettering import Pen, draw_line
from aocr.synthesis.fonts import letterforms
from aocr.synthesis.fonts.choice import FontFile, content_of, drawable_characters
from aocr.synthesis.fonts.files import find_fonts
from aocr.synthesis.fonts.letterforms import misdrawn
from aocr.synthesis.fonts.shaping import has_raqm
from aocr.synthesis.options import BUILT_IN

LOWER, UPPER, DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits
PUNCTUATION = string.punctuation
ASCII = LOWER + UPPER + DIGITS + PUNCTUATION
SHUFFLED = "qnxbtzkwsyhcovgrmdpajeflui"


@pytest.fixture
def altered(tmp_path):
    """Returns a function that writes Pillow's font with some characters drawn as others."""
    fonttools = pytest.importorskip("fontTools.ttLib")

    def write(drawn_as, change=lambda font: None):
        font = fonttools.TTFont(io.BytesIO(content_of(FontFile(BUILT_IN))))
        for table in font["cmap"].tables:
            glyphs = dict(table.cmap)
            for character, other in drawn_as.items():
                table.cmap[ord(character)] = glyphs[ord(other)]
        change(font)
        path = tmp_path / f"{len(os.listdir(tmp_path))}.ttf"  # open fonts must not be written over
        font.save(path)
        return FontFile(str(path))

    return write


CASES = {
    "capitals": (dict(zip(LOWER, UPPER, strict=True)), {letterforms.CAPITALS: LOWER}),
    "small": (dict(zip(UPPER, LOWER, strict=True)), {letterforms.SMALL_LETTERS: UPPER}),
    "mixed": (
        dict(zip("ABCDEFGHIJKLMnopqrstuvwxyz", "abcdefghijklmNOPQRSTUVWXYZ", strict=True)),
        {letterforms.ALIKE: LOWER + UPPER},
    ),
    "ornaments": (
        dict(zip(LOWER + UPPER, SHUFFLED.upper() + SHUFFLED, strict=True)),
        {letterforms.ORNAMENTS: LOWER + UPPER},
    ),
    "digits": (dict(zip(DIGITS, "%*T#H@L&MW", strict=True)), {letterforms.ORNAMENTS: DIGITS}),
    "punctuation": (
        dict(zip(PUNCTUATION, SHUFFLED + "ABEFGH", strict=True)),
        {letterforms.ORNAMENTS: PUNCTUATION},
    ),
    "both": (
        dict(zip(PUNCTUATION + LOWER, SHUFFLED + "ABEFGH" + UPPER, strict=True)),
        {letterforms.ORNAMENTS: PUNCTUATION, letterforms.CAPITALS: LOWER},
    ),
    "brackets": ({"[": "(", "{": "("}, {letterforms.SAME_SIGNS: "([{"}),
    "one": ({"h": "H", "é": "e"}, {letterforms.TWINS: "hé"}),
}


@pytest.mark.parametrize(("drawn_as", "expected"), CASES.values(), ids=CASES)
def test_characters_drawn_as_others_are_found(drawn_as, expected, altered):
    font = altered(drawn_as)
    assert misdrawn(font, drawable_characters(font, ASCII + "é ")) == expected


def test_small_capitals_are_capitals(altered):
    transform = pytest.importorskip("fontTools.pens.transformPen")
    pens = pytest.importorskip("fontTools.pens.ttGlyphPen")

    def shrink(font):
        glyphs, names = font.getGlyphSet(), font.getBestCmap()
        for small, capital in zip(LOWER, UPPER, strict=True):
            pen = pens.TTGlyphPen(glyphs)
            glyphs[names[ord(capital)]].draw(transform.TransformPen(pen, (0.8, 0, 0, 0.7, 0, 0)))
            font["glyf"][names[ord(small)]] = pen.glyph()

    assert misdrawn(altered({}, shrink), ASCII) == {letterforms.CAPITALS: LOWER}


def test_ordinary_faces_keep_all():
    names = ("dejavu", "liberation", "lobster", "dancing", "isabella", "ecolier")
    faces = [each for each in find_fonts(None) if any(n in each.path.lower() for n in names)]
    for face in [FontFile(BUILT_IN), *faces]:
        assert misdrawn(face, ASCII) == {}, face


@pytest.mark.skipif(not has_raqm(), reason="without Raqm nothing is replaced")
@pytest.mark.parametrize("tag", ["calt", "liga", "clig"])
def test_no_feature_puts_other_signs_in_place_of_characters(tag, altered):
    builder = pytest.importorskip("fontTools.feaLib.builder")
    rules = f"feature {tag} {{ sub hyphen greater by asterisk; sub two x' three by H; }} {tag};"
    plain = Pen(altered({}), 40)
    expected = [draw_line(text, plain).tobytes() for text in ("2x3->y", "א->")]
    font = altered({}, lambda font: builder.addOpenTypeFeaturesFromString(font, rules))
    drawn = [draw_line(text, Pen(font, 40)).tobytes() for text in ("2x3->y", "א->")]
    assert drawn == expected
