"""Reads TFRecords as batches, nearly in the order of the dataset, in the graph (tf.data)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from aocr.config import IMAGE_HEIGHT, Config
from aocr.data.batches.common import DECODING_THREADS, contains, prefetched, without_autograph
from aocr.data.images.preprocessing import Prepared, prepare
from aocr.data.labels import encode_label
from aocr.data.records import schema

BATCHES_TOGETHER = 4
"""Number of batches whose images are prepared together, so that each batch gets similar widths."""


class EvaluationBatch(NamedTuple):
    """Holds a batch.

    Attributes:
        record_indices: int64 `[N]`, positions of the records in the dataset, from 0.
        images: float32 `[N, 32, W, C]`; zeros for an image that cannot be decoded.
        widths: int32 `[N]`, widths of the images without padding, in pixels; 0 for an image that
            cannot be decoded.
        targets: int32 `[N, S]`; padding only for a label that exceeds the model's limits.
        labels: string `[N]`.
        comments: string `[N]`, paths of the images, or empty.
        encoded: string `[N]`, image files.
    """

    record_indices: tf.Tensor
    images: tf.Tensor
    widths: tf.Tensor
    targets: tf.Tensor
    labels: tf.Tensor
    comments: tf.Tensor
    encoded: tf.Tensor


def evaluation_batches(
    files: list[str], config: Config, undecodable: Sequence[int], batch_size: int
) -> tf.data.Dataset:
    """Yields every record once, in the order of the dataset if padding counts.

    Otherwise a batch takes the time of its widest image, and `BATCHES_TOGETHER` batches at a time
    are in the order of the images' widths.

    Args:
        files: TFRecord files, read in this order.
        config: the config, for the sizes and the characters.
        undecodable: indices of records whose image cannot be decoded (see `dataset_scan.scan`).
        batch_size: N.

    Returns:
        A dataset of `EvaluationBatch`.
    """
    undecodable_indices = tf.constant(np.array(undecodable, np.int64))

    @without_autograph
    def to_example(index: tf.Tensor, serialized: tf.Tensor) -> EvaluationBatch:
        record = schema.parse(serialized)
        is_undecodable = contains(undecodable_indices, index)
        pixels, width = _blank_or_prepared(is_undecodable, record.image, config)
        return EvaluationBatch(
            record_indices=index,
            images=pixels,
            widths=width,
            targets=encode_label(record.label, config),
            labels=record.label,
            comments=record.comment,
            encoded=record.image,
        )

    @without_autograph
    def by_width(together: EvaluationBatch) -> tf.data.Dataset:
        places = tf.argsort(together.widths, stable=True)
        ordered = EvaluationBatch(*(tf.gather(each, places) for each in together))
        return tf.data.Dataset.from_tensor_slices(ordered).batch(batch_size)

    examples = (
        tf.data.TFRecordDataset(files)
        .enumerate()
        .map(to_example, num_parallel_calls=DECODING_THREADS)
    )
    if config.padding_counts:
        return prefetched(examples.batch(batch_size))
    return prefetched(examples.batch(BATCHES_TOGETHER * batch_size).flat_map(by_width))


def _blank_or_prepared(blank: tf.Tensor, encoded: tf.Tensor, config: Config) -> Prepared:
    """Prepares an image, or returns zeros with a width of 0 if `blank` (bool scalar) is true."""
    zeros = tf.zeros([IMAGE_HEIGHT, config.image_width, config.channels])
    pixels, width = tf.cond(blank, lambda: (zeros, 0), lambda: tuple(prepare(encoded, config)))
    return Prepared(pixels, width)
