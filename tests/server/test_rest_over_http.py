"""TensorFlow Serving's REST over real HTTP, with an export: answers, errors, status codes."""

import contextlib
import io
import socket
import urllib.parse

import httpx
import numpy as np
import pytest
from helpers import encoded
from live_server import live_server
from PIL import Image
from rest_requests import ERRORS, MODEL, A, B, b64, predict
from tiny_model import png

import aocr
from aocr.server import limits
from aocr.server.limits import MAX_HEAD_BYTES
from aocr.server.models.request_batching import BatchingOptions
from aocr.server.models.served_model import ServingLimits

LIMITS = ServingLimits(BatchingOptions(4), max_pixels=10_000, max_body_bytes=200_000)


@pytest.fixture(scope="module")
def server(tiny):
    with live_server(f"{tiny.versions}/00000003", limits=LIMITS) as running:
        yield running


@pytest.fixture(scope="module")
def client(server):
    with httpx.Client(base_url=server.url, timeout=120) as opened:
        yield opened


@pytest.fixture(scope="module")
def expected(tiny):
    """Returns what the exported model itself reads from each image, by its name."""
    with aocr.load(tiny.saved_model) as reader:
        return {name: reader.read(png(name)) for name in "abc"}


def check(outputs, readings):
    """Compares outputs of columns with readings."""
    assert outputs["output"] == [reading.text for reading in readings]
    assert outputs["probability"] == pytest.approx([r.probability for r in readings], rel=1e-5)


@pytest.mark.parametrize(
    "document",
    [
        {"inputs": {"input": A}},
        {"inputs": A},
        {"signature_name": "serving_default", "inputs": {"input": A}},
        {"signature_name": "", "inputs": {"input": A}},
    ],
)
@pytest.mark.parametrize("of_version", ["", "/versions/3", "/labels/latest"])
def test_a_scalar_is_answered_by_scalars(client, expected, document, of_version):
    answer = predict(client, document, f"{MODEL}{of_version}:predict")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    (outputs,) = answer.json().values()
    assert isinstance(outputs["probability"], float)
    check({key: [value] for key, value in outputs.items()}, [expected["a"]])


@pytest.mark.parametrize("names", ["a", "ab", "abcabcabc"])
def test_several_images_in_columns_and_rows(client, expected, names):
    images = [b64(png(name)) for name in names]
    columns = predict(client, {"inputs": {"input": images}}).json()["outputs"]
    check(columns, [expected[name] for name in names])
    for rows in (images, [{"input": image} for image in images]):
        found = predict(client, {"instances": rows}).json()["predictions"]
        as_columns = {key: [row[key] for row in found] for key in ("output", "probability")}
        check(as_columns, [expected[name] for name in names])


def test_the_shape_of_the_input_is_that_of_the_outputs(client, expected):
    outputs = predict(client, {"inputs": [[A], [B]]}).json()["outputs"]
    assert np.shape(outputs["output"]) == (2, 1)
    (row,) = predict(client, {"instances": [[A, B]]}).json()["predictions"]
    check(row, [expected["a"], expected["b"]])


CUT = png("a")[:-60]


def test_the_frames_of_a_gif_count(client):
    frames = [Image.new("L", (60, 60), color) for color in (0, 100, 200)]
    gif = encoded(frames[0], "GIF")
    assert predict(client, {"inputs": b64(gif)}).status_code == 200
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    answer = predict(client, {"inputs": b64(file.getvalue())})
    assert answer.status_code == 400
    assert "3 frames" in answer.json()["error"]


@pytest.mark.parametrize(("method", "path", "body", "status", "message"), ERRORS)
def test_errors_have_the_status_and_the_form_of_serving(
    client, method, path, body, status, message
):
    answer = client.request(method, path, content=body.encode())
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["error"]
    assert message in answer.json()["error"]
    assert answer.status_code == status


def test_no_images_are_answered_by_what_the_graph_says(client):
    answer = predict(client, {"inputs": {"input": []}})
    if answer.status_code == 200:
        assert answer.json() == {"outputs": {"output": [], "probability": []}}
    else:
        assert (answer.status_code, list(answer.json())) == (400, ["error"])


def test_status_of_the_versions(client):
    status = {
        "model_version_status": [
            {
                "version": "3",
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
    }
    for path in (MODEL, f"{MODEL}/versions/3", f"{MODEL}/labels/latest", "/V1/MODELS/aocr"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()) == (200, status)
        assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", [MODEL, f"{MODEL}/versions/3", f"{MODEL}/labels/latest"])
def test_metadata_are_the_signatures(client, path):
    found = client.get(f"{path}/metadata").json()
    assert found["model_spec"] == {"name": "aocr", "signature_name": "", "version": "3"}
    signature = found["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["method_name"] == "tensorflow/serving/predict"
    assert list(signature["inputs"]) == ["input"]
    images = signature["inputs"]["input"]
    assert images == {
        "name": "input_image_as_bytes:0",
        "dtype": "DT_STRING",
        "tensor_shape": {"dim": [], "unknown_rank": True},
    }
    types = {key: info["dtype"] for key, info in signature["outputs"].items()}
    assert types == {"output": "DT_STRING", "probability": "DT_DOUBLE"}


def test_preflight_requests_are_answered_as_by_serving(client):
    assert client.options(MODEL, headers={"Origin": "https://example.org"}).status_code == 200
    answer = client.options(MODEL)
    assert answer.status_code == 400
    assert "access-control-allow-origin" not in answer.headers


def connection(server):
    """Returns a connection, which waits at most a minute."""
    address = urllib.parse.urlsplit(server.url)
    return socket.create_connection((address.hostname, address.port), timeout=60)


def raw_answer(server, request, at_most=200, wants_body=False):
    """Returns the beginning of the answer to bytes that are sent as they are, at least its head."""
    with connection(server) as opened:
        opened.sendall(request)
        found = b""
        while len(found) < at_most and (part := opened.recv(at_most)):
            found += part
            if b"\r\n\r\n" in found and not wants_body:
                break
        return found


def test_a_large_body_is_refused_before_it_is_sent(server):
    header = f"POST {MODEL}:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 200001\r\n\r\n"
    assert raw_answer(server, header.encode()).startswith(b"HTTP/1.1 413 ")


def test_a_large_body_without_a_length_is_refused_once_it_is_too_large(server):
    head = f"POST {MODEL}:predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"186a0\r\n" + b" " * 100_000 + b"\r\n"
    assert raw_answer(server, head.encode() + 3 * chunk).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("part", ["path", "header", "headers", "trailer", "chunk extension"])
def test_a_request_that_never_comes_to_its_end_is_refused(server, part):
    chunked = b"POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"
    beginning, repeated = {
        "path": (b"GET /", b"a"),
        "header": (b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: ", b"a"),
        "headers": (b"GET / HTTP/1.1\r\nHost: x\r\n", b"a: b\r\n"),
        "trailer": (chunked + b"0\r\nX-Long: ", b"a"),
        "chunk extension": (chunked + b"1;", b"a"),
    }[part]
    sent = beginning + repeated * (2 * MAX_HEAD_BYTES // len(repeated))
    assert raw_answer(server, sent).startswith(b"HTTP/1.1 400 ")


def test_bodies_may_come_in_chunks_of_one_byte(server):
    head = f"POST {MODEL}:predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".encode()
    head += b"Transfer-Encoding: chunked\r\n\r\n"
    body = b"".join(b"1\r\n%c\r\n" % byte for byte in b" " * MAX_HEAD_BYTES + b"{}")
    answer = raw_answer(server, head + body + b"0\r\n\r\n", 2000, wants_body=True)
    assert b"Missing 'inputs' or 'instances' key" in answer


@pytest.mark.parametrize("sent", [b"", b"POST /read HTTP/1.1\r\nHost: x\r\nX-"])
def test_a_connection_whose_request_does_not_come_in_time_is_closed(server, monkeypatch, sent):
    monkeypatch.setattr(limits, "HEAD_SECONDS", 0.1)
    with connection(server) as slow:
        slow.sendall(sent)
        assert slow.recv(1) == b""


def test_a_body_that_does_not_come_in_time_is_not_waited_for(server, monkeypatch):
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.1)
    with connection(server) as slow:
        slow.sendall(b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc")
        assert slow.recv(1) == b""


def test_of_too_many_connections_the_one_that_waits_longest_is_closed(server, monkeypatch):
    monkeypatch.setattr(limits, "MAX_CONNECTIONS", 3)
    with contextlib.ExitStack() as stack:
        waiting = []
        for _ in range(3):
            waiting.append(stack.enter_context(connection(server)))
            waiting[-1].sendall(b"GET /")
        answer = httpx.get(f"{server.url}/healthz")
        assert answer.json() == {"status": "ok"}
        assert waiting[0].recv(1) == b""


def test_what_is_not_http_is_refused(server):
    assert raw_answer(server, b"\x00\x01garbage\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_a_model_directory_and_a_frozen_graph_answer_alike(tiny, expected):
    for model in (tiny.model_dir, tiny.frozen_graph):
        with (
            live_server(model, name="other", limits=LIMITS) as server,
            httpx.Client(base_url=server.url, timeout=120) as client,
        ):
            path = "/v1/models/other:predict"
            outputs = predict(client, {"inputs": [A, B]}, path).json()["outputs"]
            check(outputs, [expected["a"], expected["b"]])
            assert predict(client, {"inputs": b64(CUT)}, path).status_code == 400
            one = predict(client, {"instances": [A]}, path).json()["predictions"]
            assert [row["output"] for row in one] == [expected["a"].text]
