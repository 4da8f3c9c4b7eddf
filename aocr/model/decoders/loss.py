"""The loss: cross-entropy without the padding (docs/compatibility.md, "Loss")."""

from __future__ import annotations

import tensorflow as tf

from aocr.charset import PAD_ID

WEIGHT_EPSILON = 1e-12
"""Added to the sum of the weights, so that an example of padding only has a loss of zero."""


def sequence_losses(
    logits: tf.Tensor, targets: tf.Tensor, label_smoothing: float = 0.0
) -> tf.Tensor:
    """Returns each example's mean cross-entropy over its characters and its EOS.

    Args:
        logits: float32 `[N, S, V]`.
        targets: int32 `[N, S]`; steps that hold padding have no weight.
        label_smoothing: share of a target's probability that is spread evenly over all `V` symbols,
            the special ones and the target itself included (Szegedy et al., 2016).

    Returns:
        float32 `[N]`, in nats; zero for an example of padding only.
    """
    weights = tf.cast(tf.not_equal(targets, PAD_ID), tf.float32)
    entropies = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=logits)
    if label_smoothing:
        spread = _cross_entropy_with_uniform(logits)
        entropies = (1 - label_smoothing) * entropies + label_smoothing * spread
    totals = tf.reduce_sum(weights * entropies, axis=1)
    return totals / (tf.reduce_sum(weights, axis=1) + WEIGHT_EPSILON)


def _cross_entropy_with_uniform(logits: tf.Tensor) -> tf.Tensor:
    """Returns the mean of `-log p` over the symbols: `[N, S, V]` --> `[N, S]`."""
    return tf.reduce_logsumexp(logits, axis=2) - tf.reduce_mean(logits, axis=2)
