"""Answers of `aocr serve` beside those of TensorFlow Serving's own server, if it is on the PATH."""

import contextlib
import json
import re
import shutil
import socket
import subprocess
import time

import httpx
import pytest
from live_server import live_server
from rest_requests import DOCUMENTS, ERRORS, MODEL, predict


@pytest.fixture(scope="module")
def model_server(tiny, tmp_path_factory):
    """Yields a client of TensorFlow Serving's own server with the same export."""
    program = shutil.which("tensorflow_model_server")
    if not program:
        pytest.skip("tensorflow_model_server is not on the PATH")
    base = tmp_path_factory.mktemp("base")
    shutil.copytree(tiny.saved_model, base / "3")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    flags = [
        f"--rest_api_port={port}",
        "--port=0",
        "--model_name=aocr",
        f"--model_base_path={base}",
    ]
    with (
        subprocess.Popen([program, *flags], stderr=subprocess.DEVNULL) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as opened,
    ):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with contextlib.suppress(httpx.TransportError):
                if opened.get(MODEL).json()["model_version_status"][0]["state"] == "AVAILABLE":
                    break
            time.sleep(0.2)
        yield opened
        process.terminate()


@pytest.fixture(scope="module")
def client(model_server, tiny):
    """Yields a client of `aocr serve`, if there is a server to compare it with."""
    with (
        live_server(f"{tiny.versions}/00000003") as server,
        httpx.Client(base_url=server.url, timeout=120) as opened,
    ):
        yield opened


@pytest.mark.parametrize("document", DOCUMENTS, ids=range(len(DOCUMENTS)))
def test_answers_are_those_of_the_model_server(model_server, client, document):
    ours, theirs = (predict(each, document).json() for each in (client, model_server))
    assert json.loads(json.dumps(ours), parse_float=lambda _: 0) == json.loads(
        json.dumps(theirs), parse_float=lambda _: 0
    )
    numbers = [re.findall(r"0\.\d+(?:e-\d+)?", json.dumps(each)) for each in (ours, theirs)]
    assert list(map(float, numbers[0])) == pytest.approx(list(map(float, numbers[1])), rel=1e-5)


@pytest.mark.parametrize(("method", "path", "body", "status", "message"), ERRORS)
def test_errors_are_those_of_the_model_server(model_server, method, path, body, status, message):
    if "nested" in message or not path.startswith("/v1/"):
        pytest.skip("an answer of ours that differs, see docs/serving.md")
    answer = model_server.request(method, path, content=body.encode())
    assert answer.status_code == status
    assert message in answer.json()["error"]
