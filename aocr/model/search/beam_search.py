"""Searches for the most probable texts of an automaton, one character after the other.

All prefixes of one length are extended together, those of all images in flat tensors. Axes: N
images, M prefixes, E extensions of prefixes, R readings of an image, S symbols of a text.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from aocr.charset import EOS_ID, GO_ID, PAD_ID
from aocr.model.search.automaton import Automaton
from aocr.model.search.prefix_scorer import IMPOSSIBLE, Expansion, PrefixScorer, of_any_length

LEAST = IMPOSSIBLE / 2
"""Texts and prefixes that are not more probable than this cannot be."""


class Found(NamedTuple):
    """Holds the most probable texts that a search found in each image.

    Attributes:
        score: float32 `[N, R]`, the logarithms of their probabilities, the highest first.
        text: int32 `[N, R, S]`, their characters, EOS, then padding.
        lost: float32 `[N]`, the logarithm of the probability of the most probable prefix that was
            given up only because the beam was too narrow.
    """

    score: tf.Tensor
    text: tf.Tensor
    lost: tf.Tensor


class Prefixes(NamedTuple):
    """Holds the prefixes of one length that are looked at.

    Attributes:
        image: int32 `[M]`, which image each is of.
        node: int32 `[M]`, the state of the automaton that it leads to.
        symbol: int32 `[M]`, its last symbol; GO if it is empty.
        bound: float32 `[M]`, the logarithm of its probability.
        text: int32 `[M, S]`, its characters, then padding.
        state: the state of the scorer before it reads the last symbol.
    """

    image: tf.Tensor
    node: tf.Tensor
    symbol: tf.Tensor
    bound: tf.Tensor
    text: tf.Tensor
    state: Any


class Extensions(NamedTuple):
    """Holds prefixes of one more character, of which not all will be looked at.

    Attributes:
        row: int32 `[E]`, which of the shorter prefixes each extends.
        image, node, symbol, bound: the attributes of `Prefixes`.
    """

    row: tf.Tensor
    image: tf.Tensor
    node: tf.Tensor
    symbol: tf.Tensor
    bound: tf.Tensor


class BeamSearch:
    """Searches the texts of N images.

    Args:
        scorer: the source of the probabilities.
        automaton: the texts that may be read.
        steps: S, at least one more than the characters of the longest text.
        top: R.
    """

    def __init__(self, scorer: PrefixScorer, automaton: Automaton, steps: int, top: int) -> None:
        self._scorer, self._steps, self._top = scorer, steps, top
        self._start = scorer.start()
        self._images = tf.shape(tf.nest.flatten(self._start)[0])[0]
        self._longest = automaton.longest
        self._automaton = Automaton(*(tf.convert_to_tensor(array) for array in automaton))

    def nothing(self) -> Found:
        """Returns what is found before the search: empty texts that cannot be."""
        shape = [self._images, self._top]
        ends = tf.one_hot(0, self._steps, EOS_ID, PAD_ID)
        return Found(
            score=tf.fill(shape, IMPOSSIBLE),
            text=tf.tile(ends[tf.newaxis, tf.newaxis], [*shape, 1]),
            lost=tf.fill(shape[:1], IMPOSSIBLE),
        )

    def run(self, images: tf.Tensor, width: tf.Tensor | int, floor: tf.Tensor) -> Found:
        """Searches some images.

        Args:
            images: int32, the indices of these images.
            width: scalar int32, how many prefixes of one length are kept for an image at most.
            floor: float32 `[N]`: texts that are not more probable are not looked for.
        """

        def step(depth: tf.Tensor, prefixes: Prefixes, found: Found) -> tuple:
            expansion = self._scorer.expand(
                prefixes.image, prefixes.symbol, prefixes.bound, prefixes.state
            )
            found = self._with_complete(found, prefixes, expansion.complete, depth)
            least = tf.maximum(floor, found.score[:, -1])
            extensions = self._open(self._extensions(prefixes, expansion, depth), least)
            kept, others = best_of_each(extensions.image, extensions.bound, width)
            lost = self._highest(_rows(extensions, others))
            found = found._replace(lost=tf.maximum(found.lost, lost))
            return (
                depth + 1,
                self._longer(prefixes, expansion, _rows(extensions, kept), depth),
                found,
            )

        loop = (tf.constant(0), self._empty_prefixes(images), self.nothing())
        *_, found = tf.while_loop(
            lambda depth, prefixes, found: tf.shape(prefixes.image)[0] > 0,
            step,
            loop,
            tf.nest.map_structure(of_any_length, loop),
            maximum_iterations=self._longest + 1,
        )
        return found

    def _empty_prefixes(self, images: tf.Tensor) -> Prefixes:
        zeros = tf.zeros_like(images)
        return Prefixes(
            image=images,
            node=zeros,
            symbol=tf.fill(tf.shape(images), GO_ID),
            bound=tf.zeros_like(images, tf.float32),
            text=tf.fill([tf.shape(images)[0], self._steps], PAD_ID),
            state=_rows(self._start, images),
        )

    def _with_complete(
        self, found: Found, prefixes: Prefixes, complete: tf.Tensor, depth: tf.Tensor
    ) -> Found:
        """Adds the prefixes that are texts; R texts of each image remain."""
        rows = tf.where(tf.gather(self._automaton.is_final, prefixes.node) & (complete > LEAST))
        rows = tf.cast(rows[:, 0], tf.int32)
        end = tf.one_hot(depth, self._steps, EOS_ID, PAD_ID)
        before = tf.repeat(tf.range(self._images), self._top)
        image = tf.concat([before, tf.gather(prefixes.image, rows)], axis=0)
        score = tf.concat([tf.reshape(found.score, [-1]), tf.gather(complete, rows)], axis=0)
        text = tf.concat(
            [
                tf.reshape(found.text, [-1, self._steps]),
                tf.gather(prefixes.text, rows) + end,
            ],
            axis=0,
        )
        best = best_of_each(image, score, self._top).items  # R of each image: it had R before
        return found._replace(
            score=tf.reshape(tf.gather(score, best), [-1, self._top]),
            text=tf.reshape(tf.gather(text, best), [-1, self._top, self._steps]),
        )

    def _extensions(self, prefixes: Prefixes, expansion: Expansion, depth: tf.Tensor) -> Extensions:
        """Returns all extensions of prefixes of `depth` characters, by the automaton's edges."""
        automaton = self._automaton
        first = tf.gather(automaton.first_edge, prefixes.node)
        row, edge = ranges(first, tf.gather(automaton.first_edge, prefixes.node + 1))
        fits = tf.gather(automaton.remaining, tf.gather(automaton.target, edge)) < (
            automaton.longest - depth
        )
        row, edge = tf.boolean_mask(row, fits), tf.boolean_mask(edge, fits)
        symbol = tf.gather(automaton.symbol, edge)
        return Extensions(
            row=row,
            image=tf.gather(prefixes.image, row),
            node=tf.gather(automaton.target, edge),
            symbol=symbol,
            bound=expansion.extend(row, symbol),
        )

    def _open(self, extensions: Extensions, least: tf.Tensor) -> Extensions:
        """Returns the extensions that may lead to a text of more than `least`, float32 `[N]`."""
        is_open = extensions.bound > tf.gather(least, extensions.image)
        return Extensions(*(tf.boolean_mask(values, is_open) for values in extensions))

    def _longer(
        self, prefixes: Prefixes, expansion: Expansion, extensions: Extensions, depth: tf.Tensor
    ) -> Prefixes:
        """Returns the prefixes that the extensions lead to; `depth` is the place of the symbol."""
        row, image, node, symbol, bound = extensions
        here = tf.one_hot(depth, self._steps, dtype=tf.int32)
        return Prefixes(
            image=image,
            node=node,
            symbol=symbol,
            bound=bound,
            text=tf.gather(prefixes.text, row) + symbol[:, tf.newaxis] * here,
            state=_rows(expansion.state, row),
        )

    def _highest(self, extensions: Extensions) -> tf.Tensor:
        """Returns the highest bound of each image, float32 `[N]`."""
        return tf.math.unsorted_segment_max(extensions.bound, extensions.image, self._images)


def _rows(structure: Any, rows: tf.Tensor) -> Any:
    """Returns some rows of all tensors of a structure."""
    return tf.nest.map_structure(lambda values: tf.gather(values, rows), structure)


class Selection(NamedTuple):
    """Holds which items were selected.

    Attributes:
        items: int32, indices of the selected items: by image, then from the best to the worst.
        others: int32, indices of the items that were not selected.
    """

    items: tf.Tensor
    others: tf.Tensor


def best_of_each(image: tf.Tensor, score: tf.Tensor, count: tf.Tensor | int) -> Selection:
    """Selects the items with the highest scores of each image.

    Of items with equal scores the first ones are selected.

    Args:
        image: int32 `[E]`, the image of each item.
        score: float32 `[E]`.
        count: scalar int32, how many items of an image are selected at most.
    """
    size = tf.shape(score)[0]
    by_score = tf.math.top_k(score, size).indices
    by_image = tf.math.top_k(-tf.gather(image, by_score), size).indices  # keeps equal ones in order
    order = tf.gather(by_score, by_image)
    ordered = tf.gather(image, order)
    rank = tf.range(size) - tf.searchsorted(ordered, ordered)
    is_selected = rank < count
    return Selection(
        tf.boolean_mask(order, is_selected), tf.boolean_mask(order, tf.logical_not(is_selected))
    )


class Slices(NamedTuple):
    """Holds flat ranges of numbers, one for each row.

    Attributes:
        row: int32 `[E]`, the row that each number belongs to, in ascending order.
        number: int32 `[E]`.
    """

    row: tf.Tensor
    number: tf.Tensor


def ranges(starts: tf.Tensor, ends: tf.Tensor) -> Slices:
    """Returns the numbers from `starts` up to `ends`, both int32 `[M]`, of all rows."""
    stops = tf.cumsum(ends - starts)
    total = tf.reduce_sum(ends - starts)
    places = tf.range(total)
    row = tf.searchsorted(stops, places, side="right")
    offsets = starts - (stops - (ends - starts))
    return Slices(row, places + tf.gather(offsets, row))
