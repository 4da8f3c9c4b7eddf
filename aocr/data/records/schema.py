"""Defines the schema of the records: a `tf.train.Example` (docs/compatibility.md, "Files")."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf


class Record(NamedTuple):
    """Holds one image with its label in the graph.

    Attributes:
        image: string scalar, the encoded image file.
        label: string scalar, UTF-8 or Latin-1.
        comment: string scalar, the path of the image if the dataset was built with
            `--save-filename`; otherwise empty.
    """

    image: tf.Tensor
    label: tf.Tensor
    comment: tf.Tensor


def serialize(image: bytes, label: str, comment: str | None = None) -> bytes:
    """Returns one record as the bytes of a `tf.train.Example`, equal in every process.

    Args:
        image: the encoded image file.
        label: written as UTF-8.
        comment: written as UTF-8; None leaves the feature out.
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
    """Parses a serialized record in the graph; files of 0.7.6 have the same schema."""
    return Record(**tf.io.parse_single_example(serialized, _schema()))


def parse_all(serialized: tf.Tensor) -> Record:
    """Parses serialized records, string `[N]`, in one call; accepts what `parse` accepts."""
    return Record(**tf.io.parse_example(serialized, _schema()))


def _schema() -> dict[str, tf.io.FixedLenFeature]:
    return {
        "image": tf.io.FixedLenFeature([], tf.string),
        "label": tf.io.FixedLenFeature([], tf.string),
        "comment": tf.io.FixedLenFeature([], tf.string, default_value=""),
    }


def text_of(value: bytes) -> str:
    """Decodes a label or comment: UTF-8, or Latin-1 (as 0.7.6 wrote) if it is not UTF-8."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def code_points_of(label: tf.Tensor) -> tf.Tensor:
    """Decodes a label like `text_of`, in the graph: string scalar to int32 code points `[L]`."""
    code_points = tf.strings.unicode_decode(label, "UTF-8", errors="replace")
    encoded_again = tf.strings.unicode_encode(code_points, "UTF-8")
    return tf.cond(
        tf.equal(encoded_again, label),
        lambda: code_points,
        lambda: tf.cast(tf.io.decode_raw(label, tf.uint8), tf.int32),
    )
