"""Tests how characters are shown to people, in text and on their own."""

import pytest

from aocr.util.text.characters import (
    MAX_LOGGED_CHARACTERS,
    code_point,
    describe_character,
    escape,
    is_visible,
    shorten,
    unicode_name,
    visible_character,
    visible_text,
)


def test_visible_spells_out_what_cannot_be_seen():
    assert visible_text("a b") == "a b"
    assert visible_text("a\u202eb\xa0\n\u3000é") == "a<U+202E>b<U+00A0><U+000A><U+3000>é"


def test_visible_text_can_be_written_whatever_the_bytes_of_a_name_were():
    assert visible_text("a\udcff.png") == "a<U+DCFF>.png"


@pytest.mark.parametrize(
    ("character", "shown"),
    [("A", "A"), (" ", "\u2423"), ("\u0301", "\u25cc\u0301"), ("\u200b", "<U+200B>")],
)
def test_character_on_its_own_is_visible(character, shown):
    assert visible_character(character) == shown


@pytest.mark.parametrize(
    ("character", "expected"),
    [("A", True), ("皖", True), ("\u0301", True), (" ", False), ("\xa0", False), ("\x07", False)],
)
def test_spaces_and_control_characters_are_not_visible(character, expected):
    assert is_visible(character) is expected


@pytest.mark.parametrize(
    ("character", "code", "name"),
    [
        ("\t", "U+0009", "control character"),
        ("é", "U+00E9", "LATIN SMALL LETTER E WITH ACUTE"),
        ("\ue000", "U+E000", "private use"),
        ("\ud800", "U+D800", "unknown"),
        ("\U0010ffff", "U+10FFFF", "not assigned"),
    ],
)
def test_every_code_point_has_a_description(character, code, name):
    assert code_point(character) == code
    assert unicode_name(character) == name
    assert describe_character(character) == f"{code} {name}"


def test_escaped_text_is_one_line_of_utf_8():
    text = escape("a\tb\nc\r\x1b[2J\x85\u2028\udcff é皖\\")
    assert text == r"a\tb\nc\r\x1b[2J\x85\u2028\udcff é皖" + "\\"
    assert len(text.splitlines()) == 1
    assert text.encode()


def test_long_text_keeps_its_start_and_its_end():
    text = "/start/" + "x" * 500 + "/end.png"
    short = shorten(text)
    assert len(short) == MAX_LOGGED_CHARACTERS
    assert short.startswith("/start/x")
    assert short.endswith("x/end.png")
    assert short.count("…") == 1
    for length in (0, 1, MAX_LOGGED_CHARACTERS):
        assert shorten("y" * length) == "y" * length
