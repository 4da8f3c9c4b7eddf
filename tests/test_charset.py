"""Symbols and their ids."""

import dataclasses

import pytest

from aocr.charset import (
    DIGITS_AND_CAPITALS,
    EOS_ID,
    FULL_ASCII,
    GO_ID,
    PAD_ID,
    Charset,
)

DEFAULT = Charset(DIGITS_AND_CAPITALS)


def test_special_ids_are_those_of_0_7_6():
    assert (PAD_ID, GO_ID, EOS_ID) == (0, 1, 2)


def test_default_characters_are_digits_and_capitals_from_id_3():
    assert DEFAULT.vocab_size == 39
    assert DEFAULT.encode("0129") == [3, 4, 5, 12]
    assert DEFAULT.encode("ABZ") == [13, 14, 38]


def test_full_ascii_is_32_to_126_from_id_3():
    charset = Charset(FULL_ASCII)
    assert charset.vocab_size == 98
    assert charset.encode(" !~") == [3, 4, 97]
    assert charset.encode("aA0") == [ord(c) - 32 + 3 for c in "aA0"]


@pytest.mark.parametrize("label", ["", "A", "2026", "ZZZ", DIGITS_AND_CAPITALS])
def test_what_is_encoded_is_decoded(label):
    assert DEFAULT.decode(DEFAULT.encode(label)) == label


def test_decoding_ends_before_the_first_eos():
    assert DEFAULT.decode([13, EOS_ID, 14, EOS_ID]) == "A"
    assert DEFAULT.decode([EOS_ID, 13]) == ""


def test_padding_and_go_print_nothing():
    assert DEFAULT.decode([GO_ID, 13, PAD_ID, 14, PAD_ID]) == "AB"


def test_symbols_are_what_each_id_prints():
    assert Charset("xé").symbols == ("", "", "", "x", "é")


def test_unknown_character_is_an_error_that_names_it_and_the_label():
    with pytest.raises(ValueError, match="'x!' in label 'Ax!x' is not in the charset"):
        DEFAULT.encode("Ax!x")


def test_unknown_characters_are_named_once_each_in_order():
    assert DEFAULT.unknown("zAazé") == "zaé"
    assert DEFAULT.unknown("A9") == DEFAULT.unknown("") == ""


def test_order_of_the_characters_decides_their_ids():
    assert Charset("BA").encode("AB") == [4, 3]


def test_two_charsets_live_side_by_side():
    small, wide = Charset("AB"), Charset("日B😀")
    assert (small.encode("B"), wide.encode("B")) == ([4], [4])
    assert (small.decode([3]), wide.decode([3])) == ("A", "日")
    assert (small.unknown("😀"), wide.unknown("😀")) == ("😀", "")


def test_charset_is_a_value():
    assert Charset("AB") == Charset("AB") != Charset("BA")
    assert len({Charset("AB"), Charset("AB")}) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        DEFAULT.characters = "AB"


def test_character_that_stands_twice_is_an_error_that_names_it():
    with pytest.raises(ValueError, match=r"holds \['A', 'C'\] more than once"):
        Charset("ABACC")


def test_no_character_is_an_error():
    with pytest.raises(ValueError, match="is empty"):
        Charset("")
