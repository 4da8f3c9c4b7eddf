"""Patterns: what they describe, compared with Python's own `re`, and what is refused."""

import re

import pytest

from aocr.util.text.patterns import (
    ALPHABET,
    UNBOUNDED,
    Alternatives,
    OneOf,
    Repetition,
    Sequence,
    characters_of,
    longest_text,
    parse_endless_pattern,
    parse_pattern,
)


def test_the_tree_of_a_plate():
    capitals = OneOf("ABC")
    digits = OneOf("0123456789")
    expected = Sequence((Repetition(capitals, 2, 2), OneOf("-"), Repetition(digits, 1, 3)))
    assert parse_pattern(r"[A-C]{2}-\d{1,3}") == expected


def test_alternatives_groups_and_anchors():
    node = parse_pattern("^(a|bc)?(?:d)$")
    inner = Alternatives((OneOf("a"), Sequence((OneOf("b"), OneOf("c")))))
    assert node == Sequence((Repetition(inner, 0, 1), OneOf("d")))


@pytest.mark.parametrize(
    "pattern",
    [
        r"[^0-9a]",
        r".",
        r"\w",
        r"\W",
        r"\D",
        r"[]a^-]",
        r"[\]\\-]",
        r"[\d.]",
        r"\.",
        r"\x41",
        r"[ -~]",
    ],
)
def test_classes_have_the_characters_that_re_matches(pattern):
    expected = {c for c in ALPHABET if re.fullmatch(pattern, c, re.ASCII)}
    assert characters_of(parse_pattern(pattern)) == expected


SCRIPTS = "AÉaéß_ -٣9²\u3000\u0e33\u0902Жж"


@pytest.mark.parametrize("pattern", [r"\w", r"\W", r"\d", r"\D", r"\s", r"\S", r"[^\w-]", r"[\dé]"])
def test_classes_are_those_of_unicode_in_an_alphabet(pattern):
    found = characters_of(parse_endless_pattern(pattern, SCRIPTS))
    assert found & {*SCRIPTS} == {c for c in SCRIPTS if re.fullmatch(pattern, c)}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[a-c]", "ABC"),
        ("[^a-c]", "DÉẞ"),
        ("[^é]", "ABCDẞ"),
        (r"[^\x61b]", "CDÉẞ"),
        ("é", "É"),
        ("ß", "ß"),  # two letters in upper case
        (".", "ABCDÉẞ"),
        (r"\W", ""),
    ],
)
def test_characters_are_converted_before_a_class_leaves_them_out(pattern, expected):
    assert characters_of(parse_endless_pattern(pattern, "ABCDÉẞ", str.upper)) == {*expected}


@pytest.mark.parametrize(
    ("pattern", "least", "most"),
    [("a*", 0, UNBOUNDED), ("a+", 1, 1 + UNBOUNDED), ("a{3,}", 3, 3 + UNBOUNDED), ("a{,2}", 0, 2)],
)
def test_repetitions_without_an_end_are_bounded(pattern, least, most):
    assert parse_pattern(pattern) == Repetition(OneOf("a"), least, most)
    assert longest_text(parse_pattern(pattern)) == most


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("a**", r"\* after a repetition is not supported, at character 3"),
        ("*a", r"nothing for \* to repeat, at character 1"),
        ("(?=a)", "only groups like"),
        ("(?P<n>a)", "only groups like"),
        (r"(a)\1", r"\\1 is not supported"),
        (r"a\b", r"\\b is not supported"),
        ("a^b", r"\^ is supported only at the start or the end"),
        ("[a", r"a \[ without its \]"),
        ("[b-a]", "a range"),
        (r"[\d-z]", "a range"),
        ("[^ -~]", "a class without a character"),
        ("(a", r"a \( without its \)"),
        ("a)", r"a \) without its \("),
        ("a{2", "followed by numbers"),
        ("a{b}", "followed by numbers"),
        ("a{3,2}", "3 is more than 2"),
        (r"\u12", "12 is not a code point of 4 digits"),
        (r"\ud800", "half of a character"),
        ("\\", "is not supported"),
        ("(a{99}){99}", "texts of 9801 characters"),
        ("(" * 60 + "a" + ")" * 60, "more than 50 groups"),
    ],
)
def test_what_is_not_supported_is_named(pattern, says):
    with pytest.raises(ValueError, match=says):
        parse_pattern(pattern)
