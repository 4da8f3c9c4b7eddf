"""Writes sample requests into a SavedModel, which TensorFlow Serving runs before the first user's.

They are a TFRecord file of `PredictionLog` messages, which the package `tensorflow-serving-api`
defines. The few fields that are needed are written here, in protobuf's wire format: every one of
them is a string or a message.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from aocr.inference import names
from aocr.inference.signatures import Signature

FOLDER = "assets.extra"
FILE_NAME = "tf_serving_warmup_requests"

MAX_IMAGES = 4
"""Number of images in the largest request."""

PREDICT_LOG = 6
"""Field of `PredictionLog`: a `PredictLog`."""

REQUEST = 1
"""Field of `PredictLog`: a `PredictRequest`."""

MODEL_SPEC, INPUTS = 1, 2
"""Fields of `PredictRequest`: a `ModelSpec`, and a map from keys to tensors."""

MODEL_NAME, SIGNATURE_NAME = 1, 3
"""Fields of `ModelSpec`; the server does not look at the name of the model."""

KEY, VALUE = 1, 2
"""Fields of the entries of a map."""


def write(folder: str, images: list[bytes], signatures: tuple[Signature, ...]) -> None:
    """Writes requests for `serving_default` and for other signatures of a SavedModel.

    All of them have a batch axis, because a server that batches requests refuses others.

    Args:
        folder: the folder of the SavedModel.
        images: encoded images.
        signatures: the signatures besides `serving_default`.

    Raises:
        tf.errors.OpError: the file cannot be written.
    """
    requests = [predict_request(names.DEFAULT_SIGNATURE, {names.SIGNATURE_IMAGES: images[:1]})]
    requests += [predict_request(each.name, _inputs(each, images)) for each in signatures]
    extra = posixpath.join(folder, FOLDER)
    tf.io.gfile.makedirs(extra)
    with tf.io.TFRecordWriter(posixpath.join(extra, FILE_NAME)) as writer:
        for request in requests:
            writer.write(_message({PREDICT_LOG: _message({REQUEST: request})}))


def _inputs(signature: Signature, images: list[bytes]) -> dict[str, object]:
    """Returns the images, or as many zeros as one image needs."""
    if names.SIGNATURE_IMAGES in signature.inputs:
        return {names.SIGNATURE_IMAGES: images}
    return {
        key: np.zeros([1, *tensor.shape[1:]], tensor.dtype.as_numpy_dtype)
        for key, tensor in signature.inputs.items()
    }


def predict_request(signature: str, inputs: Mapping[str, object]) -> bytes:
    """Returns a serialized `PredictRequest`.

    Args:
        signature: name of the signature.
        inputs: the values of the signature's inputs by their keys.
    """
    spec = _message({MODEL_NAME: b"default", SIGNATURE_NAME: signature.encode()})
    tensors = {key: tf.make_tensor_proto(value) for key, value in inputs.items()}
    entries = [
        _message({KEY: key.encode(), VALUE: tensor.SerializeToString()})
        for key, tensor in tensors.items()
    ]
    return _message({MODEL_SPEC: spec}) + b"".join(_message({INPUTS: entry}) for entry in entries)


def _message(fields: Mapping[int, bytes]) -> bytes:
    """Returns a message of strings and messages, by the numbers of their fields."""
    length_delimited = 2
    return b"".join(
        _varint(number << 3 | length_delimited) + _varint(len(content)) + content
        for number, content in fields.items()
    )


def _varint(number: int) -> bytes:
    """Returns a number in groups of seven bits, the lowest first; all but the last have bit 7."""
    low, high = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(high) if high else bytes([low])
