"""Prepares images of which some may be undecodable, in the graph: they do not fail the others."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from aocr.config import IMAGE_HEIGHT, Config
from aocr.data.images.header import SIGNATURES
from aocr.data.images.preprocessing import Prepared, prepare

PARALLEL_CALLS = 10
"""Number of images that are decoded at a time, as in `tf.map_fn`."""


class Tolerated(NamedTuple):
    """Holds a batch of prepared images, some of which could not be decoded.

    Attributes:
        prepared: pixels and widths; an image that could not be decoded is black, 1 pixel wide.
        error: string `[N]`: why an image could not be decoded; empty if it was.
    """

    prepared: Prepared
    error: tf.Tensor


def prepare_decodable(encoded: tf.Tensor, config: Config) -> Tolerated:
    """Prepares a batch of images as `preprocessing.prepare_all` does, but without failing.

    Args:
        encoded: string `[N]`, image files, or any other bytes.
        config: defines `image_width` (W) and `channels` (C).
    """
    count = tf.shape(encoded)[0]
    decoded = _prepare_those_that_can_be(encoded, config)
    # [M + 1] --> [N]: the element of each image; that behind all of them, if it has none
    others = tf.fill([count], tf.shape(decoded.place)[0] - 1)
    elements = tf.tensor_scatter_nd_update(
        others, decoded.place[:-1, tf.newaxis], tf.range(tf.shape(decoded.place)[0] - 1)
    )
    is_decoded = tf.gather(decoded.place, elements) < count
    return Tolerated(
        Prepared(tf.gather(decoded.pixels, elements), tf.gather(decoded.width, elements)),
        tf.where(is_decoded, "", _reasons(encoded)),
    )


class _Element(NamedTuple):
    """Holds an element of the dataset: a prepared image, and its place in the batch."""

    place: tf.Tensor
    pixels: tf.Tensor
    width: tf.Tensor


def _prepare_those_that_can_be(encoded: tf.Tensor, config: Config) -> _Element:
    """Prepares the M images of N that can be decoded, and behind them a black one of place N.

    An operation of the graph cannot catch what another one raises, but a dataset can leave out the
    elements that raise. `tf.data` would choose newer operations, which TensorFlow 1.15 lacks.

    Returns:
        int32 `[M + 1]`, float32 `[M + 1, 32, W, C]` and int32 `[M + 1]`.
    """
    count = tf.shape(encoded)[0]
    shapes = _Element([], [IMAGE_HEIGHT, config.image_width, config.channels], [])
    types = _Element(tf.int32, tf.float32, tf.int32)
    black = _Element(count, tf.zeros(shapes.pixels), tf.constant(1))
    elements = {"output_types": types, "output_shapes": shapes}
    batches = {"output_types": types, "output_shapes": [[None, *shape] for shape in shapes]}
    ops = tf.raw_ops
    files = ops.TensorSliceDataset(components=[tf.range(count), encoded], output_shapes=[[], []])
    decoded = ops.ParallelMapDataset(
        input_dataset=files,
        other_arguments=[],
        num_parallel_calls=PARALLEL_CALLS,
        f=_function_of_the_graph(config),
        **elements,
    )
    last = ops.TensorDataset(components=black, output_shapes=shapes)
    all_images = ops.ConcatenateDataset(
        input_dataset=ops.IgnoreErrorsDataset(input_dataset=decoded, **elements),
        another_dataset=last,
        **elements,
    )
    batch = ops.BatchDatasetV2(
        input_dataset=all_images,
        batch_size=tf.cast(count + 1, tf.int64),
        drop_remainder=False,
        **batches,
    )
    return _Element(*ops.DatasetToSingleElement(dataset=batch, **batches))


def _function_of_the_graph(config: Config):
    """Returns the function that prepares one image, given its place and the encoded file."""

    @tf.autograph.experimental.do_not_convert
    def prepare_one(place: tf.Tensor, encoded: tf.Tensor) -> _Element:
        return _Element(place, *prepare(encoded, config))

    arguments = tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.string)
    function = tf.function(prepare_one).get_concrete_function(*arguments)
    function.add_to_graph()
    return function


def _reasons(encoded: tf.Tensor) -> tf.Tensor:
    """Returns what is wrong with each file, if it cannot be decoded: string `[N]` to `[N]`."""
    start = tf.strings.substr(encoded, 0, 2)
    reasons = tf.fill(tf.shape(encoded), f"not a {_any_of(SIGNATURES)} file")
    for name, first_bytes in SIGNATURES.items():
        reason = f"damaged {name} file, or one of a kind that cannot be decoded"
        reasons = tf.where(tf.equal(start, first_bytes), reason, reasons)
    return tf.where(tf.equal(tf.strings.length(encoded), 0), "empty file", reasons)


def _any_of(names: dict[str, bytes]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}"
