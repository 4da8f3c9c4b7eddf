"""Lettering and geometry: where the ink is."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from aocr.synthesis.drawing import geometry
from aocr.synthesis.drawing.lettering import (
    Pen,
    draw_cells,
    draw_line,
    draw_near_height,
)
from aocr.synthesis.drawing.rows import add_rows
from aocr.synthesis.fonts import shaping
from aocr.synthesis.fonts.choice import BUILT_IN, FontFile
from aocr.synthesis.fonts.files import coverage, find_fonts
from aocr.util.errors import UserError

FILE = FontFile(BUILT_IN)


def test_the_ink_has_the_wanted_height_and_touches_all_sides():
    for text in ("Hxg", "ABC", "one"):
        mask = draw_near_height(text, Pen(FILE, 300), 40)
        assert mask.height == pytest.approx(40, abs=3)
        assert mask.getbbox() == (0, 0, *mask.size)


def test_low_characters_keep_their_size():
    mask = draw_near_height("-", Pen(FILE, 300), 40)
    assert mask.height >= 20
    assert np.asarray(mask).any(axis=1).sum() < 12


def test_spacing_widens_a_text():
    widths = [
        draw_line("ab cd", Pen(FILE, 32, spacing=s, word_spacing=w)).width
        for s, w in ((0, 0), (5, 0), (0, 9))
    ]
    assert widths[1] - widths[0] == pytest.approx(20, abs=3)
    assert widths[2] - widths[0] == pytest.approx(9, abs=3)


def test_cells_have_one_size_and_their_ink_in_the_middle():
    cells = draw_cells("I1WM", Pen(FILE, 40), (24, 30))
    assert {cell.size for cell in cells} == {(24, 30)}
    for cell in cells:
        left, _, right, _ = cell.getbbox()
        assert abs(left - (24 - right)) <= 2


def test_joined_letters_are_drawn_from_right_to_left():
    if not shaping.has_raqm():
        pytest.skip("this Pillow has no Raqm")
    text = "\u05d0\u05d9"  # a broad letter, then a narrow one
    try:
        fonts = coverage(find_fonts(None), text).having(text)
    except UserError:
        fonts = ()
    if not fonts:
        pytest.skip("no font here has Hebrew letters")
    pen = Pen(fonts[0], 48)
    ink = np.asarray(draw_line(text, pen)).any(axis=0)
    gap = np.flatnonzero(~ink).mean()
    assert gap < len(ink) / 2, "the narrow letter, which is the last, must be on the left"
    assert shaping.needs_shaping(text)
    assert shaping.begins_right_to_left(text)
    assert not shaping.begins_right_to_left("A" + text)


def test_marks_stay_with_their_letters():
    assert shaping.clusters("e\u0301a") == ["e\u0301", "a"]
    assert not shaping.needs_shaping("Ünï漢字한글Жα")
    assert shaping.needs_shaping("सलाम")


def test_a_frame_holds_the_whole_tilted_rectangle():
    inner = Image.new("L", (80, 30))
    ImageDraw.Draw(inner).rectangle((2, 2, 77, 27), fill=255)
    corners = np.random.default_rng(0).uniform(-1, 1, (4, 2))
    tilt = geometry.Tilt(degrees=9, shear=0.3, perspective=0.2)
    framed = geometry.frame(inner.size, geometry.View(48, (0.1,) * 4, tilt, corners))
    seen = framed.see(inner)
    left, top, right, bottom = seen.getbbox()
    assert seen.height == 48
    assert left >= 3
    assert top >= 3
    assert right <= seen.width - 3
    assert bottom <= 45


def test_an_identity_changes_nothing():
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 90), np.uint8))
    (same,) = geometry.warp([picture], picture.size, lambda points: points)
    np.testing.assert_array_equal(np.asarray(same), np.asarray(picture))
    framed = geometry.Framed(picture.size, np.eye(3))
    np.testing.assert_array_equal(np.asarray(framed.see(picture)), np.asarray(picture))


def test_a_stroke_thickens_the_ink_on_all_sides():
    thin, bold = (draw_line("H", Pen(FILE, 60, stroke)) for stroke in (0, 2))
    assert bold.width - thin.width == pytest.approx(4, abs=1)
    stems = [np.count_nonzero(np.asarray(mask)[5] > 127) for mask in (thin, bold)]
    assert stems[1] - stems[0] == pytest.approx(8, abs=3)


@pytest.mark.parametrize("text", ["Hxg", "one", "-", "XYZ 12"])
def test_the_first_size_gives_about_the_wanted_height_or_is_corrected(text):
    for size in (10, 60, 300):
        mask = draw_near_height(text, Pen(FILE, size), 40)
        assert 22 <= mask.height <= 80, (size, mask.height)


def test_parts_of_other_rows_lie_at_the_borders_apart_from_the_line():
    line = draw_line("HHHH", Pen(FILE, 40))
    bare = add_rows(line, 0.0, 3, np.random.default_rng(0))
    assert bare.mask.getbbox() == (3, 3, 3 + line.width, 3 + line.height)
    for seed in range(20):
        rows = add_rows(line, 1.0, 3, np.random.default_rng(seed))
        inked = np.flatnonzero(np.diff(np.asarray(rows.mask).any(axis=1).astype(int)))
        assert (rows.above, rows.below) == (True, True)
        heights = np.diff(inked).tolist()  # gap, line, gap
        assert heights[1] == line.height
        assert min(heights[0], heights[2]) >= 3


def test_a_homography_takes_corners_to_corners():
    source = np.array([(0, 0), (10, 0), (10, 5), (0, 5)], float)
    target = source + [(1, 2), (-2, 0), (3, 1), (0, -1)]
    mapped = geometry.project(geometry.homography(source.tolist(), target.tolist()), source)
    np.testing.assert_allclose(mapped, target, atol=1e-9)
