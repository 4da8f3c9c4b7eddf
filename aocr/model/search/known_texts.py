"""Turns lexicons and patterns into automata over the symbols of a model.

If no character of the model has a lower-case form, labels were converted to upper case, and so are
lexicons and patterns.
"""

from __future__ import annotations

import collections
import logging
from collections.abc import Sequence

from aocr.charset import Charset
from aocr.config import Config
from aocr.model.search.automaton import Automaton, build_trie
from aocr.model.search.pattern_automaton import compile_pattern
from aocr.util.errors import UserError
from aocr.util.text.characters import (
    changed_by_upper_casing,
    escape,
    shorten,
    visible_text,
)
from aocr.util.text.patterns import characters_of, parse_endless_pattern
from aocr.util.text.plurals import counted_in_groups

_NAMED = 5


def lexicon_automaton(words: Sequence[str], config: Config, source: str) -> Automaton:
    """Returns the automaton that accepts the words of a lexicon.

    Args:
        words: the words, at least one.
        config: the model.
        source: the name of the lexicon in messages.

    Raises:
        UserError: words have characters that the model lacks, or are too long for it.
    """
    charset = Charset(config.characters)
    if _is_uppercase(config):
        changed = sum(word != word.upper() for word in words)
        letters = sorted(filter(changed_by_upper_casing, set("".join(words))))
        words = [word.upper() for word in words]
        if changed:
            logging.info(
                "%s: %s converted to upper case: the model knows no lower case.",
                source,
                counted_in_groups(changed, "word"),
            )
        for letter in letters[:_NAMED]:
            logging.warning("%s: upper-casing makes %s of %s.", source, letter.upper(), letter)
    _check_words(words, charset, config.max_prediction, source)
    automaton = build_trie(words, charset)
    logging.info(
        "%s: %s, %s.",
        source,
        counted_in_groups(int(automaton.is_final.sum()), "different word"),
        counted_in_groups(len(automaton.is_final), "prefix", "prefixes"),
    )
    return automaton


def pattern_automaton(pattern: str, config: Config) -> Automaton:
    """Returns the automaton that accepts the texts of a regular expression.

    `.` and negated classes stand for characters of the model, `\\w` for its letters and digits.

    Raises:
        UserError: the pattern is wrong, or describes no text that the model can read.
    """
    charset = Charset(config.characters)
    try:
        convert = str.upper if _is_uppercase(config) else str
        node = parse_endless_pattern(pattern, config.characters, convert)
        automaton = compile_pattern(node, charset, config.max_prediction)
    except ValueError as error:
        raise UserError(f"--pattern={visible_text(escape(shorten(pattern)))}: {error}") from error
    lacking = charset.unknown("".join(sorted(characters_of(node))))
    if lacking:
        logging.warning(
            "--pattern: the model lacks %s of its characters, which are never read: %s",
            len(lacking),
            visible_text(escape(shorten(lacking))),
        )
    return automaton


def _is_uppercase(config: Config) -> bool:
    """Returns whether a model knows letters of two cases, but only the upper one."""
    characters = config.characters
    return characters == characters.upper() and characters != characters.lower()


def _check_words(words: Sequence[str], charset: Charset, longest: int, source: str) -> None:
    """Raises a `UserError` if the model cannot read all words."""
    lacking = collections.Counter(c for word in words for c in charset.unknown(word))
    unknown = [word for word in words if charset.unknown(word)]
    long = [word for word in words if len(word) > longest]
    if not unknown and not long:
        return
    reasons = []
    if unknown:
        named = ", ".join(f"{c!r} in {n}" for c, n in lacking.most_common(_NAMED))
        more = f" and {len(lacking) - _NAMED} other characters" if len(lacking) > _NAMED else ""
        reasons.append(
            f"{len(unknown)} have characters that the model lacks ({named}{more}; the first is "
            f"{unknown[0]!r})"
        )
    if long:
        reasons.append(
            f"{len(long)} have more than the {longest} characters of --max-prediction (the first "
            f"is {long[0]!r})"
        )
    raise UserError(
        f"{source}: of {counted_in_groups(len(words), 'word')}, {' and '.join(reasons)}: remove "
        "them, or use a model that can read them"
    )
