"""Converts the tensors of gRPC's requests and answers."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow.core.protobuf import meta_graph_pb2

from aocr.server.errors import invalid_argument
from aocr.server.models.served_model import Tensors

_VALUES = {
    types_pb2.DT_STRING: "string_val",
    types_pb2.DT_FLOAT: "float_val",
    types_pb2.DT_DOUBLE: "double_val",
    types_pb2.DT_INT32: "int_val",
    types_pb2.DT_INT64: "int64_val",
}
"""The field of a message that holds the values, by their type."""

TensorInfos = Mapping[str, meta_graph_pb2.TensorInfo]
"""The inputs or the outputs of a signature, by their keys."""


def tensors_of(protos: Mapping[str, tensor_pb2.TensorProto], inputs: TensorInfos) -> Tensors:
    """Returns the inputs of a request.

    Args:
        protos: the tensors of the request.
        inputs: those of the signature.

    Raises:
        RestError: the request has other inputs than the signature, or their types differ.
    """
    if set(protos) != set(inputs):
        listed = ", ".join(sorted(protos)) or "none"
        raise invalid_argument(
            f"inputs do not match the signature: expected {', '.join(sorted(inputs))}, got {listed}"
        )
    return {name: _tensor(name, proto, inputs[name].dtype) for name, proto in protos.items()}


def protos_of(tensors: Tensors, outputs: TensorInfos) -> dict[str, tensor_pb2.TensorProto]:
    """Returns the outputs of an answer.

    Args:
        tensors: the values.
        outputs: those of the signature, which have their types.
    """
    return {
        name: tf.make_tensor_proto(value, outputs[name].dtype) for name, value in tensors.items()
    }


def _tensor(name: str, proto: tensor_pb2.TensorProto, dtype: int) -> np.ndarray:
    if proto.dtype != dtype:
        kinds = (tf.dtypes.as_dtype(kind).name for kind in (dtype, proto.dtype or dtype))
        raise invalid_argument("the input {} must be {}, not {}".format(name, *kinds))
    size = math.prod(dim.size for dim in proto.tensor_shape.dim)
    if proto.tensor_shape.unknown_rank or any(dim.size < 0 for dim in proto.tensor_shape.dim):
        raise invalid_argument(f"the input {name} has no shape")
    if size != _count(proto):
        raise invalid_argument(
            f"the input {name} has {_count(proto)} values, and a shape for {size}"
        )
    return np.asarray(tf.make_ndarray(proto))


def _count(proto: tensor_pb2.TensorProto) -> int:
    """Returns the number of values in a message.

    TensorFlow repeats the last one up to the size of the shape, which can be of any size.
    """
    if proto.tensor_content:
        return len(proto.tensor_content) // tf.dtypes.as_dtype(proto.dtype).size
    field = _VALUES.get(proto.dtype)
    return len(getattr(proto, field)) if field else 0
