"""Normalizes labels, and turns them into target ids."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from aocr.charset import EOS_ID, FIRST_CHARACTER_ID, PAD_ID
from aocr.config import Config
from aocr.data.records import schema
from aocr.util.text import encodings


def normalize(label: str, force_uppercase: bool, nfc: bool, strip: bool = False) -> str:
    """Returns the label as it is written to a dataset.

    Args:
        label: text as it stands in the annotations.
        force_uppercase: convert it to upper case.
        nfc: convert it to the Unicode normal form NFC.
        strip: take off the blanks at its ends.
    """
    label = label.strip() if strip else label
    label = label.upper() if force_uppercase else label
    return encodings.nfc(label) if nfc else label


def encode_label(label: tf.Tensor, config: Config) -> tf.Tensor:
    """Returns the ids of a label's characters, then EOS, then padding: int32 `[S]`.

    A label that is longer than `max_prediction`, or has a character outside the charset, becomes
    padding only, which has no weight in the loss. `limits.check_label` finds the same labels.

    Args:
        label: string scalar, UTF-8 or Latin-1.
        config: the config, for `characters`, `max_prediction` and `decoder_steps` (S).
    """
    ids = _character_ids(schema.code_points_of(label), config.characters)  # [L]
    fits = tf.reduce_all(tf.not_equal(ids, PAD_ID)) & (tf.size(ids) <= config.max_prediction)
    symbols = tf.concat([ids[: config.max_prediction], [EOS_ID]], axis=0)
    symbols = tf.where(fits, symbols, PAD_ID)
    padded = tf.pad(symbols, [[0, config.decoder_steps - tf.size(symbols)]])
    return tf.ensure_shape(padded, [config.decoder_steps])


def _character_ids(code_points: tf.Tensor, characters: str) -> tf.Tensor:
    """Finds the ids of code points, int32 `[L]`, by binary search; `PAD_ID` if unknown."""
    known = np.array([ord(c) for c in characters], np.int32)
    order = np.argsort(known).astype(np.int32)
    ordered = tf.constant(known[order])
    position = tf.minimum(tf.searchsorted(ordered, code_points), len(known) - 1)
    found = tf.equal(tf.gather(ordered, position), code_points)
    return tf.where(found, tf.gather(tf.constant(order), position) + FIRST_CHARACTER_ID, PAD_ID)
