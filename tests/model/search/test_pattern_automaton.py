"""Automata of patterns, compared with Python's own `re` on all short texts."""

import itertools
import re

import pytest
from automata import accepts

from aocr.charset import Charset
from aocr.model.search.pattern_automaton import compile_pattern
from aocr.util.text.patterns import parse_endless_pattern

CHARSET, LONGEST = Charset("ABC"), 4
TEXTS = [
    "".join(letters)
    for length in range(LONGEST + 2)
    for letters in itertools.product("ABC", repeat=length)
]


def compiled(pattern, longest=LONGEST):
    return compile_pattern(parse_endless_pattern(pattern, "ABC"), CHARSET, longest)


@pytest.mark.parametrize(
    "pattern",
    [
        "A",
        "[AB]{2}C?",
        "(A|BC)*",
        "A{2,}",
        "A+B*",
        "(A?B?){3}",
        "(A*)*B",
        "A|B{99}|C",
        ".{1,3}",
        "[^A]+",
        "(AB|A)(C|BC)",
        "",
        "(|A)B",
        "(A?){12}",
        "((A|B){2}|C){0,2}",
        "A{0}B",
        "(A{1,2}){2}",
        "(ABC|ABB|BCA)",
        "(A|B)*A(A|B)",
        r"\u0041?[B-Z]",
    ],
)
def test_the_texts_are_those_of_re(pattern):
    automaton = compiled(pattern)
    for text in TEXTS:
        expected = len(text) <= LONGEST and re.fullmatch(pattern, text) is not None
        accepted = len(text) <= LONGEST and accepts(automaton, CHARSET.encode(text))
        assert accepted == expected, text


@pytest.mark.parametrize("pattern", ["D", "A{5}", "[DE]A", "(((A{50}){50}){50}){50}"])
def test_a_pattern_without_a_text_is_refused(pattern):
    with pytest.raises(ValueError, match="no text of at most 4 characters"):
        compiled(pattern)


@pytest.mark.parametrize("pattern", ["(A|B)*A(A|B){20}", "((((A|BB){1,19}){1,19}){1,19}){1,19}"])
def test_a_pattern_that_needs_too_much_memory_is_refused(pattern):
    with pytest.raises(ValueError, match="more than 20000 states"):
        compiled(pattern, 22)


def test_endless_repetitions_inside_each_other_stay_small():
    assert len(compiled("(((.{0,50}){0,50}){0,50}){0,50}", 22).is_final) < 5
