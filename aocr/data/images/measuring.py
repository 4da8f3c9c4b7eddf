"""Tells whether images can be read, how large they are, and whether there is anything to see.

What checks images, builds or scans datasets asks here, so that all have the same answer.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import tensorflow as tf

from aocr.config import Config
from aocr.data.images.files import SIGNATURES
from aocr.data.images.preprocessing import (
    Size,
    bounds,
    contrast_of,
    contrast_of_bounds,
    decode_shown,
    prepared_size,
)
from aocr.util.session import open_on_cpu

BATCH_SIZE = 64
"""Number of files that a thread checks at a time."""

DECODED_TOGETHER = 16
"""Number of files that one call decodes. Each has operations of its own in the graph: more of them
take longer to build than their calls save in a dataset of thousands."""


Item = TypeVar("Item")


def in_batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yields lists of `BATCH_SIZE` items; the last may be shorter."""
    unread = iter(items)
    while batch := list(itertools.islice(unread, BATCH_SIZE)):
        yield batch


_BEFORE_PIXELS = 2000
"""Number of first bytes of a PNG file that hold its palette and what is transparent of it."""

MIN_CONTRAST = 16
"""Number of levels, of 255, that a channel of an image spans if there may be anything to see."""

BLANK = (
    "image has no contrast: it is nearly of one color",
    "images have no contrast: they are nearly of one color",
)
"""Ends the line of a summary: of one such image, and of several."""

ON_BLACK = (
    "image has light ink on a transparent ground",
    "images have light ink on a transparent ground",
)


class Measured(NamedTuple):
    """Holds what was measured of an image.

    Attributes:
        height: height in pixels.
        width: width in pixels.
        prepared_width: width in pixels after preparation, without padding.
        contrast: number of levels, of 255, that the channel with the largest span of them spans.
        on_black: 1 if it is transparent and shown on black, else 0.
        digest: digest of the decoded pixels, a number of 64 bits with a sign.
    """

    height: int
    width: int
    prepared_width: int
    contrast: int
    on_black: int
    digest: int

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to see."""
        return self.contrast < MIN_CONTRAST

    @property
    def picture(self) -> int:
        """Identifies the picture: images of the same size and pixels have the same number."""
        return hash((self.height, self.width, self.digest))


class _Opened(NamedTuple):
    """Holds a graph that measures N image files at a time.

    Attributes:
        session: the session on the graph.
        measure: returns int64 `[N, 6]`, the fields of `Measured`.
    """

    session: tf.compat.v1.Session
    measure: Callable[[np.ndarray], np.ndarray]


def _open(
    measure: Callable[[tf.Tensor, Config], tf.Tensor], config: Config, count: int | None
) -> _Opened:
    """Opens the graph of a function below on so many files; None for any number."""
    with tf.Graph().as_default() as graph:
        files = tf.compat.v1.placeholder(tf.string, [count])
        measured = _with_prepared_widths(measure(files, config), config)
    # an operation on pixels is too small to be shared by threads; several run at a time
    session = open_on_cpu(graph, threads_of_operation=1, optimize=False)  # which gains nothing
    return _Opened(session, session.make_callable(measured, [files]))


class ImageMeasurer:
    """Measures images in graphs of its own; threads may share it.

    Args:
        config: the config, for `image_width`, `channels` and `resize`.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._together = _open(_measure_together, config, DECODED_TOGETHER)
        self._one_by_one: _Opened | None = None  # few datasets need it
        self._opening = threading.Lock()

    def close(self) -> None:
        """Frees the sessions."""
        self._together.session.close()
        if self._one_by_one:
            self._one_by_one.session.close()

    def measure(self, images: Sequence[bytes]) -> list[Measured | None]:
        """Measures images; returns None for each that cannot be decoded.

        It is fastest for PNG and JPEG files without alpha that can all be decoded.

        Args:
            images: image files.
        """
        starts = range(0, len(images), DECODED_TOGETHER)
        parts = (images[start : start + DECODED_TOGETHER] for start in starts)
        return [measured for part in parts for measured in self._measure_part(part)]

    def _measure_part(self, images: Sequence[bytes]) -> list[Measured | None]:
        found = self._measure_batch(images) or self._measure_others(images)
        if found is not None:
            return list(found)
        if len(images) == 1:
            return [None]
        return [self._measure_part([image])[0] for image in images]

    def _measure_batch(self, images: Sequence[bytes]) -> list[Measured] | None:
        """Measures images by the fast way, if it is one for them and all can be decoded."""
        missing = DECODED_TOGETHER - len(images)
        if missing > len(images) or not all(map(_is_common, images)):
            return None
        found = _or_none(self._together, [*images, *[images[0]] * missing])
        return found and found[: len(images)]

    def _measure_others(self, images: Sequence[bytes]) -> list[Measured] | None:
        """Measures any images, if all can be decoded."""
        with self._opening:
            if not self._one_by_one:
                self._one_by_one = _open(_measure_one_by_one, self._config, None)
        return _or_none(self._one_by_one, images)


def _is_common(file: bytes) -> bool:
    """Returns whether both ways of decoding treat a file alike: JPEG, or PNG without alpha."""
    if not file.startswith(SIGNATURES["PNG"]):
        return file.startswith(SIGNATURES["JPEG"])
    has_alpha_channel = file[25:26] in (b"\4", b"\6")  # the color type, in IHDR
    return not has_alpha_channel and b"tRNS" not in file[:_BEFORE_PIXELS]


def _or_none(opened: _Opened, images: Sequence[bytes]) -> list[Measured] | None:
    """Returns what was measured of images, or None if any of them cannot be decoded."""
    try:
        return [Measured(*each) for each in opened.measure(np.array(images, object)).tolist()]
    except tf.errors.OpError:
        return None


def _with_prepared_widths(measured: tf.Tensor, config: Config) -> tf.Tensor:
    """Inserts the prepared width behind height and width, int64 `[N, 5]` to `[N, 6]`."""
    size = Size(tf.cast(measured[:, 0], tf.int32), tf.cast(measured[:, 1], tf.int32))
    width = tf.cast(prepared_size(size, config).width, tf.int64)
    return tf.concat([measured[:, :2], width[:, tf.newaxis], measured[:, 2:]], axis=1)


def _digest(pixels: tf.Tensor) -> tf.Tensor:
    """Returns a digest of decoded pixels, int64 scalar."""
    return tf.bitcast(tf.fingerprint(tf.reshape(pixels, [1, -1])), tf.int64)[0]


def _measure_one_by_one(encoded: tf.Tensor, config: Config) -> tf.Tensor:
    """Decodes N files as `preprocessing.prepare` does.

    Returns:
        int64 `[N, 5]`: height, width, contrast, whether it is shown on black, and digest.
    """

    @tf.autograph.experimental.do_not_convert
    def measure(image: tf.Tensor) -> tf.Tensor:
        pixels, on_black = decode_shown(image, config.channels)
        values = [tf.cast(each, tf.int64) for each in (contrast_of(pixels), on_black)]
        return tf.concat([tf.shape(pixels, tf.int64)[:2], values, [_digest(pixels)]], axis=0)

    return tf.map_fn(measure, encoded, fn_output_signature=tf.TensorSpec([5], tf.int64))


def _measure_together(files: tf.Tensor, config: Config) -> tf.Tensor:
    """Decodes every file with an operation of its own, so that all cores decode.

    No more images are in memory at a time than cores decode: each is dropped once it is measured.

    Args:
        files: string `[DECODED_TOGETHER]`, image files without alpha.
        config: the config, for `channels`.

    Returns:
        int64 `[DECODED_TOGETHER, 5]`, see `_measure_one_by_one`.
    """
    images = [
        tf.raw_ops.DecodeImage(contents=file, channels=config.channels, expand_animations=False)
        for file in tf.unstack(files)
    ]
    sizes = tf.stack([tf.shape(image, tf.int64) for image in images])[:, :2]
    largest, smallest = zip(*map(bounds, images), strict=True)
    contrast = contrast_of_bounds(tf.stack(largest), tf.stack(smallest))
    digests = tf.stack([_digest(image) for image in images])
    numbers = tf.cast(contrast, tf.int64), tf.zeros([DECODED_TOGETHER], tf.int64), digests
    return tf.concat([sizes, tf.stack(numbers, axis=1)], axis=1)
