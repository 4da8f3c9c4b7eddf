"""TensorFlow Serving's gRPC, asked with the client that its own package brings."""

import grpc
import httpx
import numpy as np
import pytest
import tensorflow as tf
from grpc_requests import request_of
from live_server import live_server
from tensorflow_serving.apis import get_model_metadata_pb2
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub
from tiny_model import png

import aocr
from aocr.server.models.served_model import ServingLimits
from aocr.server.tf_serving.grpc_api import GrpcOptions, GrpcServer
from aocr.util.errors import UserError

IMAGES = [png("a"), png("b")]
MAX_BYTES = 200_000


@pytest.fixture(scope="module")
def server(tiny):
    limits = ServingLimits(max_body_bytes=MAX_BYTES)
    with live_server(tiny.saved_model, limits=limits, grpc_port=0) as running:
        yield running


@pytest.fixture(scope="module")
def stub(server):
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        yield PredictionServiceStub(channel)


def test_a_batch_is_read_and_the_version_is_told(stub, tiny):
    answer = stub.Predict(request_of(IMAGES, version_label="latest"), timeout=60)
    with aocr.load(tiny.model_dir) as reader:
        readings = reader.read(IMAGES)
    texts, probabilities = (tf.make_ndarray(answer.outputs[k]) for k in ("output", "probability"))
    assert [text.decode() for text in texts] == [reading.text for reading in readings]
    np.testing.assert_allclose(probabilities, [r.probability for r in readings], rtol=1e-5)
    assert (answer.model_spec.name, answer.model_spec.version.value) == ("aocr", 1)
    assert answer.model_spec.signature_name == "serving_default"


def test_only_the_outputs_of_the_filter_are_answered(stub):
    request = request_of(IMAGES[0])
    request.output_filter.append("probability")
    answer = stub.Predict(request, timeout=60)
    assert list(answer.outputs) == ["probability"]
    assert tf.make_ndarray(answer.outputs["probability"]).shape == ()


def test_metadata_are_the_signatures(stub, server):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "aocr"
    answer = stub.GetModelMetadata(request, timeout=60)
    found = get_model_metadata_pb2.SignatureDefMap()
    assert answer.metadata["signature_def"].Unpack(found)
    assert dict(found.signature_def) == dict(server.versions.current.signatures)


def of_any_size():
    """Returns an image that TensorFlow would repeat a billion times."""
    proto = tf.make_tensor_proto([IMAGES[0]], tf.string)
    proto.tensor_shape.dim[0].size = 10**9
    return proto


INVALID, NOT_FOUND = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND
REFUSED = [
    (lambda: request_of(b"no image"), INVALID, "not a readable image"),
    (lambda: request_of(IMAGES, name="wrong"), INVALID, "expected input, got wrong"),
    (lambda: request_of(tf.make_tensor_proto([1.0])), INVALID, "must be string, not float32"),
    (lambda: request_of(of_any_size()), INVALID, "has 1 values, and a shape for 1000000000"),
    (lambda: request_of(IMAGES, signature_name="x"), INVALID, 'name: "x" not found'),
    (lambda: request_of(IMAGES, model="x"), NOT_FOUND, "Latest(x)"),
    (lambda: request_of(IMAGES, model=""), INVALID, "Missing ModelSpec.name"),
    (lambda: request_of(IMAGES, version=7), NOT_FOUND, "Specific(aocr, 7)"),
    (lambda: request_of(bytes(MAX_BYTES)), grpc.StatusCode.RESOURCE_EXHAUSTED, "larger than max"),
]


@pytest.mark.parametrize(("build", "code", "message"), REFUSED, ids=[row[2] for row in REFUSED])
def test_refused_requests_say_why(stub, build, code, message):
    with pytest.raises(grpc.RpcError) as refused:
        stub.Predict(build(), timeout=60)
    assert refused.value.code() == code
    assert message in refused.value.details()


def test_calls_are_counted_beside_those_over_http(stub, server):
    def counted():
        name = 'aocr_requests_total{endpoint="grpc",status="200"} '
        lines = httpx.get(f"{server.url}/metrics").text.splitlines()
        (line,) = [line for line in lines if line.startswith(name)]
        return float(line.removeprefix(name))

    stub.Predict(request_of(IMAGES), timeout=60)
    before = counted()
    stub.Predict(request_of(IMAGES), timeout=60)
    assert counted() == before + 1


def test_a_server_with_keys_answers_only_with_one_of_them(tiny):
    with (
        live_server(tiny.saved_model, api_keys=["first", "second"], grpc_port=0) as server,
        grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel,
    ):
        stub = PredictionServiceStub(channel)
        for metadata in ([], [("authorization", "Bearer x")], [("x-api-key", "firs")]):
            with pytest.raises(grpc.RpcError) as refused:
                stub.Predict(request_of(IMAGES), timeout=60, metadata=metadata)
            assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
        for metadata in ([("authorization", "Bearer second")], [("x-api-key", "first")]):
            assert stub.Predict(request_of(IMAGES), timeout=60, metadata=metadata).outputs


def test_a_port_that_is_taken_is_named(server):
    options = GrpcOptions("127.0.0.1", server.grpc_port, MAX_BYTES)
    with pytest.raises(UserError, match=f"port {server.grpc_port} .--grpc-port."):
        GrpcServer(options, server.versions, server.application._metrics)
