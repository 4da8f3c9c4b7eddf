"""Defines the automaton that says which texts may be read, and builds those of word lists."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from aocr.charset import FIRST_CHARACTER_ID, Charset

UNREACHABLE = 2**30
"""Number of symbols to a final state, where there is none."""


class Edges(NamedTuple):
    """Holds the edges of an automaton, those of each state side by side.

    Attributes:
        source: int32 `[E]`, in ascending order.
        symbol: int32 `[E]`, id of the character; the edges of a state differ in it.
        target: int32 `[E]`.
    """

    source: np.ndarray
    symbol: np.ndarray
    target: np.ndarray


class Automaton(NamedTuple):
    """Accepts texts: a deterministic finite automaton whose state 0 is the start.

    The edges are compressed by rows (CSR): memory grows with the states and edges. Axes: Q states,
    E edges.

    Attributes:
        first_edge: int32 `[Q + 1]`: the edges of state q are those from `first_edge[q]` up to
            `first_edge[q + 1]`.
        symbol: int32 `[E]`, id of the character of each edge.
        target: int32 `[E]`, the state that each edge leads to.
        is_final: bool `[Q]`: a text may end here.
        remaining: int32 `[Q]`, the fewest characters from here to a final state.
        longest: number of characters of the longest text that may be read.
    """

    first_edge: np.ndarray
    symbol: np.ndarray
    target: np.ndarray
    is_final: np.ndarray
    remaining: np.ndarray
    longest: int


def create_automaton(edges: Edges, is_final: np.ndarray, longest: int) -> Automaton:
    """Returns the automaton of some edges.

    Args:
        edges: the edges between the states.
        is_final: bool `[Q]`.
        longest: number of characters of the longest text that may be read.
    """
    counts = np.bincount(edges.source, minlength=len(is_final))
    return Automaton(
        first_edge=np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        symbol=edges.symbol.astype(np.int32),
        target=edges.target.astype(np.int32),
        is_final=is_final,
        remaining=_remaining(edges, is_final, longest),
        longest=longest,
    )


def free_text(vocab_size: int, longest: int) -> Automaton:
    """Returns the automaton that accepts every text up to a length."""
    symbols = np.arange(FIRST_CHARACTER_ID, vocab_size)
    start = np.zeros_like(symbols)
    return create_automaton(Edges(start, symbols, start), np.array([True]), longest)


def _remaining(edges: Edges, is_final: np.ndarray, longest: int) -> np.ndarray:
    """Returns the fewest characters from each state to a final one, by relaxing all edges."""
    remaining = np.where(is_final, 0, UNREACHABLE).astype(np.int32)
    for _ in range(longest):
        before = remaining.copy()
        np.minimum.at(remaining, edges.source, before[edges.target] + 1)
        if np.array_equal(before, remaining):
            break
    return remaining


def build_trie(words: Collection[str], charset: Charset) -> Automaton:
    """Returns the automaton that accepts the words, with one state for each of their prefixes.

    The states are numbered by levels: those of shorter prefixes first, those of one length in the
    order of their symbols.

    Args:
        words: the words, at least one; they may repeat.
        charset: a charset with all characters of the words.

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
