"""Packs what replicas add up in a step into one vector, so that a step needs a single sum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf


class Contribution(NamedTuple):
    """Holds what one replica adds to an update.

    Attributes:
        images: float32 scalar, number of images of its part of the batch that count.
        loss: float32 scalar, mean over its part.
        gradients: of `loss`, one a variable.
        statistics: float32 `[C]` each, of batch norms.
    """

    images: tf.Tensor
    loss: tf.Tensor
    gradients: Sequence[tf.Tensor | tf.IndexedSlices]
    statistics: Sequence[tf.Tensor]


class Reduced(NamedTuple):
    """Holds the means over the global batch, equal on all replicas.

    Attributes:
        images: float32 scalar, number of images of the global batch.
        loss: float32 scalar, mean over all its images.
        gradients: of that mean, one a variable; rows that no image uses are left out of a gradient
            by rows, as without replicas.
        gradient_norm: float32 scalar, computed as `tf.linalg.global_norm` does without replicas.
        statistics: float32 `[C]` each, means over the replicas, weighted by their images.
    """

    images: tf.Tensor
    loss: tf.Tensor
    gradients: Sequence[tf.Tensor | tf.IndexedSlices]
    gradient_norm: tf.Tensor
    statistics: Sequence[tf.Tensor]


class _Packed(NamedTuple):
    """Holds sums over images in the order of the vector.

    Attributes:
        scalars: `images`, and the sums of losses and of squared gradients by rows.
        gradients: summed over images.
        touched: float32 `[V]` for each gradient by rows: larger than 0 for rows that are used.
        statistics: multiplied by the number of images.
    """

    scalars: Sequence[tf.Tensor]
    gradients: Sequence[tf.Tensor]
    touched: Sequence[tf.Tensor]
    statistics: Sequence[tf.Tensor]

    @property
    def parts(self) -> list[tf.Tensor]:
        """All tensors, in their order."""
        return [*self.scalars, *self.gradients, *self.touched, *self.statistics]


def _is_by_rows(gradient: tf.Tensor | tf.IndexedSlices) -> bool:
    return isinstance(gradient, tf.IndexedSlices)


def pack(contribution: Contribution, variables: Sequence[tf.Variable]) -> tf.Tensor:
    """Returns a contribution as a vector; adding up the vectors adds up the contributions."""
    return tf.concat(
        [tf.reshape(part, [-1]) for part in _packed(contribution, variables).parts], axis=0
    )


def _packed(contribution: Contribution, variables: Sequence[tf.Variable]) -> _Packed:
    images = contribution.images
    by_rows = [gradient for gradient in contribution.gradients if _is_by_rows(gradient)]
    squares = tf.add_n([tf.reduce_sum(tf.square(each.values)) for each in by_rows] or [0.0])
    rows = [
        variable.shape[0]
        for gradient, variable in zip(contribution.gradients, variables, strict=True)
        if _is_by_rows(gradient)
    ]
    return _Packed(
        scalars=[
            images,
            tf.math.multiply_no_nan(contribution.loss, images),
            tf.math.multiply_no_nan(squares, images * images),
        ],
        gradients=[
            tf.math.multiply_no_nan(_dense(gradient, variable), images)
            for gradient, variable in zip(contribution.gradients, variables, strict=True)
        ],
        touched=[
            images * tf.math.unsorted_segment_sum(tf.ones_like(each.values[:, 0]), each.indices, n)
            for each, n in zip(by_rows, rows, strict=True)
        ],
        statistics=[
            tf.math.multiply_no_nan(statistic, images) for statistic in contribution.statistics
        ],
    )


def _dense(gradient: tf.Tensor | tf.IndexedSlices, variable: tf.Variable) -> tf.Tensor:
    if not _is_by_rows(gradient):
        return gradient
    return tf.math.unsorted_segment_sum(gradient.values, gradient.indices, variable.shape[0])


def unpack(
    total: tf.Tensor, contribution: Contribution, variables: Sequence[tf.Variable]
) -> Reduced:
    """Returns the means that the sum of all vectors stands for.

    Args:
        total: the sum of the vectors of `pack`.
        contribution: one of them, for the kinds and shapes of its parts.
        variables: those of the gradients.
    """
    shapes = [
        *[[]] * 3,
        *[variable.shape for variable in variables],
        *[
            v.shape[:1]
            for v, g in zip(variables, contribution.gradients, strict=True)
            if _is_by_rows(g)
        ],
        *[statistic.shape for statistic in contribution.statistics],
    ]
    sizes = [tf.TensorShape(shape).num_elements() for shape in shapes]
    parts = [
        tf.reshape(part, shape) for part, shape in zip(tf.split(total, sizes), shapes, strict=True)
    ]
    images, loss, squares = parts[:3]
    count = len(variables)
    dense = [part / images for part in parts[3 : 3 + count]]
    touched = iter(parts[3 + count : len(parts) - len(contribution.statistics)])
    gradients = [
        _by_rows(mean, next(touched)) if _is_by_rows(gradient) else mean
        for mean, gradient in zip(dense, contribution.gradients, strict=True)
    ]
    plain = [gradient for gradient in gradients if not _is_by_rows(gradient)]
    norm = tf.sqrt(tf.square(tf.linalg.global_norm(plain)) + squares / (images * images))
    statistics = [part / images for part in parts[len(parts) - len(contribution.statistics) :]]
    return Reduced(images, loss / images, gradients, norm, statistics)


def _by_rows(gradient: tf.Tensor, touched: tf.Tensor) -> tf.IndexedSlices:
    """Returns the rows of a gradient that are used."""
    indices = tf.where(touched > 0)[:, 0]
    return tf.IndexedSlices(tf.gather(gradient, indices), indices, tf.shape(gradient))
