"""Masked cross-entropy (COMPAT.md, section 5, "Loss")."""

from __future__ import annotations

import tensorflow as tf

from aocr.charset import PAD_ID

SMALLEST_WEIGHT = 1e-12


def sequence_losses(logits: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Mean cross-entropy of each example's characters and EOS; padding weighs nothing.

    Args:
        logits: `[N, S, V]`.
        targets: int32 `[N, S]`.

    Returns:
        float32 `[N]`, in nats; zero for an example that is all padding.
    """
    weights = tf.cast(tf.not_equal(targets, PAD_ID), tf.float32)
    entropies = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=logits)
    totals = tf.reduce_sum(weights * entropies, axis=1)
    return totals / (tf.reduce_sum(weights, axis=1) + SMALLEST_WEIGHT)
