"""The server beyond the REST: batching, keys, health, metrics, the log, versions, `/read`."""

import base64
import io
import json
import logging
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from helpers import encoded
from live_server import live_server
from tiny_model import add_version, picture, png

import aocr
from aocr.server.models.request_batching import BatchingOptions
from aocr.server.models.served_model import ServingLimits

PREDICT = "/v1/models/aocr:predict"
KEYS = ("first key", "second")


def request_of(name):
    return {"inputs": {"input": {"b64": base64.b64encode(png(name)).decode()}}}


@pytest.fixture(scope="module")
def server(tiny):
    limits = ServingLimits(BatchingOptions(4, timeout=0.05), max_pixels=10_000)
    with live_server(tiny.model_dir, limits=limits) as running:
        yield running


@pytest.fixture(scope="module")
def client(server):
    limits = httpx.Limits(max_connections=64)
    with httpx.Client(base_url=server.url, timeout=120, limits=limits) as opened:
        yield opened


def metric(client, name):
    lines = client.get("/metrics").text.splitlines()
    return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} "))


def test_concurrent_requests_are_batched_and_a_bad_one_fails_alone(client):
    expected = {name: client.post(PREDICT, json=request_of(name)).json() for name in "abcd"}
    before = metric(client, "aocr_batch_size_count"), metric(client, "aocr_batch_size_sum")
    bad = {"inputs": {"input": {"b64": base64.b64encode(png("a")[:-60]).decode()}}}
    with ThreadPoolExecutor(8) as threads:
        names = list("abcd") * 6
        answers = [threads.submit(client.post, PREDICT, json=request_of(n)) for n in names]
        refused = [threads.submit(client.post, PREDICT, json=bad) for _ in range(6)]
    for name, answer in zip(names, answers, strict=True):
        (found,), (wanted,) = answer.result().json().values(), expected[name].values()
        assert found["output"] == wanted["output"]
        assert found["probability"] == pytest.approx(wanted["probability"], rel=1e-5)
    assert {answer.result().status_code for answer in refused} == {400}
    batches = metric(client, "aocr_batch_size_count") - before[0]
    images = metric(client, "aocr_batch_size_sum") - before[1]
    assert images >= 24
    assert batches < images


def test_read_returns_each_character_with_its_attention(client, tiny):
    with aocr.load(tiny.model_dir) as reader:
        expected = reader.read(png("a"), attention=True)
    answer = client.post("/read?attention=1", content=png("a"))
    assert answer.status_code == 200
    found = answer.json()
    assert (found["text"], found["model"], found["version"]) == (expected.text, "aocr", "1")
    assert found["probability"] == pytest.approx(expected.probability, rel=1e-5)
    characters = found["characters"]
    assert "".join(each["character"] for each in characters) == expected.text
    for each, probability, weights in zip(
        characters, expected.character_probabilities, expected.attention, strict=True
    ):
        assert each["probability"] == pytest.approx(probability, rel=1e-5)
        assert each["attention"] == pytest.approx(weights.tolist(), abs=1e-4)
    plain = client.post("/read", content=png("a")).json()
    assert all("attention" not in each for each in plain["characters"])


def test_read_takes_what_predict_takes(client):
    expected = client.post("/read", content=png("a")).json()["text"]
    for form in ("TIFF", "WEBP"):
        options = {"lossless": True} if form == "WEBP" else {}
        file = io.BytesIO()
        picture("a").save(file, form, **options)
        assert client.post("/read", content=file.getvalue()).json()["text"] == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no image"),
        (b"x", "not a readable image"),
        (png("a")[:-60], "not a whole PNG image"),
        (encoded(picture("a").resize((200, 51))), "more than 10000 pixels"),
    ],
)
def test_read_refuses_what_is_not_an_image(client, content, message):
    answer = client.post("/read", content=content)
    assert answer.status_code == 400
    assert message in answer.json()["error"]


def test_read_explains_how_to_send_a_file(client):
    answer = client.post("/read", files={"image": png("a")})
    assert answer.status_code == 400
    assert "--data-binary" in answer.json()["error"]


def test_health_and_readiness(server, client):
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["version"]) == (200, "1")
    server.application.is_stopping = True
    try:
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz").status_code == 200
    finally:
        server.application.is_stopping = False


def test_metrics_count_requests_images_and_errors(client):
    client.post(PREDICT, json=request_of("a"))
    images = metric(client, "aocr_images_total")
    client.post(PREDICT, json={"inputs": {"input": [request_of("a")["inputs"]["input"]] * 3}})
    client.post(PREDICT, content=b"bad")
    client.get("/a/path/of/nobody")
    assert metric(client, "aocr_images_total") - images == 3
    assert metric(client, 'aocr_requests_total{endpoint="rest_post",status="400"}') >= 1
    assert metric(client, 'aocr_errors_total{endpoint="other"}') >= 1
    assert metric(client, "aocr_waiting_images") == 0
    assert metric(client, "aocr_model_version") == 1
    assert "nobody" not in client.get("/metrics").text


def access_line(caplog, path):
    """Returns the line about a path; it may come a moment after the answer."""
    for _ in range(100):
        records = [r for r in caplog.records if r.name == "aocr.access"]
        for line in map(json.loads, (record.message for record in records)):
            if line["path"] == path:
                return line
        time.sleep(0.05)
    raise AssertionError(f"no line about {path}")


def test_the_access_log_has_a_line_of_json_for_each_request(client, caplog):
    caplog.set_level(logging.INFO, "aocr.access")
    client.post(PREDICT, json=request_of("a"))
    client.get("/v1/models/x%0Ay")
    first, second = (access_line(caplog, path) for path in (PREDICT, "/v1/models/x\ny"))
    assert (first["method"], first["path"], first["status"]) == ("POST", PREDICT, 200)
    assert (first["client"], first["images"]) == ("127.0.0.1", 1)
    assert first["milliseconds"] > 0
    assert first["bytes"] > 0
    assert (second["path"], second["status"]) == ("/v1/models/x\ny", 404)


def test_a_server_with_keys_answers_only_with_one_of_them(tiny):
    with (
        live_server(tiny.model_dir, api_keys=KEYS) as server,
        httpx.Client(base_url=server.url, timeout=120) as client,
    ):
        for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic second"}):
            for answer in (
                client.post(PREDICT, json=request_of("a"), headers=headers),
                client.post("/read", content=png("a"), headers=headers),
                client.get("/metrics", headers=headers),
                client.get("/v1/models/aocr", headers=headers),
            ):
                assert answer.status_code == 401
                assert list(answer.json()) == ["error"]
        for key in KEYS:
            for headers in ({"Authorization": f"Bearer {key}"}, {"X-API-Key": key}):
                answer = client.post(PREDICT, json=request_of("a"), headers=headers)
                assert answer.status_code == 200
        for path in ("/", "/healthz", "/readyz"):
            assert client.get(path).status_code == 200


def test_a_new_version_is_loaded_without_a_failed_request(tiny, tmp_path):
    versions = tmp_path / "versions"
    shutil.copytree(f"{tiny.versions}/1", versions / "1")
    with (
        live_server(str(versions), poll_seconds=3600) as server,
        httpx.Client(base_url=server.url, timeout=120) as client,
        ThreadPoolExecutor(4) as threads,
    ):
        done = []

        def ask(_):
            while not done:
                assert client.post(PREDICT, json=request_of("a")).status_code == 200
            return client.get("/readyz").json()["version"]

        running = [threads.submit(ask, number) for number in range(3)]
        (versions / "2").mkdir()
        (versions / "2" / "saved_model.pb").write_bytes(b"broken")
        server.versions.look()
        assert client.get("/readyz").json()["version"] == "1"
        add_version(tiny, "10", str(versions))
        server.versions.look()
        done.append(True)
        assert {each.result(60) for each in running} == {"10"}
        states = client.get("/v1/models/aocr").json()["model_version_status"]
        found = {each["version"]: each["state"] for each in states}
        assert found == {"1": "END", "2": "END", "10": "AVAILABLE"}
        (broken,) = client.get("/v1/models/aocr/versions/2").json()["model_version_status"]
        assert "cannot load the export" in broken["status"]["error_message"]
        gone = client.post("/v1/models/aocr/versions/1:predict", json=request_of("a"))
        assert gone.status_code == 404
