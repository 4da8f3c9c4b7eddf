"""Answers TensorFlow Serving's gRPC: `Predict` and `GetModelMetadata` of its PredictionService."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent import futures
from typing import Any, NamedTuple

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2

from aocr.inference import names
from aocr.server.access import ACCESS_LOG, has_key
from aocr.server.errors import RestError, invalid_argument, unauthenticated
from aocr.server.metrics import Metrics
from aocr.server.models.model_versions import ModelVersions, RequestPath
from aocr.server.models.served_model import (
    ServedModel,
    Tensors,
    count_images,
    is_default,
    outputs_of,
)
from aocr.util.errors import UserError
from aocr.util.terminal.log import TRACEBACKS

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
        inputs: the inputs of the signature.

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
        outputs: the outputs of the signature, with their types.
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


SERVICE = "tensorflow.serving.PredictionService"

THREADS = 64
"""Number of requests that are answered at a time; others wait."""

MAX_CALLS = 1000
"""Number of requests that are held; others are refused with RESOURCE_EXHAUSTED."""

CODES = {
    200: grpc.StatusCode.OK,
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    404: grpc.StatusCode.NOT_FOUND,
    501: grpc.StatusCode.UNIMPLEMENTED,
    503: grpc.StatusCode.UNAVAILABLE,
}
"""gRPC's codes of the statuses of a `RestError`; any other is INTERNAL."""


class GrpcOptions(NamedTuple):
    """Says how to listen for gRPC.

    Attributes:
        host: name or address to listen on.
        port: 0 takes a free one.
        max_request_bytes: size of the largest accepted request.
        api_keys: the keys that clients may send; nothing lets all clients in.
    """

    host: str
    port: int
    max_request_bytes: int
    api_keys: Sequence[str] = ()


class GrpcServer:
    """Answers gRPC requests in threads of its own.

    Attributes:
        port: the port that it listens on.
    """

    def __init__(self, options: GrpcOptions, versions: ModelVersions, metrics: Metrics) -> None:
        """Starts to answer.

        Raises:
            UserError: the address cannot be had.
        """
        api = _PredictionService(versions)
        keys = [key.encode() for key in options.api_keys]
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                _Call(name, method, metrics, keys),
                request_deserializer=request_type.FromString,
                response_serializer=lambda response: response.SerializeToString(),
            )
            for name, method, request_type in (
                ("Predict", api.predict, predict_pb2.PredictRequest),
                ("GetModelMetadata", api.metadata, get_model_metadata_pb2.GetModelMetadataRequest),
            )
        }
        self._server = grpc.server(
            futures.ThreadPoolExecutor(THREADS, "aocr-grpc"),
            handlers=[grpc.method_handlers_generic_handler(SERVICE, handlers)],
            maximum_concurrent_rpcs=MAX_CALLS,
            options=[
                ("grpc.max_receive_message_length", options.max_request_bytes),
                ("grpc.so_reuseport", 0),
            ],
        )
        self.port = _bind(self._server, options.host, options.port)
        self._server.start()

    def stop(self, seconds: float) -> None:
        """Answers the accepted requests, for some seconds at most."""
        self._server.stop(seconds).wait()


def _bind(server: grpc.Server, host: str, port: int) -> int:
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    with contextlib.suppress(RuntimeError):  # of which gRPC logs the reason
        if bound := server.add_insecure_port(address):
            return bound
    raise UserError(
        f"cannot listen on {host}, port {port} (--grpc-port): choose another --host or --grpc-port"
    )


class _PredictionService:
    """Answers the calls of the service."""

    def __init__(self, versions: ModelVersions) -> None:
        self._versions = versions

    def predict(self, request: Any) -> tuple[Any, int]:
        """Returns the answer to a `PredictRequest`, and the number of images in it.

        Raises:
            RestError: it cannot be answered.
        """
        name = request.model_spec.signature_name or names.DEFAULT_SIGNATURE
        with self._versions.use(_path_of(request.model_spec)) as served:
            if name not in served.signatures:
                raise invalid_argument(f'Serving signature name: "{name}" not found')
            signature = served.signatures[name]
            tensors = tensors_of(request.inputs, signature.inputs)
            wanted = set(request.output_filter) or set(signature.outputs)
            if unknown := wanted - set(signature.outputs):
                raise invalid_argument(f"output tensor alias not found: {min(unknown)}")
            outputs = protos_of(_run(served, name, tensors), signature.outputs)
        response = predict_pb2.PredictResponse()
        for key in wanted:
            response.outputs[key].CopyFrom(outputs[key])
        _tell_version(response.model_spec, request.model_spec.name, served)
        response.model_spec.signature_name = name
        return response, count_images(tensors)

    def metadata(self, request: Any) -> tuple[Any, int]:
        """Returns the answer to a `GetModelMetadataRequest`, and no images.

        Raises:
            RestError: it cannot be answered.
        """
        if list(request.metadata_field) != ["signature_def"]:
            raise invalid_argument("the only metadata_field that is supported is signature_def")
        with self._versions.use(_path_of(request.model_spec)) as served:
            signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=served.signatures)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.metadata["signature_def"].Pack(signatures)
        _tell_version(response.model_spec, request.model_spec.name, served)
        return response, 0


def _path_of(spec: Any) -> RequestPath:
    """Returns which version of which model a `ModelSpec` names."""
    if not spec.name:
        raise invalid_argument("Missing ModelSpec.name")
    version = spec.version.value if spec.HasField("version") else None
    return RequestPath(spec.name, version, spec.version_label)


def _tell_version(spec: Any, name: str, served: ServedModel) -> None:
    spec.name = name
    spec.version.value = served.version


def _run(served: ServedModel, name: str, tensors: Tensors) -> Tensors:
    """Reads the images in the batches of all requests, or runs another signature as it is."""
    if is_default(name, served):
        (images,) = tensors.values()
        if images.size:
            readings = [each.result() for each in served.submit_tensor(images)]
            return outputs_of(readings, images.shape)
    return served.run_signature(name, tensors)


class _Call:
    """Surrounds a method: keys, metrics, the access log, and errors that nobody expected."""

    def __init__(
        self,
        name: str,
        method: Callable[[Any], tuple[Any, int]],
        metrics: Metrics,
        keys: Sequence[bytes],
    ) -> None:
        self._name, self._method, self._metrics, self._keys = name, method, metrics, keys

    def __call__(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Answers one request."""
        start, images, response = time.perf_counter(), 0, None
        error: RestError | None = None
        try:
            self._check_key(context)
            response, images = self._method(request)
        except RestError as raised:
            error = raised
        except Exception:
            logging.getLogger(TRACEBACKS).error("Traceback of a request:", exc_info=True)
            error = RestError(500, "internal error, see the server's log")
        status = error.status if error else 200
        seconds = time.perf_counter() - start
        self._metrics.observe_request("grpc", status, seconds)
        if response is not None:
            self._metrics.images.inc(images)
        line = {
            "client": context.peer(),
            "method": self._name,
            "path": SERVICE,
            "status": status,
            "milliseconds": round(1000 * seconds, 3),
            "images": images,
        }
        logging.getLogger(ACCESS_LOG).info("%s", json.dumps(line))
        if error:
            context.abort(CODES.get(status, grpc.StatusCode.INTERNAL), error.message)
        return response

    def _check_key(self, context: grpc.ServicerContext) -> None:
        sent = {
            key.encode(): value if isinstance(value, bytes) else value.encode()
            for key, value in context.invocation_metadata()
        }
        if self._keys and not has_key(sent, self._keys):
            raise unauthenticated("send the key in the metadata authorization: Bearer KEY")
