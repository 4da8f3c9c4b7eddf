"""Signatures besides that of images alone: they run as they are, by their names and types."""

import base64
import re

import grpc
import httpx
import pytest
import tensorflow as tf
from grpc_requests import request_of
from helpers import white
from live_server import live_server
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

from aocr.server.models.request_batching import BatchingOptions
from aocr.server.models.served_model import ServingLimits

PREDICT = "/v1/models/aocr:predict"


def signature(inputs, outputs):
    saved_model = tf.compat.v1.saved_model

    def infos(tensors):
        return {key: saved_model.build_tensor_info(tensor) for key, tensor in tensors.items()}

    return saved_model.build_signature_def(
        infos(inputs), infos(outputs), saved_model.PREDICT_METHOD_NAME
    )


def write_model(folder):
    """Writes a SavedModel that reads the size of a file, and has two more signatures."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        images = tf.compat.v1.placeholder(tf.string, name="images")
        sizes = tf.strings.length(images)
        reading = {
            "output": tf.strings.as_string(sizes),
            "probability": tf.ones_like(sizes, tf.float64) / 2,
        }
        batch = {**reading, "error": tf.zeros_like(images)}
        pixels = tf.compat.v1.placeholder(tf.float32, [None, 2], name="pixels")
        widths = tf.compat.v1.placeholder(tf.int32, [None], name="widths")
        builder = tf.compat.v1.saved_model.Builder(folder)
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            {
                "serving_default": signature({"input": images}, reading),
                "serving_batch": signature({"input": images}, batch),
                "serving_pixels": signature(
                    {"pixels": pixels, "widths": widths},
                    {"sums": tf.reduce_sum(pixels, axis=1), "next": widths + 1},
                ),
            },
        )
        builder.save()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("signatures") / "model")
    write_model(folder)
    limits = ServingLimits(BatchingOptions(4), max_pixels=100)
    with live_server(folder, limits=limits, grpc_port=0) as running:
        yield running


@pytest.fixture(scope="module")
def client(server):
    with httpx.Client(base_url=server.url, timeout=120) as opened:
        yield opened


def b64(data):
    return {"b64": base64.b64encode(data).decode()}


def test_a_signature_that_tolerates_what_is_no_image(client):
    files = [b"not an image", white(10, 10), b""]
    request = {"signature_name": "serving_batch", "inputs": {"input": [b64(f) for f in files]}}
    answer = client.post(PREDICT, json=request)
    assert answer.json() == {
        "outputs": {
            "output": [str(len(f)) for f in files],
            "probability": [0.5] * 3,
            "error": [""] * 3,
        }
    }
    large = {"signature_name": "serving_batch", "instances": [b64(white(10, 11))]}
    answer = client.post(PREDICT, json=large)
    assert answer.status_code == 400
    assert "more than 100 pixels" in answer.json()["error"]


def test_numbers_in_columns_and_rows(client):
    columns = {"inputs": {"pixels": [[1, 2.5], [3, 4]], "widths": [7, 8]}}
    answer = client.post(PREDICT, json={"signature_name": "serving_pixels", **columns})
    assert answer.json() == {"outputs": {"sums": [3.5, 7.0], "next": [8, 9]}}
    rows = {"instances": [{"pixels": [1, 2.5], "widths": 7}, {"widths": 8, "pixels": [3, 4]}]}
    answer = client.post(PREDICT, json={"signature_name": "serving_pixels", **rows})
    assert answer.json() == {
        "predictions": [{"next": 8, "sums": 3.5}, {"next": 9, "sums": 7.0}],
    }


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"pixels": [[1, 2]]}, "Missing named input: widths"),
        ({"pixels": [["x", 2]], "widths": [1]}, "not of expected type: float"),
        ({"pixels": [[1, 2, 3]], "widths": [1]}, "shape"),
        ({"pixels": [[1, 2]], "widths": 1}, "shape"),
    ],
)
def test_numbers_that_do_not_fit(client, inputs, message):
    request = {"signature_name": "serving_pixels", "inputs": inputs}
    answer = client.post(PREDICT, json=request)
    assert answer.status_code == 400
    assert message in answer.json()["error"]
    assert "\n" not in answer.json()["error"]


def test_all_signatures_are_in_the_metadata(client):
    found = client.get("/v1/models/aocr/metadata").json()["metadata"]["signature_def"]
    assert set(found["signature_def"]) == {"serving_default", "serving_batch", "serving_pixels"}
    pixels = found["signature_def"]["serving_pixels"]["inputs"]["pixels"]
    assert pixels["tensor_shape"]["dim"] == [
        {"size": "-1", "name": ""},
        {"size": "2", "name": ""},
    ]


def images_of(page):
    """Returns the counted images on a page of metrics."""
    return float(re.search(r"^aocr_images_total (\S+)$", page, re.MULTILINE)[1])


def test_other_signatures_run_over_grpc_too(server):
    pixels = tf.make_tensor_proto([[1.0, 2.0], [3.0, 4.5]])
    request = request_of(pixels, "pixels", signature_name="serving_pixels")
    request.inputs["widths"].CopyFrom(tf.make_tensor_proto([4, 5]))
    before = httpx.get(f"{server.url}/metrics").text
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        answer = PredictionServiceStub(channel).Predict(request, timeout=60)
    found = {key: tf.make_ndarray(value).tolist() for key, value in answer.outputs.items()}
    assert found == {"sums": [3.0, 7.5], "next": [5, 6]}
    counted = httpx.get(f"{server.url}/metrics").text
    assert images_of(counted) - images_of(before) == 2  # not the number of pixels
