"""Calls exports as public clients of 0.7.6 do, each call in our own words.

captcha22 and sanskrit-ocr post JSON to TensorFlow Serving; attention-ocr-api loads a frozen graph.
TensorFlow Serving turns the JSON into tensors by documented rules, which `served` follows.
"""

import base64
import json

import numpy as np
import pytest
import tensorflow as tf
from commands import WORDS


@pytest.fixture(scope="module")
def images(trained):
    return [(trained.folder / image).read_bytes() for image in trained.images]


@pytest.fixture(scope="module")
def served(saved_model):
    """Returns a function that answers the body of a request as TensorFlow Serving does."""
    saved = tf.saved_model.load(str(saved_model))

    def answer(body):
        request = json.loads(body)
        name = request.get("signature_name", "serving_default")
        read = saved.signatures[name]
        outputs = read(**decoded_inputs(request, list(read.structured_input_signature[1])))
        values = {key: as_json(value.numpy()) for key, value in outputs.items()}
        if "inputs" in request:
            return {"outputs": values}
        keys = list(values)
        rows = zip(*values.values(), strict=True)
        return {"predictions": [dict(zip(keys, row, strict=True)) for row in rows]}

    return answer


def decoded_inputs(request, names):
    """Returns the tensors of a request, by the keys of the signature."""
    if "instances" in request:
        given = request["instances"]  # one row for each image
    else:
        given = request["inputs"]
        if isinstance(given, dict) and "b64" not in given:
            return {name: tf.constant(from_base64(value)) for name, value in given.items()}
    (only,) = names  # the name of a single input may be left out
    return {only: tf.constant(from_base64(given))}


def from_base64(value):
    if isinstance(value, list):
        return [from_base64(each) for each in value]
    return base64.b64decode(value["b64"])


def as_json(value):
    value = np.asarray(value)
    return (value.astype(str) if value.dtype.kind in "OS" else value).tolist()


def encoded(image):
    return {"b64": base64.b64encode(image).decode()}


def test_captcha22_posts_one_image_by_its_key_and_gets_scalars(served, images):
    body = {"signature_name": "serving_default", "inputs": {"input": encoded(images[0])}}
    outputs = served(json.dumps(body))["outputs"]
    assert outputs["output"] == WORDS[0]
    assert 0 < outputs["probability"] <= 1


@pytest.mark.parametrize("count", [1, 6])
def test_sanskrit_ocr_posts_a_list_for_the_only_input(served, images, count):
    """The client posts one image. 0.7.6 answered with a scalar (docs/differences.md)."""
    body = {"signature_name": "serving_default", "inputs": [encoded(i) for i in images[:count]]}
    outputs = served(json.dumps(body))["outputs"]
    assert outputs["output"] == list(WORDS[:count])
    assert len(outputs["probability"]) == count


@pytest.mark.parametrize("count", [1, 6])
def test_rows_are_answered_with_rows(served, images, count):
    body = {"instances": [encoded(image) for image in images[:count]]}
    predictions = served(json.dumps(body))["predictions"]
    assert [row["output"] for row in predictions] == list(WORDS[:count])


def test_attention_ocr_api_imports_the_frozen_graph_under_a_prefix(frozen_graph, images):
    definition = tf.compat.v1.GraphDef()
    definition.ParseFromString(frozen_graph.read_bytes())
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(definition, name="prefix")
    image = graph.get_tensor_by_name("prefix/input_image_as_bytes:0")
    fetches = {
        key: graph.get_tensor_by_name(f"prefix/{key}:0") for key in ("prediction", "probability")
    }
    with tf.compat.v1.Session(graph=graph) as session:
        answer = session.run(fetches, {image: [images[1]]})  # a list of one gives scalars
    assert answer["prediction"].decode() == WORDS[1]
    assert 0 < float(answer["probability"]) <= 1
