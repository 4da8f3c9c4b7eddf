"""Additive attention of a decoder's state over the encoded columns (Bahdanau et al., 2015).

The query is the decoder's whole state after its cells, as in Vinyals et al., 2015
(docs/compatibility.md, "Decoder"). Axes: N images, T columns, D memory depth, Q query size.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import tensorflow as tf

from aocr.model import variable_names
from aocr.model.encoder import Memory
from aocr.model.rnn_cells import Dense, create_dense


class AttentionWeights(NamedTuple):
    """Holds the weights of the attention.

    Attributes:
        query: the layer that projects a decoder's state, `[N, Q] --> [N, D]`.
        key_kernel: float32 `[D, D]`, projects the memory.
        scorer: float32 `[D, 1]`.
    """

    query: Dense
    key_kernel: tf.Tensor
    scorer: tf.Tensor


class Attended(NamedTuple):
    """Holds the result of one attention step.

    Attributes:
        context: float32 `[N, D]`, the mean of the memory by the weights.
        weights: float32 `[N, T]`, not negative; each image's sum to 1.
    """

    context: tf.Tensor
    weights: tf.Tensor


def create_attention_weights(query_size: int, depth: int) -> AttentionWeights:
    """Creates the variables `Attention_0/{kernel,bias}`, `AttnW_0` and `AttnV_0`.

    Args:
        query_size: Q.
        depth: D.
    """
    get, glorot = tf.compat.v1.get_variable, tf.compat.v1.glorot_uniform_initializer
    with tf.compat.v1.variable_scope(variable_names.ATTENTION_QUERY_SCOPE):
        query = create_dense(query_size, depth)
    # 0.7.6 projects the memory by a 1x1 convolution: hence the first two axes.
    shape = [1, 1, depth, depth]
    key_kernel = get(variable_names.ATTENTION_KEY_KERNEL, shape, initializer=glorot())[0, 0]
    scorer = get(variable_names.ATTENTION_SCORER, [depth], initializer=glorot())[:, tf.newaxis]
    return AttentionWeights(query, key_kernel, scorer)


class AdditiveAttention:
    """Attends to one memory."""

    def __init__(self, weights: AttentionWeights, memory: Memory) -> None:
        """Projects the memory to keys, which all steps share."""
        self._weights = weights
        self._memory = memory
        # [N, T, D] --> [N, T, D]
        self._keys = tf.tensordot(memory.values, weights.key_kernel, axes=1)

    def of_images(self, image: tf.Tensor) -> AdditiveAttention:
        """Returns the attention to the memories of some images, int32 `[M]`."""
        rows, memory = copy.copy(self), self._memory
        padding = memory.is_padding
        rows._keys = tf.gather(self._keys, image)
        rows._memory = Memory(
            values=tf.gather(memory.values, image),
            state=tf.gather(memory.state, image),
            is_padding=None if padding is None else tf.gather(padding, image),
        )
        return rows

    def __call__(self, state: tf.Tensor, recompute_gradient: bool) -> Attended:
        """Scores every column against a state, and averages the memory by the scores.

        Args:
            state: float32 `[N, Q]`.
            recompute_gradient: keep memory low in training, see `recomputed_scores`.
        """
        score = recomputed_scores if recompute_gradient else additive_scores
        scores = score(self._keys, self._weights.query(state), self._weights.scorer)
        if self._memory.is_padding is not None:
            scores = tf.where(self._memory.is_padding, scores.dtype.min, scores)
        weights = tf.nn.softmax(scores)
        # [N, 1, T] · [N, T, D] --> [N, 1, D] --> [N, D]
        context = tf.squeeze(tf.matmul(weights[:, tf.newaxis], self._memory.values), axis=1)
        return Attended(context, weights)


def additive_scores(keys: tf.Tensor, query: tf.Tensor, scorer: tf.Tensor) -> tf.Tensor:
    """Returns how well each column matches a query: `scorer · tanh(keys + query)`.

    Args:
        keys: float32 `[N, T, D]`.
        query: float32 `[N, D]`.
        scorer: float32 `[D, 1]`.

    Returns:
        float32 `[N, T]`.
    """
    flat = tf.reshape(_energies(keys, query), [-1, keys.shape[2]])  # [N, T, D] --> [NT, D]
    scores = tf.reshape(tf.matmul(flat, scorer), tf.shape(keys)[:2])  # [NT, 1] --> [N, T]
    return tf.ensure_shape(scores, keys.shape[:2])


def _energies(keys: tf.Tensor, query: tf.Tensor) -> tf.Tensor:
    return tf.tanh(keys + query[:, tf.newaxis])  # [N, T, D]


@tf.custom_gradient
def recomputed_scores(keys: tf.Tensor, query: tf.Tensor, scorer: tf.Tensor):
    """Returns `additive_scores`, and computes the energies again for the gradient.

    The energies `tanh(keys + query)` are the decoder's largest tensors. Training would otherwise
    keep those of every step until its gradient is computed (Chen et al., 2016).
    """

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        # Without this dependency the executor would recompute all steps' energies at once.
        with tf.control_dependencies([upstream]):
            energies = _energies(keys, query)
        flat, column = tf.reshape(energies, [-1, keys.shape[2]]), tf.reshape(upstream, [-1, 1])
        scorer_gradient = tf.matmul(flat, column, transpose_a=True)  # [D, NT] · [NT, 1]
        energy_gradient = upstream[:, :, tf.newaxis] * scorer[:, 0]  # [N, T, D]
        key_gradient = tf.raw_ops.TanhGrad(y=energies, dy=energy_gradient)
        return key_gradient, tf.reduce_sum(key_gradient, axis=1), scorer_gradient

    return additive_scores(keys, query, scorer), gradient
