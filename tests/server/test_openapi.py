"""The OpenAPI document: it names all that is answered, and random requests are answered as it says.

`AOCR_FUZZ_EXAMPLES=5000 .venv/bin/pytest tests/server/test_openapi.py` draws more of them, anew.
"""

import base64
import json
import logging
import os

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from live_server import live_server
from openapi_requests import check_answer, requests_of
from tiny_model import png

from aocr.server import openapi
from aocr.server.access import ENDPOINTS, OPEN_PATHS
from aocr.server.tf_serving.rest_api import parse_path
from aocr.util.terminal.log import TRACEBACKS

PREDICT = "/v1/models/aocr:predict"
GOOD = {"inputs": {"input": {"b64": base64.b64encode(png("a")).decode()}}}
DOCUMENT = openapi.document("aocr")

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


def fuzzed(share=1.0):
    """Returns the settings of a test: the same examples each time, unless more are asked for."""
    asked = int(os.environ.get("AOCR_FUZZ_EXAMPLES", "0"))
    return settings(
        max_examples=int(share * (asked or 80)),
        derandomize=not asked,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module")
def client(tiny):
    """Yields a client; at the end the server still answers, and has logged no traceback."""
    tracebacks = []

    class Collector(logging.Handler):
        def emit(self, record):
            if record.name == TRACEBACKS or record.exc_info or "Traceback" in record.getMessage():
                tracebacks.append(self.format(record))

    collector = Collector()
    logging.getLogger().addHandler(collector)
    try:
        with live_server(tiny.saved_model) as server, httpx.Client(base_url=server.url) as opened:
            opened.timeout = 120
            yield opened
            assert opened.post(PREDICT, json=GOOD).status_code == 200
    finally:
        logging.getLogger().removeHandler(collector)
    assert not tracebacks


def test_the_document_is_served(client):
    answer = client.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == json.loads(json.dumps(DOCUMENT))


def test_the_document_names_all_paths():
    documented = {(each.method.upper(), each.path) for each in openapi.endpoints()}
    assert {path for _, path in documented if not path.startswith("/v1/")} == set(ENDPOINTS)
    for place in ("", "/versions/{version}", "/labels/{label}"):
        path = f"/v1/models/{{model}}{place}"
        for known in (("GET", path), ("GET", f"{path}/metadata"), ("POST", f"{path}:predict")):
            assert known in documented
            documented.remove(known)
            method, template = known
            parsed = parse_path(method, template.format(model="m", version=7, label="l"))
            assert parsed.model == "m"
            assert (parsed.version, parsed.label) == (
                7 if "version}" in place else None,
                "l" if "label}" in place else "",
            )
            assert parsed.verb == ("predict" if method == "POST" else "")
            assert parsed.metadata == template.endswith("/metadata")
    assert all(not path.startswith("/v1/") for _, path in documented)
    assert {each.path for each in openapi.endpoints() if each.is_open} == set(OPEN_PATHS)


@fuzzed()
@given(request=requests_of(DOCUMENT))
def test_answers_are_as_documented(client, request):
    check_answer(
        DOCUMENT, request, client.request(request.method, request.url, content=request.body)
    )


@fuzzed(0.5)
@given(body=BODIES)
def test_random_bodies(client, body):
    answer = client.post(PREDICT, content=body)
    assert answer.status_code in (200, 400), answer.text
    (key,) = answer.json()
    assert key in (("outputs", "predictions") if answer.status_code == 200 else ("error",))


@fuzzed(0.5)
@given(method=METHODS, path=PATHS)
def test_random_paths(client, method, path):
    url = f"{str(client.base_url).rstrip('/')}/{path}"
    answer = client.request(method, url, content=b"{}" if method == "POST" else None)
    assert answer.status_code in (200, 400, 404, 405), answer.text
