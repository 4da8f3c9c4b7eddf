"""TFLite models of noise, read in TensorFlow's own interpreter."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from helpers import TINY, columns, encoded, load_noise, noise

from aocr.exports.formats import DYNAMIC, INT8, tflite
from aocr.inference.graph import build_serving_graph
from aocr.inference.signatures import Images, ServingSession, add_signatures
from aocr.model import config_file

IMAGES = [encoded(np.uint8(127 + 127 * noise(f"image {n}", 32, 4 + 4 * n))) for n in range(4)]
MODERN = {"backbone": "compact", "attention": "location", "padding": "masked", "decoder": "joint"}
CHANGES = {
    "0.7.6": {"bucket_widths": (8,), "attn_num_layers": 2},
    "modern": MODERN,
    "ctc": MODERN | {"read_with": "ctc", "direction": "rtl"},
}
FLEXIBLE = ("Flex", "CUSTOM", "Custom", "WHILE", "IF")


@pytest.fixture(scope="module", params=CHANGES)
def model(request, tmp_path_factory):
    """Returns a model, what it reads from the images, and a folder with its config."""
    config = dataclasses.replace(TINY, **CHANGES[request.param])
    graph = build_serving_graph(config)
    signatures = add_signatures(graph, config)
    folder = str(tmp_path_factory.mktemp("tflite"))
    config_file.write(folder, config)
    with graph.graph.as_default(), tf.compat.v1.Session() as session:
        load_noise(session)
        serving = ServingSession(
            session, graph.input, graph.output, graph.probability, signatures=signatures
        )
        images = Images(IMAGES, serving.prepare(IMAGES))
        yield serving, images, serving.readers()["serving_default"](images), folder


def read(model, quantization=None):
    serving, images, _, folder = model
    tflite.write(serving, folder, quantization)
    reader = tflite.FORMAT.load(folder)
    (read,) = reader.readers().values()
    interpreter = tflite.open_interpreter(tflite.FILE.read(folder))
    interpreter.allocate_tensors()
    return read(images), interpreter


@pytest.fixture(scope="module")
def floats(model):
    """Returns what a model without quantization reads, and an interpreter of it."""
    return read(model)


def test_it_reads_as_the_model_does_with_built_in_operations_only(model, floats):
    found, interpreter = floats
    expected = model[2]
    assert columns(found)[0] == columns(expected)[0]
    np.testing.assert_allclose(columns(found)[1], columns(expected)[1], atol=1e-5)
    names = {each["op_name"] for each in interpreter._get_ops_details()}
    assert not [name for name in names if name.startswith(FLEXIBLE)]


def test_each_character_has_its_probability(model, floats):
    _, images, expected, folder = model
    run = tflite.open_model(tflite.FILE.read(folder))
    for number, (text, *_) in enumerate(expected):
        one = {key: values[number : number + 1] for key, values in images.prepared.items()}
        outputs = run(one)
        assert outputs["characters"].shape == outputs["character_probabilities"].shape
        is_character = outputs["characters"][0] > 0
        assert is_character.tolist() == [n < len(text) for n in range(len(is_character))]
        assert ((outputs["character_probabilities"][0] > 0) == is_character).all()


@pytest.mark.parametrize("model", ["modern"], indirect=True)
def test_a_model_with_small_weights_reads_nearly_as_the_model_does(model):
    small, interpreter = read(model, tflite.Quantization(DYNAMIC, []))
    assert np.int8 in [each["dtype"] for each in interpreter.get_tensor_details()]
    expected = model[2]
    same = [(a, b) for a, b in zip(small, expected, strict=True) if a.text == b.text]
    assert same
    for one, other in same:
        assert one.probability == pytest.approx(other.probability, abs=0.2)


@pytest.mark.parametrize("model", ["modern"], indirect=True)
def test_convolutions_of_a_calibrated_model_compute_in_8_bits(model):
    found, interpreter = read(model, tflite.Quantization(INT8, IMAGES))
    assert all(0 <= each.probability <= 1.01 for each in found)
    types = {each["index"]: each["dtype"] for each in interpreter.get_tensor_details()}
    operations = interpreter._get_ops_details()
    convolutions = [each for each in operations if each["op_name"] == "CONV_2D"]
    assert len(convolutions) == 7
    for each in convolutions:
        image, kernel, *_ = each["inputs"]
        assert types[image] == types[kernel] == np.int8
    names = {each["op_name"] for each in operations}
    assert not [name for name in names if name.startswith(FLEXIBLE)]
