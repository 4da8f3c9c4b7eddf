"""Tells whether images can be read, and how large they are before and after preparation.

What checks images, builds or scans datasets asks here, so that all have the same answer.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import tensorflow as tf

from aocr.config import Config
from aocr.data.images.files import SIGNATURES
from aocr.data.images.preprocessing import Size, decode, prepared_size
from aocr.util.session import open_on_cpu

BATCH_SIZE = 64
"""Number of files that are decoded in one call."""


Item = TypeVar("Item")


def in_batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yields lists of `BATCH_SIZE` items; the last may be shorter."""
    unread = iter(items)
    while batch := list(itertools.islice(unread, BATCH_SIZE)):
        yield batch


_Measure = Callable[[np.ndarray], np.ndarray]
"""Returns int64 `[N, 4]` for N image files: height, width, digest of the pixels, and prepared
width."""

_COMMON_STARTS = SIGNATURES["PNG"], SIGNATURES["JPEG"]
"""The first bytes of PNG and JPEG files, which both ways of decoding treat alike."""


class ImageSize(NamedTuple):
    """Holds the size of an image in pixels, and its width after preparation, without padding."""

    height: int
    width: int
    prepared_width: int


class MeasuredImage(NamedTuple):
    """Holds what is known of a decoded image.

    Attributes:
        size: its size.
        pixels: digest of its decoded pixels and its size, a number of 64 bits with a sign.
    """

    size: ImageSize
    pixels: int


class ImageMeasurer:
    """Measures images in a graph of its own; threads may share it.

    Args:
        config: the config, for `image_width`, `channels` and `resize`.
    """

    def __init__(self, config: Config) -> None:
        with tf.Graph().as_default() as graph:
            images = tf.compat.v1.placeholder(tf.string, [None])
            batch = tf.compat.v1.placeholder(tf.string, [BATCH_SIZE])
            sizes = _with_prepared_widths(_facts_one_by_one(images, config), config)
            sizes_of_batch = _with_prepared_widths(_facts_of_batch(batch, config), config)
        self._session = open_on_cpu(graph)
        self._measure: _Measure = self._session.make_callable(sizes, [images])
        self._measure_batch: _Measure = self._session.make_callable(sizes_of_batch, [batch])

    def close(self) -> None:
        """Frees the session."""
        self._session.close()

    def sizes(self, images: Sequence[bytes]) -> list[ImageSize | None]:
        """Returns the size of each image, or None if it cannot be decoded; see `measure`."""
        return [each and each.size for each in self.measure(images)]

    def measure(self, images: Sequence[bytes]) -> list[MeasuredImage | None]:
        """Returns size and digest of each image, or None if it cannot be decoded.

        It is fastest for `BATCH_SIZE` PNG and JPEG files that can all be decoded.

        Args:
            images: at most `BATCH_SIZE` image files.
        """
        measured = self._measured_batch(images) or _or_none(self._measure, images)
        if measured is not None:
            return list(measured)
        if len(images) == 1:
            return [None]
        return [self.measure([image])[0] for image in images]

    def _measured_batch(self, images: Sequence[bytes]) -> list[MeasuredImage] | None:
        """Measures images by the fast way, if it is one for them and all can be decoded."""
        missing = BATCH_SIZE - len(images)
        if missing > len(images) or not all(each.startswith(_COMMON_STARTS) for each in images):
            return None
        measured = _or_none(self._measure_batch, [*images, *[images[0]] * missing])
        return measured and measured[: len(images)]


def _or_none(measure: _Measure, images: Sequence[bytes]) -> list[MeasuredImage] | None:
    """Measures images; returns None if any of them cannot be decoded."""
    try:
        return [
            MeasuredImage(ImageSize(height, width, prepared), hash((height, width, digest)))
            for height, width, digest, prepared in measure(np.array(images, object)).tolist()
        ]
    except tf.errors.OpError:
        return None


def _with_prepared_widths(facts: tf.Tensor, config: Config) -> tf.Tensor:
    """Adds the prepared width of each image to its height, width and digest: int64 `[N, 4]`."""
    size = Size(tf.cast(facts[:, 0], tf.int32), tf.cast(facts[:, 1], tf.int32))
    width = tf.cast(prepared_size(size, config).width, tf.int64)
    return tf.concat([facts, width[:, tf.newaxis]], axis=1)


def _facts(pixels: tf.Tensor) -> tf.Tensor:
    """Returns height, width and digest of decoded pixels: int64 `[3]`."""
    digest = tf.fingerprint(tf.reshape(pixels, [1, -1]))  # [1, 8]
    height_and_width = tf.shape(pixels, tf.int64)[:2]
    return tf.concat([height_and_width, tf.bitcast(digest, tf.int64)], axis=0)


def _facts_one_by_one(encoded: tf.Tensor, config: Config) -> tf.Tensor:
    """Decodes N files as `preprocessing.prepare` does; returns their facts, int64 `[N, 3]`."""

    @tf.autograph.experimental.do_not_convert
    def facts(image: tf.Tensor) -> tf.Tensor:
        return _facts(decode(image, config.channels))

    return tf.map_fn(facts, encoded, fn_output_signature=tf.TensorSpec([3], tf.int64))


def _facts_of_batch(files: tf.Tensor, config: Config) -> tf.Tensor:
    """Decodes every file with an operation of its own, so that all cores decode.

    No more images are in memory at a time than cores decode: each is dropped once it has a digest.

    Args:
        files: string `[BATCH_SIZE]`, image files.
        config: the config, for `channels`.

    Returns:
        int64 `[BATCH_SIZE, 3]`: height, width and digest.
    """
    images = [
        tf.raw_ops.DecodeImage(contents=file, channels=config.channels, expand_animations=False)
        for file in tf.unstack(files)
    ]
    return tf.stack([_facts(image) for image in images])  # makes every decoder run
