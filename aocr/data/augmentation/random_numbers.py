"""Draws random numbers that depend on the seed, the epoch and the record alone, in the graph.

The numbers are hashes of a counter (SplitMix64: Steele, Lea and Flood, 2014), so that they depend
neither on the other records of a batch nor on what was drawn before.
"""

from __future__ import annotations

import zlib

import tensorflow as tf

GOLDEN_RATIO = 0x9E3779B97F4A7C15
FIRST_MULTIPLIER = 0xBF58476D1CE4E5B9
SECOND_MULTIPLIER = 0x94D049BB133111EB

MANTISSA_BITS = 24
"""Number of bits that make a float32 from 0 to less than 1."""


def record_keys(seed: int, epochs: tf.Tensor, record_indices: tf.Tensor) -> tf.Tensor:
    """Returns one key for each record of a batch in an epoch, uint64 `[N]`.

    Args:
        seed: seed of the run.
        epochs: int64 `[N]` or scalar, from 0.
        record_indices: int64 `[N]`, positions of the records in the dataset, from 0.
    """
    keys = tf.constant(seed, tf.uint64)
    for number in (epochs, record_indices):
        keys = _mix(keys) + tf.cast(number, tf.uint64)
    return _mix(keys)


def uniforms(keys: tf.Tensor, purpose: str, count: int | tf.Tensor) -> tf.Tensor:
    """Returns uniform numbers from 0 to less than 1, float32 `[N, count]`.

    The first numbers are the same for every `count`.

    Args:
        keys: uint64 `[N]`, see `record_keys`.
        purpose: name of what the numbers are for; numbers for different purposes are independent.
        count: number of random numbers for each key.
    """
    counters = tf.cast(tf.range(count) + 1, tf.uint64)[tf.newaxis]  # [1, count]
    stream = _mix(keys ^ tf.constant(zlib.crc32(purpose.encode()), tf.uint64))[:, tf.newaxis]
    bits = _mix(stream + counters * tf.constant(GOLDEN_RATIO, tf.uint64))  # [N, count]
    mantissas = _shifted(bits, 64 - MANTISSA_BITS)
    return tf.cast(tf.cast(mantissas, tf.int32), tf.float32) * 2.0**-MANTISSA_BITS


def _mix(numbers: tf.Tensor) -> tf.Tensor:
    """Maps uint64 to uint64 such that each bit of the result depends on all bits of the number."""
    numbers += tf.constant(GOLDEN_RATIO, tf.uint64)
    numbers = (numbers ^ _shifted(numbers, 30)) * tf.constant(FIRST_MULTIPLIER, tf.uint64)
    numbers = (numbers ^ _shifted(numbers, 27)) * tf.constant(SECOND_MULTIPLIER, tf.uint64)
    return numbers ^ _shifted(numbers, 31)


def _shifted(numbers: tf.Tensor, bits: int) -> tf.Tensor:
    return tf.bitwise.right_shift(numbers, tf.constant(bits, tf.uint64))
