"""The spatial transformer: straightens an image before the CNN reads it (Shi et al., 2016).

A localisation network looks at a small view of each image and says from where the control points
on its upper and lower border are to be taken. A thin-plate spline through them says from where
every pixel is taken. There are no labels for this: the gradient of the model's loss, through the
pixels, teaches it.

A new transformer changes nothing: all its offsets are exactly 0 before the first training step.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from aocr.config import IMAGE_HEIGHT
from aocr.model import variable_names
from aocr.model.backbones.batch_norm import BatchStatistic
from aocr.model.backbones.common import Training, normalize_pixels
from aocr.model.backbones.compact_cnn import Layer, apply_layer
from aocr.model.bilinear_sampling import sample_bilinear
from aocr.model.rnn_cells import create_dense
from aocr.model.thin_plate_spline import border_points, interpolation_matrix

POINTS_ON_A_BORDER = 10
"""Number of control points on the upper border, and on the lower one."""

NODES = 4 * (POINTS_ON_A_BORDER - 1) + 1
"""Number of columns that the spline is computed at; between them it is interpolated linearly."""

VIEW_WIDTH = 64
"""Width in pixels of the view that the localisation network gets, whatever the image's width."""

BLOCK = 2
"""The view's squares of so many pixels each way become the channels of one pixel: convolutions of
all its pixels would take three times as long."""

LAYERS = (Layer(16, pool=(2, 2)), Layer(32, pool=(2, 2)), Layer(48))
"""The convolutions of the localisation network, which end with 4 rows of 8 columns."""

HIDDEN_UNITS = 64

OFFSET_RATE = 0.1
"""Factor of the localisation network's output: a step moves the points a tenth as far as without.

A factor of the gradient would not do so: Adam, AdamW and Adadelta divide it away. Large steps push
pixels off the image before the rest of the model has learned to say where they belong.
"""


class Rectified(NamedTuple):
    """Holds rectified images.

    Attributes:
        images: float32 `[N, 32, W, C]`.
        batch_statistics: of every batch norm, with their moving averages; none at inference.
    """

    images: tf.Tensor
    batch_statistics: tuple[BatchStatistic, ...]


def rectify(images: tf.Tensor, widths: tf.Tensor, training: Training | None = None) -> Rectified:
    """Moves the pixels of each image within its own width; padding stays as it is.

    Args:
        images: float32 `[N, 32, W, C]`, values from 0 to 255.
        widths: int32 `[N]`, widths of the images without padding, in pixels.
        training: None for inference.
    """
    content_widths = tf.maximum(widths, 1)  # an image that cannot be decoded has none
    with tf.compat.v1.variable_scope(variable_names.SPATIAL_TRANSFORMER_SCOPE):
        offsets, batch_statistics = locate(view(images, content_widths), training)
    moved = move_pixels(images, content_widths, offsets)
    inside = tf.sequence_mask(widths, tf.shape(images)[2])[:, tf.newaxis, :, tf.newaxis]
    return Rectified(tf.where(inside, moved, images), batch_statistics)


def view(images: tf.Tensor, widths: tf.Tensor) -> tf.Tensor:
    """Resizes the content of each image to one width, in grey.

    The filter is a triangle as wide as two pixels of the view, or of the image if those are wider.

    Args:
        images: float32 `[N, 32, W, C]`.
        widths: int32 `[N]`, widths of the contents in pixels, at least 1.

    Returns:
        float32 `[N, 32, VIEW_WIDTH, 1]`.
    """
    grey = tf.reduce_mean(images, axis=3)  # [N, 32, W, C] --> [N, 32, W]
    scale = tf.cast(widths, tf.float32)[:, tf.newaxis, tf.newaxis] / VIEW_WIDTH
    centers = (tf.range(VIEW_WIDTH, dtype=tf.float32) + 0.5) * scale - 0.5  # [N, 1, VIEW_WIDTH]
    columns = tf.range(tf.shape(images)[2], dtype=tf.float32)[:, tf.newaxis]  # [W, 1]
    weights = tf.nn.relu(1 - tf.abs(columns - centers) / tf.maximum(scale, 1.0))
    is_inside = tf.sequence_mask(widths, tf.shape(images)[2], tf.float32)
    weights *= is_inside[:, :, tf.newaxis]  # [N, W, VIEW_WIDTH]
    weights /= tf.reduce_sum(weights, axis=1, keepdims=True)
    return tf.matmul(grey, weights)[..., tf.newaxis]  # [N, 32, V] --> [N, 32, V, 1]


def locate(
    images: tf.Tensor, training: Training | None
) -> tuple[tf.Tensor, tuple[BatchStatistic, ...]]:
    """Runs the localisation network.

    Args:
        images: float32 `[N, 32, VIEW_WIDTH, 1]`, values from 0 to 255.
        training: None for inference.

    Returns:
        For each control point the way to where it is taken from, float32 `[N, 2, K]`: first along
        x, then along y. At 1, it is half the image's width or height, the most there is. And the
        statistics of the batch norms.
    """
    x = tf.nn.space_to_depth(normalize_pixels(images), BLOCK)
    batch_statistics: tuple[BatchStatistic, ...] = ()
    for number, layer in enumerate(LAYERS, start=1):
        with tf.compat.v1.variable_scope(f"conv{number}"):
            x, layer_statistics = apply_layer(x, layer, training)
        batch_statistics += layer_statistics
    features = tf.reshape(x, [-1, np.prod(x.shape[1:])])  # [N, 4, 8, 48] --> [N, 1536]
    with tf.compat.v1.variable_scope(variable_names.HIDDEN_SCOPE):
        hidden = tf.nn.relu(create_dense(features.shape[1], HIDDEN_UNITS)(features))
    points = 2 * POINTS_ON_A_BORDER
    with tf.compat.v1.variable_scope(variable_names.OFFSETS_SCOPE):
        zeros = tf.zeros_initializer()
        outputs = create_dense(HIDDEN_UNITS, 2 * points, kernel_initializer=zeros)(hidden)
    offsets = tf.tanh(OFFSET_RATE * outputs)
    return tf.reshape(offsets, [-1, 2, points]), batch_statistics  # [N, 2K] --> [N, 2, K]


def move_pixels(images: tf.Tensor, widths: tf.Tensor, offsets: tf.Tensor) -> tf.Tensor:
    """Takes each pixel of an image's content from where the spline through the points says.

    Only the spline of the offsets is computed, and added to each pixel's own place. Offsets of 0
    therefore leave images exactly as they are.

    Args:
        images: float32 `[N, 32, W, C]`.
        widths: int32 `[N]`, widths of the contents in pixels, at least 1.
        offsets: float32 `[N, 2, K]`, see `locate`.

    Returns:
        float32 `[N, 32, W, C]`; what is to the right of the contents has no meaning.
    """
    width = tf.shape(images)[2]
    columns = tf.range(width, dtype=tf.float32)
    content_widths = tf.cast(widths, tf.float32)[:, tf.newaxis, tf.newaxis]
    # [N, 2, K] --> [2N, K] --> [2N, 32 NODES] --> [N, 64, NODES]
    at_nodes = tf.matmul(tf.reshape(offsets, [-1, offsets.shape[2]]), _spline_at_nodes())
    at_nodes = tf.reshape(at_nodes, [-1, 2 * IMAGE_HEIGHT, NODES])
    places = (columns + 0.5) / content_widths * (NODES - 1)  # [N, 1, W], counted in nodes
    nodes = tf.range(NODES, dtype=tf.float32)[:, tf.newaxis]
    shares = tf.nn.relu(1 - tf.abs(places - nodes))  # [N, NODES, W]
    # [N, 64, NODES] --> [N, 64, W] --> [N, 2, 32, W]
    moved = tf.reshape(tf.matmul(at_nodes, shares), [-1, 2, IMAGE_HEIGHT, width])
    rows = tf.range(IMAGE_HEIGHT, dtype=tf.float32)[:, tf.newaxis]
    x = columns + moved[:, 0] * (content_widths / 2)
    y = rows + moved[:, 1] * (IMAGE_HEIGHT / 2)
    return sample_bilinear(images, widths, x, y)


def _spline_at_nodes() -> tf.Tensor:
    """Returns the constant float32 `[K, 32 NODES]` from points to the nodes of each pixel row."""
    y = (np.arange(IMAGE_HEIGHT) + 0.5) / IMAGE_HEIGHT * 2 - 1
    x = np.linspace(-1, 1, NODES)
    positions = np.stack([np.tile(x, IMAGE_HEIGHT), np.repeat(y, NODES)], axis=1)
    matrix = interpolation_matrix(border_points(POINTS_ON_A_BORDER), positions)
    return tf.constant(matrix.T, tf.float32)
