"""Requests of TensorFlow Serving's gRPC."""

import tensorflow as tf
from tensorflow_serving.apis import predict_pb2


def request_of(images, name="input", **spec):
    """Returns a request with one input: a message, or images as bytes; `spec` names the model."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = spec.pop("model", "aocr")
    if "version" in spec:
        request.model_spec.version.value = spec.pop("version")
    for key, value in spec.items():
        setattr(request.model_spec, key, value)
    proto = images if hasattr(images, "dtype") else tf.make_tensor_proto(images, tf.string)
    request.inputs[name].CopyFrom(proto)
    return request
