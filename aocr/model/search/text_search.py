"""Reads the texts that are the most probable ones, among all texts or those of an automaton.

Axes: N images, R readings of an image, S symbols of a text, T columns.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from aocr.charset import FIRST_CHARACTER_ID, PAD_ID
from aocr.model.decoders.common import Decoder, SearchDecoding, after_eos
from aocr.model.search.automaton import Automaton
from aocr.model.search.beam_search import LEAST, BeamSearch, Found

WIDENING = 8
"""Factor between the widths of two beams."""

WIDEST = 32_768
"""Prefixes of one length that an exact search keeps for an image at most."""

MOST_PREFIXES = WIDEST
"""Prefixes of one length that are kept for all images together at most, which bounds the memory."""

TOLERANCE = 1e-3
"""Difference of two computations of one logarithm of a probability, which rounding explains."""

SHARED_AMONG = 10
"""Number of the most probable texts whose probabilities sum to 1 when they are renormalized."""


class Search(NamedTuple):
    """Says which texts are looked for.

    Attributes:
        automaton: accepts them.
        top: number of readings of each image.
        beam_width: how many prefixes of one length are kept for an image; None for an exact search.
        renormalize: divide the probabilities by the sum of those of the `SHARED_AMONG` most
            probable texts, or of the readings if these are more.
        lexicon: name of the lexicon that the automaton was made from, or empty.
        pattern: the pattern that it was made from, or None.
        keeps_reading: the first reading is that of `Decoder.decode`, as without a search; the most
            probable other texts follow.
    """

    automaton: Automaton
    top: int = 1
    beam_width: int | None = None
    renormalize: bool = False
    lexicon: str = ""
    pattern: str | None = None
    keeps_reading: bool = False


def in_graph(search: Search) -> Search:
    """Returns a search whose automaton is in the default graph, where several decoders share it."""
    arrays = search.automaton._asdict()
    longest = arrays.pop("longest")
    tensors = {name: tf.convert_to_tensor(array) for name, array in arrays.items()}
    return search._replace(automaton=Automaton(**tensors, longest=longest))


def search_texts(decoder: Decoder, search: Search, steps: int) -> SearchDecoding:
    """Reads the most probable texts.

    Args:
        decoder: the source of the probabilities.
        search: the texts that are looked for.
        steps: S.
    """
    top = max(search.top, SHARED_AMONG) if search.renormalize else search.top
    beams = BeamSearch(decoder.prefix_scorer(), search.automaton, steps, top)
    if search.beam_width is None:
        found, is_exact = _widen(beams, top, WIDEST)
    else:
        width = max(search.beam_width, top)
        found, is_exact = _widen(beams, width, width)
    possible = found.score > LEAST
    probabilities = tf.where(possible, tf.exp(tf.cast(found.score, tf.float64)), 0.0)
    if search.renormalize:
        total = tf.reduce_sum(probabilities, axis=1, keepdims=True)
        probabilities = tf.math.divide_no_nan(probabilities, total)
    decoding = SearchDecoding(
        reading=decoder.decode() if search.keeps_reading else decoder.follow(found.text[:, 0]),
        texts=found.text[:, : search.top],
        probabilities=probabilities[:, : search.top],
        is_exact=is_exact,
    )
    return _with_reading_first(decoding) if search.keeps_reading else decoding


def _with_reading_first(found: SearchDecoding) -> SearchDecoding:
    """Puts the reading before the texts that were found, and leaves out the last, or its double."""
    symbols = found.reading.symbols
    first = tf.where(after_eos(symbols), PAD_ID, symbols)[:, tf.newaxis]  # [N, S] --> [N, 1, S]
    is_double = tf.reduce_all(tf.equal(_characters(found.texts), _characters(first)), axis=2)
    rank = tf.where(is_double, -tf.ones_like(found.probabilities), found.probabilities)
    rank = tf.pad(rank, [[0, 0], [1, 0]], constant_values=2)  # more than any probability
    order = tf.math.top_k(rank, tf.shape(found.texts)[1])

    def ordered(first: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
        return tf.gather(tf.concat([first, others], axis=1), order.indices, batch_dims=1)

    return found._replace(
        texts=ordered(first, found.texts),
        probabilities=ordered(found.reading.probability()[:, tf.newaxis], found.probabilities),
    )


def _characters(texts: tf.Tensor) -> tf.Tensor:
    """Closes the gaps that special symbols leave in texts, int32 `[N, R, S]`, which PAD follows."""
    is_special = tf.cast(texts < FIRST_CHARACTER_ID, tf.int32)
    order = tf.argsort(is_special, axis=2, stable=True)
    return tf.gather(tf.where(is_special > 0, PAD_ID, texts), order, batch_dims=2)


def _widen(beams: BeamSearch, narrowest: int, widest: int) -> tuple[Found, tf.Tensor]:
    """Searches with wider and wider beams, until no text that was given up can be among the best.

    Each search leaves out what is less probable than the texts that the searches before have found.
    Most images are read by the first one, whose beam is as narrow as that of greedy decoding.

    Returns:
        What is found, and for which images this is exact, bool `[N]`.
    """

    def is_open(widths: tf.Tensor, is_exact: tf.Tensor) -> tf.Tensor:
        return tf.logical_not(is_exact) & (widths <= widest)

    def widen(widths: tf.Tensor, best: Found, is_exact: tf.Tensor) -> tuple:
        """Searches the images whose next beam is the narrowest one."""
        width = tf.reduce_min(tf.where(is_open(widths, is_exact), widths, widest))
        images = tf.where(is_open(widths, is_exact) & tf.equal(widths, width))[:, 0]
        images = tf.cast(images, tf.int32)[: tf.maximum(1, MOST_PREFIXES // width)]
        found = beams.run(images, width, tf.maximum(best.score[:, -1] - TOLERANCE, LEAST))
        places = tf.range(tf.shape(widths)[0])[:, tf.newaxis]
        is_searched = tf.reduce_any(tf.equal(places, images), axis=1)
        found_exact = is_searched & _is_exact(found)
        # A wider beam may lose a text, but it then loses a prefix of it too, and is not exact.
        is_better = found_exact | (is_searched & (found.score[:, 0] >= best.score[:, 0]))
        best = Found(
            score=tf.where(is_better[:, tf.newaxis], found.score, best.score),
            text=tf.where(is_better[:, tf.newaxis, tf.newaxis], found.text, best.text),
            lost=tf.where(is_better, found.lost, best.lost),
        )
        widths = tf.where(is_searched, widths * WIDENING, widths)
        return widths, best, is_exact | found_exact

    nothing = beams.nothing()
    widths = tf.fill(tf.shape(nothing.lost), narrowest)
    _, best, is_exact = tf.while_loop(
        lambda widths, best, is_exact: tf.reduce_any(is_open(widths, is_exact)),
        widen,
        (widths, nothing, tf.zeros_like(nothing.lost, tf.bool)),
    )
    return best, is_exact


def _is_exact(found: Found) -> tf.Tensor:
    """Marks the images where no text that was given up can be among the best, bool `[N]`."""
    return found.lost <= tf.maximum(found.score[:, -1], LEAST)
