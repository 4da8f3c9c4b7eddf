"""Fonts: which characters they have, and which of them can draw a text."""

import io

import pytest

from aocr.synthesis.fonts.character_map import FontFileError, face_count, read_character_map
from aocr.synthesis.fonts.choice import (
    FontFile,
    content_of,
    drawable_characters,
    font_set,
    open_font,
)
from aocr.synthesis.fonts.files import coverage, find_fonts
from aocr.synthesis.options import BUILT_IN

BUILT_IN_FONT = FontFile(BUILT_IN)


def test_the_built_in_font_draws_ascii_and_no_box_for_what_it_lacks():
    ascii_characters = "".join(map(chr, range(32, 127)))
    assert drawable_characters(BUILT_IN_FONT, ascii_characters) == ascii_characters
    assert drawable_characters(BUILT_IN_FONT, "漢ж\u200b\x07\ue000\U0010ffff") == ""


def test_character_maps_are_those_that_fonttools_reads():
    fonttools = pytest.importorskip("fontTools.ttLib")
    fonts = find_fonts(None)[:40]
    everything = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x20000)]))
    for file in fonts:
        content = content_of(file)
        font = fonttools.TTFont(io.BytesIO(content), fontNumber=file.face)
        if "OS/2" in font and font["OS/2"].panose.bFamilyType == 5:
            continue
        expected = {code for code, name in font.getBestCmap().items() if name != ".notdef"}
        found = read_character_map(content, file.face).having(everything)
        ours = {ord(c) for c, held in zip(everything, found, strict=True) if held}
        assert ours == {code for code in expected if code < 0x20000}, file.path


def test_a_font_of_symbols_in_place_of_letters_is_refused():
    content = bytearray(content_of(BUILT_IN_FONT))
    record = content.index(b"OS/2")  # its place in the list of tables: tag, checksum, offset
    panose = int.from_bytes(content[record + 8 : record + 12], "big") + 32
    content[panose] = 5
    with pytest.raises(FontFileError, match="symbols in place of letters"):
        read_character_map(bytes(content))


@pytest.mark.parametrize("length", [0, 3, 11, 40, 300, 1000])
def test_cut_font_files_are_refused(length, tmp_path):
    path = tmp_path / "cut.ttf"
    path.write_bytes(content_of(BUILT_IN_FONT)[:length])
    with pytest.raises(FontFileError):
        drawable_characters(FontFile(str(path)), "A")


def test_characters_without_ink_do_not_count(tmp_path):
    path = tmp_path / "cut.ttf"
    path.write_bytes(content_of(BUILT_IN_FONT)[:6000])  # maps characters to glyphs that are gone
    assert drawable_characters(FontFile(str(path)), "AB") == ""


def test_a_space_with_ink_does_not_count(tmp_path):
    fonttools = pytest.importorskip("fontTools.ttLib")
    font = fonttools.TTFont(io.BytesIO(content_of(BUILT_IN_FONT)))
    for table in font["cmap"].tables:
        table.cmap[ord(" ")] = table.cmap[ord("H")]
    font.save(tmp_path / "box.ttf")
    assert drawable_characters(FontFile(str(tmp_path / "box.ttf")), "A B") == "AB"


def test_other_files_are_refused():
    assert face_count(b"ttcf\0\1\0\0\0\0\0\3") == 3
    with pytest.raises(FontFileError, match="not a TrueType"):
        read_character_map(b"%!PS-AdobeFont" + bytes(100))


def test_a_text_gets_only_fonts_that_have_all_of_it():
    files = [FontFile("a"), FontFile("b"), FontFile("c")]
    fonts = font_set(files, ["abc", "bcd", "x"])
    assert fonts.having("bc") == (files[0], files[1])
    assert fonts.having("ad") == ()
    assert fonts.having("x") == (files[2],)
    assert fonts.having("?") == ()


def test_fonts_without_a_character_of_the_texts_are_not_used(tmp_path):
    (tmp_path / "one.ttf").write_bytes(content_of(BUILT_IN_FONT))
    (tmp_path / "note.txt").write_text("no font")
    files = find_fonts(str(tmp_path))
    assert [file.path for file in files] == [str(tmp_path / "one.ttf")]
    fonts = coverage([*files, FontFile(BUILT_IN)], "AB漢")
    assert sorted(fonts.holders) == ["A", "B"]


def test_fonts_open_in_their_size():
    small, large = (open_font(BUILT_IN_FONT, size).getbbox("H") for size in (16, 64))
    assert large[3] - large[1] == pytest.approx(4 * (small[3] - small[1]), abs=4)
