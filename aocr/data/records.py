"""The TFRecord schema (COMPAT.md, section 2): one `tf.train.Example` an image."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf


class Record(NamedTuple):
    """One image with its label; string scalars.

    `comment` names the image (its path) where the dataset was built with `--save-filename`,
    and is empty otherwise.
    """

    image: tf.Tensor
    label: tf.Tensor
    comment: tf.Tensor


def serialize(image: bytes, label: str, comment: str | None = None) -> bytes:
    """One image as the bytes of a `tf.train.Example`, the same in every process.

    Args:
        image: the encoded file, as it is.
        label: written as UTF-8.
        comment: written as UTF-8; the feature is absent if None.
    """
    features = {"image": image, "label": label.encode()}
    if comment is not None:
        features["comment"] = comment.encode()
    return tf.train.Example(
        features=tf.train.Features(
            feature={
                name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
                for name, value in features.items()
            }
        )
    ).SerializeToString(deterministic=True)


def parse(serialized: tf.Tensor) -> Record:
    """The opposite of `serialize`, in the graph, for this project's files and 0.7.6's."""
    features = tf.io.parse_single_example(
        serialized,
        {
            "image": tf.io.FixedLenFeature([], tf.string),
            "label": tf.io.FixedLenFeature([], tf.string),
            "comment": tf.io.FixedLenFeature([], tf.string, default_value=""),
        },
    )
    return Record(features["image"], features["label"], features["comment"])


def text_of(value: bytes) -> str:
    """A label or comment as text: UTF-8, or else Latin-1, which 0.7.6 wrote."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def code_points_of(label: tf.Tensor) -> tf.Tensor:
    """`text_of` in the graph: string scalar to int32 `[L]` code points."""
    code_points = tf.strings.unicode_decode(label, "UTF-8", errors="replace")
    again = tf.strings.unicode_encode(code_points, "UTF-8")
    return tf.cond(
        tf.equal(again, label),
        lambda: code_points,
        lambda: tf.cast(tf.io.decode_raw(label, tf.uint8), tf.int32),
    )
