"""Random requests: every answer is one that the API describes, and the server goes on."""

import base64
import json

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from live_server import live_server
from tiny_model import png

PREDICT = "/v1/models/aocr:predict"
GOOD = {"inputs": {"input": {"b64": base64.b64encode(png("a")).decode()}}}

KEYS = st.sampled_from(["inputs", "instances", "signature_name", "input", "b64", "examples"])
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.binary(max_size=8).map(lambda data: base64.b64encode(data).decode()),
    st.just(GOOD["inputs"]["input"]),
)
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
BODIES = DOCUMENTS.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=64)
PATHS = st.lists(
    st.sampled_from(
        ["/v1", "/models", "/aocr", ":predict", "/versions", "/1", "/labels", "/..", "%00", "%2F"]
    ),
    max_size=6,
).map("".join)
METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])

QUICK = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def client(tiny):
    with live_server(tiny.saved_model) as server, httpx.Client(base_url=server.url) as opened:
        opened.timeout = 120
        yield opened


@QUICK
@given(body=BODIES)
def test_random_bodies(client, body):
    answer = client.post(PREDICT, content=body)
    assert answer.status_code in (200, 400), answer.text
    (key,) = answer.json()
    assert key in (("outputs", "predictions") if answer.status_code == 200 else ("error",))


@QUICK
@given(method=METHODS, path=PATHS)
def test_random_paths(client, method, path):
    url = f"{str(client.base_url).rstrip('/')}/{path}"
    answer = client.request(method, url, content=b"{}" if method == "POST" else None)
    assert answer.status_code in (200, 400, 404, 405), answer.text


@QUICK
@given(body=st.binary(max_size=200).map(lambda data: png("a")[:100] + data) | st.binary())
def test_random_images(client, body):
    answer = client.post("/read", content=body)
    assert answer.status_code == 400
    assert list(answer.json()) == ["error"]


def test_the_server_goes_on(client):
    assert client.post(PREDICT, json=GOOD).status_code == 200
