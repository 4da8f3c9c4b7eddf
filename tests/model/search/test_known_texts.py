"""Lexicons and patterns for a model: what it cannot read, and its case."""

import dataclasses
import logging

import pytest
from automata import accepts
from helpers import TINY

from aocr.charset import Charset
from aocr.model.search.known_texts import lexicon_automaton, pattern_automaton
from aocr.util.errors import UserError

BOTH_CASES = dataclasses.replace(TINY, characters="ABab")


def accepted(automaton, config, text):
    return accepts(automaton, Charset(config.characters).encode(text))


def test_words_that_cannot_be_read_are_counted():
    words = ["AB", "XA", "XY", "ABAB", "BAé", "BBBBB"]
    with pytest.raises(UserError) as raised:
        lexicon_automaton(words, TINY, "--lexicon=w.txt")
    assert str(raised.value) == (
        "--lexicon=w.txt: of 6 words, 3 have characters that the model lacks ('X' in 2, 'Y' in 1, "
        "'É' in 1; the first is 'XA') and 2 have more than the 3 characters of --max-prediction "
        "(the first is 'ABAB'): remove them, or use a model that can read them"
    )


def test_a_model_of_capitals_reads_words_as_capitals(caplog):
    caplog.set_level(logging.INFO)
    automaton = lexicon_automaton(["ab", "B", "Ab"], TINY, "lexicon")
    assert accepted(automaton, TINY, "AB")
    assert accepted(automaton, TINY, "B")
    assert caplog.messages == [
        "lexicon: 2 words converted to upper case: the model knows no lower case.",
        "lexicon: 2 different words, 4 prefixes.",
    ]
    assert accepted(pattern_automaton("[a]b?", TINY), TINY, "AB")


@pytest.mark.parametrize(
    ("pattern", "accepts_b"), [("[^a]", True), ("[^b]", False), ("[^B]", False), (r"\w", True)]
)
def test_a_pattern_for_a_model_of_capitals_leaves_out_capitals(pattern, accepts_b):
    assert accepted(pattern_automaton(pattern, TINY), TINY, "B") == accepts_b


def test_a_letter_of_any_script_is_one():
    french = dataclasses.replace(TINY, characters="Aé-")
    letters, others = (pattern_automaton(each, french) for each in (r"\w", r"\W"))
    assert accepted(letters, french, "é")
    assert not accepted(letters, french, "-")
    assert not accepted(others, french, "é")


def test_a_model_of_both_cases_tells_them_apart():
    automaton = lexicon_automaton(["ab"], BOTH_CASES, "lexicon")
    assert accepted(automaton, BOTH_CASES, "ab")
    assert not accepted(automaton, BOTH_CASES, "AB")
    assert not accepted(pattern_automaton("a.", BOTH_CASES), BOTH_CASES, "AB")


def test_characters_of_a_pattern_that_the_model_lacks_are_named(caplog):
    automaton = pattern_automaton("[A-D]", TINY)
    assert accepted(automaton, TINY, "A")
    assert caplog.messages == [
        "--pattern: the model lacks 2 of its characters, which are never read: CD"
    ]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(A", "--pattern=(A: a ( without its ), at character 2"),
        ("A{4}", "--pattern=A{4}: it describes no text of at most 3 characters"),
        ("[0-9]", "no text of at most 3 characters, all of which the model knows"),
    ],
)
def test_patterns_without_a_text_are_refused(pattern, message):
    with pytest.raises(UserError, match="^--pattern=") as raised:
        pattern_automaton(pattern, TINY)
    assert message in str(raised.value)
