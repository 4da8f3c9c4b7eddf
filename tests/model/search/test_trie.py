"""The automaton of a list of words: it accepts them and no other text, in little memory."""

import itertools

import numpy as np
import pytest
from automata import accepts

from aocr.charset import Charset
from aocr.model.search.automaton import build_trie

CHARSET = Charset("ABC")
TEXTS = ["".join(t) for length in range(5) for t in itertools.product("ABC", repeat=length)]


@pytest.mark.parametrize(
    "words",
    [["A"], [""], ["", "A", "AB", "ABC"], ["CAB", "CA", "CCCC", "CAB", "BA"], TEXTS],
    ids=len,
)
def test_it_accepts_its_words_alone(words):
    automaton = build_trie(words, CHARSET)
    for text in TEXTS:
        assert accepts(automaton, CHARSET.encode(text)) == (text in words)


def test_states_are_prefixes_and_know_the_way_to_the_end():
    automaton = build_trie(["CAB", "CA", "BAB"], CHARSET)
    prefixes = ["", "B", "C", "BA", "CA", "BAB", "CAB"]
    assert len(automaton.is_final) == len(prefixes)
    assert automaton.is_final.tolist() == [p in ("CA", "CAB", "BAB") for p in prefixes]
    assert automaton.remaining.tolist() == [2, 2, 1, 1, 0, 0, 0]
    assert automaton.longest == 3


def test_memory_grows_with_the_prefixes():
    generator = np.random.default_rng(0)
    letters = generator.choice(list("ABCDEFGHIJ"), [20_000, 12])
    words = {"".join(row) for row in letters}
    automaton = build_trie(words, Charset("ABCDEFGHIJ"))
    prefixes = len({word[:length] for word in words for length in range(13)})
    assert len(automaton.is_final) == prefixes
    assert sum(array.nbytes for array in automaton[:-1]) <= 17 * prefixes + 4
