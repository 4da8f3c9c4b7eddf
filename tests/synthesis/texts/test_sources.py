"""Sources of texts: what they propose, and how often."""

import collections
import re
import unicodedata

import numpy as np
import pytest

from aocr.synthesis.fonts.choice import FontFile, font_set
from aocr.synthesis.texts.sources import Pattern, RandomCharacters, RunningText, WordList, clean
from aocr.synthesis.weighted import position_of, weighted, weighted_counts
from aocr.util.text.patterns import parse_pattern

FONTS = font_set([FontFile("latin"), FontFile("greek")], ["AB -", "ΑΒ -\u0301"])


def proposals(source, count):
    return [source.propose(i, np.random.default_rng((7, i))) for i in range(count)]


def test_each_pass_over_a_word_list_has_every_word_once():
    texts = proposals(WordList(["a", "b", "c", "d"], seed=3), 12)
    assert [sorted(texts[i : i + 4]) for i in (0, 4, 8)] == [["a", "b", "c", "d"]] * 3
    assert len({tuple(texts[i : i + 4]) for i in (0, 4, 8)}) > 1


@pytest.mark.parametrize("pattern", ["[A-Z]{2}[0-9]{3}", "(ab|c)+-?\\d", "x{0,2}y", "[^a-z ]{1,4}"])
def test_texts_of_a_pattern_match_it(pattern):
    texts = proposals(Pattern(parse_pattern(pattern)), 200)
    assert all(re.fullmatch(pattern, text) for text in texts)


def test_the_choices_of_a_pattern_are_equally_likely():
    counts = collections.Counter(proposals(Pattern(parse_pattern("a|b|[cd]")), 3000))
    assert counts["a"] == pytest.approx(1000, abs=120)
    assert counts["c"] == pytest.approx(500, abs=90)


def test_random_characters_come_from_one_font():
    characters = weighted("ABΑΒ -\u0301", [1] * 7)
    source = RandomCharacters(characters, weighted_counts({4: 1, 6: 2}), FONTS)
    texts = [text for text in proposals(source, 400) if text]
    assert all(FONTS.having(text) for text in texts)
    assert {len(text) for text in texts} <= {3, 4, 5, 6}  # NFC may join a letter and its mark
    assert any("Α" in text for text in texts)
    assert any("A" in text for text in texts)
    assert all(text == clean(text) and not text.startswith("\u0301") for text in texts)


def test_pieces_of_running_text_are_its_words_in_order():
    words = ["the", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog"]
    source = RunningText(words, weighted(range(9), [1] * 9), weighted_counts({10: 1, 16: 1}))
    for piece in proposals(source, 100):
        assert piece in " ".join(words)
        assert len(piece) <= 16


@pytest.mark.parametrize("letters", ["कि क्षेत्र", "ភាសាខ្មែរ", "q\u0301j\u0323e", "ഭാഷ", "東京都庁"])
def test_parts_of_long_words_keep_marks_at_their_letters(letters):
    word = letters.replace(" ", "") * 9
    source = RunningText([word], weighted(range(1), [1]), weighted_counts({4: 1, 7: 1}))
    texts = proposals(source, 200)
    assert all(text in word and 1 <= len(text) <= 7 for text in texts)
    assert not any(unicodedata.category(text[0])[0] == "M" for text in texts)
    assert not any(unicodedata.combining(text[-1]) == 9 for text in texts)
    assert {word.index(text) for text in texts} > {0}
    assert any(word.endswith(text) for text in texts)


def test_texts_are_cleaned():
    assert clean(" e\u0301 \t a\u00a0b\n") == "é a b"


def test_weighted_values_are_drawn_by_their_weights():
    values = weighted(["a", "b", "c"], [1, 0, 3])
    rng = np.random.default_rng(0)
    counts = collections.Counter(values.draw(rng) for _ in range(4000))
    assert counts["a"] == pytest.approx(1000, abs=100)
    assert counts["b"] == 0


def test_positions_lead_back_to_their_values():
    lengths = weighted_counts({2: 1, 5: 2, 9: 1})
    assert [lengths.at(position_of(lengths, n, 0.5)) for n in (2, 5, 9)] == [2, 5, 9]
    assert lengths.at(position_of(lengths, 100, 0.5)) == 9
    assert lengths.at(position_of(lengths, 3, 0.5)) == 5
