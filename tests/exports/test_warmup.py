"""The requests that TensorFlow Serving warms a model up with, decoded independently."""

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from tensorflow.core.framework.tensor_pb2 import TensorProto

from aocr.exports import warmup
from aocr.inference.signatures import Signature

SCHEMA = {
    "PredictionLog": {"predict_log": (6, "PredictLog")},
    "PredictLog": {"request": (1, "PredictRequest")},
    "PredictRequest": {"model_spec": (1, "ModelSpec"), "inputs": (2, "*Entry")},
    "Entry": {"key": (1, str), "value": (2, bytes)},
    "ModelSpec": {"name": (1, str), "signature_name": (3, str)},
}
"""The messages of `tensorflow_serving/apis`, reduced to these fields: number and type."""


@pytest.fixture(scope="module")
def prediction_log():
    """Returns the message type `PredictionLog`."""
    field_type = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="log.proto", package="log", syntax="proto3")
    for name, fields in SCHEMA.items():
        message = file.message_type.add(name=name)
        for field_name, (number, kind) in fields.items():
            field = message.field.add(name=field_name, number=number, label=1)
            if kind in (str, bytes):
                field.type = field_type.TYPE_STRING if kind is str else field_type.TYPE_BYTES
            else:
                field.type, field.type_name = field_type.TYPE_MESSAGE, f".log.{kind.lstrip('*')}"
                field.label = 3 if kind.startswith("*") else 1
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("log.PredictionLog"))


def tensor_of(serialized):
    return tf.make_ndarray(TensorProto.FromString(serialized))


def test_every_signature_is_warmed_up_with_a_batch(tmp_path, prediction_log):
    images = [b"an image", b"another one" * 1000]
    with tf.Graph().as_default():
        files = tf.compat.v1.placeholder(tf.string, [None])
        pixels = tf.compat.v1.placeholder(tf.float32, [None, 32, 8, 1])
        widths = tf.compat.v1.placeholder(tf.int32, [None])
        signatures = (
            Signature("serving_batch", {"input": files}, {}),
            Signature("serving_pixels", {"pixels": pixels, "widths": widths}, {}),
        )
        warmup.write(str(tmp_path), images, signatures)
    path = str(tmp_path / "assets.extra/tf_serving_warmup_requests")
    records = list(tf.compat.v1.io.tf_record_iterator(path))
    requests = [prediction_log.FromString(record).predict_log.request for record in records]
    names = [request.model_spec.signature_name for request in requests]
    assert names == ["serving_default", "serving_batch", "serving_pixels"]
    given = [{each.key: tensor_of(each.value) for each in request.inputs} for request in requests]
    assert given[0].keys() == given[1].keys() == {"input"}
    assert given[0]["input"].tolist() == images[:1]
    assert given[1]["input"].tolist() == images
    assert given[2].keys() == {"pixels", "widths"}
    assert (given[2]["pixels"].shape, given[2]["pixels"].dtype) == ((1, 32, 8, 1), np.float32)
    assert (given[2]["widths"].shape, given[2]["widths"].dtype) == ((1,), np.int32)
