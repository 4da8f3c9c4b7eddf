"""Compiles patterns to automata: Thompson's construction (1968), then that of subsets of states."""

from __future__ import annotations

import collections
from collections.abc import Iterable

import numpy as np

from aocr.charset import Charset
from aocr.model.search.automaton import Automaton, Edges, create_automaton
from aocr.util.text.patterns import Alternatives, Node, OneOf, Repetition, Sequence, shortest_text

MOST_STATES = 20_000
"""States of the largest automaton of a pattern, before and after it becomes deterministic."""

MOST_EDGES = 1_000_000


def compile_pattern(node: Node, charset: Charset, longest: int) -> Automaton:
    """Returns the automaton that accepts the texts of a pattern.

    Args:
        node: the pattern. Characters that the charset lacks are passed over.
        charset: the charset of the model.
        longest: number of characters of the longest text that may be read.

    Raises:
        ValueError: there is no such text, or the automaton is too large.
    """
    nondeterministic = _Nondeterministic(charset, longest)
    end = nondeterministic.add(node, nondeterministic.add_state())
    start = nondeterministic.closure([0])
    states, queue, depths = {start: 0}, collections.deque([start]), {start: 0}
    edges = []
    while queue:
        subset = queue.popleft()
        if depths[subset] == longest:
            continue
        for symbol, targets in sorted(nondeterministic.moves(subset).items()):
            target = nondeterministic.closure(targets)
            if target not in states:
                states[target], depths[target] = len(states), depths[subset] + 1
                queue.append(target)
            edges.append((states[subset], symbol, states[target]))
        _check_size(len(states), len(edges))
    is_final = np.array([end in subset for subset in states])
    columns = np.array(edges, np.int64).reshape([-1, 3]).T
    automaton = create_automaton(Edges(*columns), is_final, longest)
    if automaton.remaining[0] > longest:
        raise ValueError(
            f"it describes no text of at most {longest} characters, all of which the model knows"
        )
    return automaton


def _check_size(states: int, edges: int = 0) -> None:
    """Raises a ValueError if an automaton is too large."""
    if states > MOST_STATES or edges > MOST_EDGES:
        raise ValueError(f"it needs more than {MOST_STATES} states or {MOST_EDGES} edges")


class _Nondeterministic:
    """Holds an automaton with edges that read nothing. State 0 is added first.

    Args:
        charset: the charset of the model.
        longest: repetitions that lead to longer texts do not matter.
    """

    def __init__(self, charset: Charset, longest: int) -> None:
        self._charset, self._longest = charset, longest
        self._jumps: list[list[int]] = []
        self._symbols: list[tuple[list[int], int]] = []

    def add_state(self) -> int:
        """Adds a state without edges, and returns it."""
        self._jumps.append([])
        self._symbols.append(([], 0))
        _check_size(len(self._jumps))
        return len(self._jumps) - 1

    def add(self, node: Node, start: int) -> int:
        """Adds the states that read a node from a state without edges on.

        Returns:
            The state after the node, which has no edges.
        """
        match node:
            case OneOf(characters):
                end = self.add_state()
                known = [c for c in characters if not self._charset.unknown(c)]
                self._symbols[start] = self._charset.encode("".join(known)), end
                return end
            case Sequence(parts):
                for part in parts:
                    start = self.add(part, start)
                return start
            case Alternatives(options):
                ends = [self.add(option, self._branch(start)) for option in options]
                return self._join(ends)
            case Repetition():
                return self._add_repetition(node, start)

    def _add_repetition(self, node: Repetition, start: int) -> int:
        inner, shortest = node.node, shortest_text(node.node)
        if node.least * shortest > self._longest:
            return self.add_state()  # which nothing leads to
        for _ in range(node.least if shortest else 0):
            start = self.add(inner, start)
        if node.most >= self._longest:
            loop = self._branch(start)
            self._jumps[self.add(inner, self._branch(loop))].append(loop)
            return self._branch(loop)
        ends = [start]
        for _ in range(node.most - (node.least if shortest else 0)):
            start = self.add(inner, self._branch(start))
            ends.append(start)
        return self._join(ends)

    def _branch(self, start: int) -> int:
        """Adds a state that a state jumps to."""
        state = self.add_state()
        self._jumps[start].append(state)
        return state

    def _join(self, ends: list[int]) -> int:
        """Adds a state that several states jump to."""
        state = self.add_state()
        for end in ends:
            self._jumps[end].append(state)
        return state

    def closure(self, states: Iterable[int]) -> frozenset[int]:
        """Returns the states and those that jumps from them lead to."""
        found, stack = set(states), list(states)
        while stack:
            new = [state for state in self._jumps[stack.pop()] if state not in found]
            found.update(new)
            stack += new
        return frozenset(found)

    def moves(self, states: Iterable[int]) -> dict[int, list[int]]:
        """Returns, for each symbol, the states that it leads to."""
        found: dict[int, list[int]] = {}
        for state in states:
            symbols, target = self._symbols[state]
            for symbol in symbols:
                found.setdefault(symbol, []).append(target)
        return found
