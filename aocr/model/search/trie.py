"""Builds the automaton of a list of words: a trie."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from aocr.charset import Charset
from aocr.model.search.automaton import Automaton, Edges, create_automaton


def build_trie(words: Collection[str], charset: Charset) -> Automaton:
    """Returns the automaton that accepts the words, with one state for each of their prefixes.

    The states are numbered by levels: those of shorter prefixes first, those of one length in the
    order of their symbols.

    Args:
        words: at least one; may repeat.
        charset: has all characters of the words.

    Raises:
        ValueError: a character is not in the charset.
    """
    ordered = sorted(charset.encode(word) for word in set(words))
    lengths = np.array([len(word) for word in ordered])
    starts = np.cumsum(lengths) - lengths
    symbols = np.concatenate([np.array(word, np.int32) for word in ordered])
    finals, edges = [np.zeros(int((lengths == 0).sum()), np.int64)], []
    alive = np.flatnonzero(lengths > 0)
    states, first_state = np.zeros(len(alive), np.int64), 1
    for depth in range(lengths.max()):
        level = symbols[starts[alive] + depth]
        is_new = np.ones(len(alive), bool)
        is_new[1:] = (states[1:] != states[:-1]) | (level[1:] != level[:-1])
        targets = first_state + np.cumsum(is_new) - 1
        edges.append((states[is_new], level[is_new], targets[is_new]))
        first_state += int(is_new.sum())
        is_longer = lengths[alive] > depth + 1
        finals.append(targets[~is_longer])
        alive, states = alive[is_longer], targets[is_longer]
    is_final = np.zeros(first_state, bool)
    is_final[np.concatenate(finals)] = True
    return create_automaton(_concatenate(edges), is_final, int(lengths.max()))


def _concatenate(edges: list) -> Edges:
    """Puts the edges of all levels, each `(sources, symbols, targets)`, one after the other."""
    if not edges:  # the empty word is the only one
        return Edges(*np.zeros([3, 0], np.int64))
    return Edges(*(np.concatenate(parts) for parts in zip(*edges, strict=True)))
