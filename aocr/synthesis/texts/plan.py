"""Plans which texts are drawn: reads them, leaves out what cannot be drawn, weights the rest."""

from __future__ import annotations

import collections
import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from aocr.data.word_lists import read_charset
from aocr.synthesis.fonts.choice import FontSet
from aocr.synthesis.options import DEFAULT_LENGTHS, DEFAULT_PIECE_LENGTHS, Span, TextOptions
from aocr.synthesis.texts import files
from aocr.synthesis.texts.files import LeftOut
from aocr.synthesis.texts.sources import (
    SPACE,
    Pattern,
    RandomCharacters,
    RunningText,
    TextSource,
    WeightedWords,
    WordList,
)
from aocr.synthesis.weighted import (
    Likeness,
    Weighted,
    balanced_weights,
    smallest_share,
    weighted,
    weighted_counts,
)
from aocr.util.errors import UserError
from aocr.util.text.characters import shorten, visible_text
from aocr.util.text.patterns import characters_of, parse_pattern
from aocr.util.text.plurals import counted

NO_FONT = "with characters that no single font has"

FindFonts = Callable[[str], FontSet]
"""Returns the fonts that have some of the characters."""


class TextPlan(NamedTuple):
    """Holds the texts to draw.

    Attributes:
        source: proposes them.
        fonts: the fonts to draw them with.
        characters: characters that may occur, sorted, those included that no font has.
        left_out: the counts of the texts that are never proposed.
    """

    source: TextSource
    fonts: FontSet
    characters: str
    left_out: LeftOut


def plan_texts(
    options: TextOptions, likeness: Likeness | None, seed: int, find_fonts: FindFonts
) -> TextPlan:
    """Reads the texts of a source, and finds the fonts for them.

    Raises:
        UserError: the source cannot be read, or nothing in it can be drawn.
    """
    if options.words:
        return _plan_words(options, likeness, seed, find_fonts)
    if options.text:
        return _plan_running_text(options, likeness, find_fonts)
    if options.pattern is not None:
        node = parse_pattern(options.pattern)
        characters = _sorted_characters(["".join(characters_of(node))])
        if not characters.strip():
            raise UserError(f"--pattern={options.pattern} describes no text that can be seen")
        return TextPlan(Pattern(node), find_fonts(characters), characters, LeftOut())
    return _plan_random_characters(options, likeness, find_fonts)


def _plan_words(
    options: TextOptions, likeness: Likeness | None, seed: int, find_fonts: FindFonts
) -> TextPlan:
    left_out = LeftOut()
    words = files.read_texts("--words", options.words or "", left_out)
    words = _filter(words, options, likeness, left_out)
    characters = _sorted_characters(words)
    fonts = find_fonts(characters)
    words = _drawable(words, fonts, left_out)
    weights = np.ones(len(words))
    if likeness:
        weights *= _weights_by_length(words, likeness.lengths)
    source: TextSource = WordList(words, seed)
    if likeness or options.balance:
        weights = _balance(words, weights, options)
        source = WeightedWords(weighted(words, weights))
    return TextPlan(source, fonts, characters, left_out)


def _plan_running_text(
    options: TextOptions, likeness: Likeness | None, find_fonts: FindFonts
) -> TextPlan:
    left_out = LeftOut()
    words = files.read_words("--text", options.text or "")
    words = _filter(words, options._replace(lengths=None), likeness, left_out)
    lengths = _lengths(options, likeness, DEFAULT_PIECE_LENGTHS)
    _log_cut(words, max(lengths.values))
    characters = _sorted_characters([*words, SPACE])
    fonts = find_fonts(characters)
    words = _drawable(words, fonts, left_out)
    weights = np.array([max(1, len(word) / max(lengths.values)) for word in words])
    starts = weighted(range(len(words)), _balance(words, weights, options))
    return TextPlan(RunningText(words, starts, lengths), fonts, characters, left_out)


def _log_cut(words: Sequence[str], most: int) -> None:
    """Logs how many words are longer than the longest piece, so that parts of them are drawn."""
    long = [word for word in words if len(word) > most]
    if long:
        logging.warning(
            "--text: %s longer than %i characters, as in scripts without spaces; images show "
            "parts: %s",
            counted(len(long), "word is", "words are"),
            most,
            ", ".join(shorten(visible_text(word)) for word in long[:3]),
        )


def _plan_random_characters(
    options: TextOptions, likeness: Likeness | None, find_fonts: FindFonts
) -> TextPlan:
    if options.charset:
        characters = read_charset(options.charset)
        weights = np.ones(len(characters))
    else:
        assert likeness  # the command line requires a source
        characters = "".join(likeness.occurrences)
        weights = np.array(list(likeness.occurrences.values()), np.float64)
        if options.balance:
            weights = balanced_weights(list(characters), weights / weights.sum())
    if not characters.strip():
        owner = f"--charset={options.charset}" if options.charset else "--like"
        raise UserError(f"{owner}: no character that can be seen")
    fonts = find_fonts(_sorted_characters([characters]))
    weights *= [character in fonts.holders for character in characters]
    lengths = _lengths(options, likeness, DEFAULT_LENGTHS)
    source = RandomCharacters(weighted(characters, weights), lengths, fonts)
    return TextPlan(source, fonts, characters, LeftOut())


def _filter(
    texts: list[str], options: TextOptions, likeness: Likeness | None, left_out: LeftOut
) -> list[str]:
    """Returns the texts of permitted lengths and characters; counts the others."""
    lengths, known = options.lengths, set(likeness.occurrences) if likeness else None

    def reason(text: str) -> str:
        if problem := files.too_long(text):
            return problem
        if lengths and not lengths.least <= len(text) <= lengths.most:
            return f"not of {lengths.least} to {lengths.most} characters"
        label = text.upper() if options.force_uppercase else text
        if known is not None and not set(label) <= known:
            return "with characters that the labels of --like lack"
        return ""

    return _some(left_out.filter(texts, reason), left_out)


def _drawable(texts: list[str], fonts: FontSet, left_out: LeftOut) -> list[str]:
    """Returns the texts that at least one font has all characters of; counts the others."""
    kept = left_out.filter(texts, lambda text: "" if fonts.holders_of(text) else NO_FONT)
    return _some(kept, left_out)


def _some(texts: list[str], left_out: LeftOut) -> list[str]:
    if not texts:
        reasons = "; ".join(f"{count} {reason}" for reason, count in left_out.counts.items())
        raise UserError(f"no text is left to draw: {reasons}")
    return texts


def _lengths(
    options: TextOptions, likeness: Likeness | None, default: tuple[int, int]
) -> Weighted[int]:
    if likeness and not options.lengths:
        return likeness.lengths
    span = options.lengths or Span(*default)
    return weighted_counts(dict.fromkeys(range(span.least, span.most + 1), 1))


def _weights_by_length(texts: Sequence[str], lengths: Weighted[int]) -> np.ndarray:
    """Returns weights with which the lengths of the texts are distributed as given."""
    present = collections.Counter(map(len, texts))
    shares = np.diff(lengths.cumulative, prepend=0)
    wanted = dict(zip(lengths.values, shares.tolist(), strict=True))
    weights = np.array([wanted.get(len(text), 0.0) / present[len(text)] for text in texts])
    if not weights.sum():
        raise UserError("no text is as long as a label of --like: give other texts, or --lengths")
    return weights / weights.sum()


def _balance(texts: Sequence[str], weights: np.ndarray, options: TextOptions) -> np.ndarray:
    """Returns the weights of texts, balanced if the options say so."""
    weights = weights / weights.sum()
    if options.balance:
        before = smallest_share(texts, weights)
        weights = balanced_weights(texts, weights)
        after = smallest_share(texts, weights)
        logging.info(
            "--balance: the rarest character is %.3f%% of all drawn, instead of %.3f%%.",
            100 * after,
            100 * before,
        )
    return weights


def _sorted_characters(texts: Sequence[str]) -> str:
    """Returns the characters of texts, each once, by code point."""
    return "".join(sorted(set().union(*map(set, texts))))
