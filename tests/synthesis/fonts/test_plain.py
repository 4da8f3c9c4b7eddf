"""Plain faces: plates are drawn in them alone, unless none is there."""

import io

import numpy as np
import pytest

from aocr.synthesis.fonts.choice import FontFile, content_of
from aocr.synthesis.fonts.plain import is_plain, plain_face
from aocr.synthesis.options import BUILT_IN

PLAIN = FontFile(BUILT_IN)


def lean(x, y):
    return x + 0.2 * y, y


def thin(x, y):
    return 3 * x, y


def lift(x, y):
    return x, y + 120


@pytest.fixture
def altered(tmp_path):
    """Returns a function that writes Pillow's font with points of some glyphs moved."""
    fonttools = pytest.importorskip("fontTools.ttLib")

    def write(move, characters):
        font = fonttools.TTFont(io.BytesIO(content_of(PLAIN)))
        names, glyphs = font.getBestCmap(), font.getGlyphSet()
        pen_module = pytest.importorskip("fontTools.pens.ttGlyphPen")
        transform = pytest.importorskip("fontTools.pens.transformPen")
        (x0, y0), (x1, y1), (x2, y2) = move(0, 0), move(1, 0), move(0, 1)
        matrix = (x1 - x0, y1 - y0, x2 - x0, y2 - y0, x0, y0)
        for character in characters:
            pen = pen_module.TTGlyphPen(glyphs)
            glyphs[names[ord(character)]].draw(transform.TransformPen(pen, matrix))
            font["glyf"][names[ord(character)]] = pen.glyph()
        path = tmp_path / f"{move.__name__}.ttf"
        font.save(path)
        return FontFile(str(path))

    return write


def test_pillows_own_font_is_plain():
    assert is_plain(PLAIN)


@pytest.mark.parametrize(
    ("move", "characters"),
    [(lean, "H"), (thin, "H"), (lift, "2357")],
    ids=["slanted", "uneven strokes", "digits of other heights"],
)
def test_faces_unlike_those_of_plates_are_not_plain(move, characters, altered):
    file = altered(move, characters)
    assert not is_plain(file)
    chosen = {plain_face((file, PLAIN, file), np.random.default_rng(n)) for n in range(9)}
    assert chosen == {PLAIN}
    assert plain_face((file,), np.random.default_rng(0)) == file
