"""Tests the serving graph: its contract with clients, and that nothing of training is in it."""

import io

import numpy as np
import pytest
import tensorflow as tf
from helpers import TINY, encoded, load_noise, noise, white
from PIL import Image

from aocr.charset import EOS_ID, Charset
from aocr.config import Config
from aocr.inference.graph import build_serving_graph

FILES = [encoded(np.uint8(127 + 127 * noise(f"image {n}", 32, 16))) for n in range(3)]


@pytest.fixture(scope="module")
def serving():
    """Returns a serving graph and a session on it, with noise for weights."""
    model = build_serving_graph(TINY)
    with model.graph.as_default(), tf.compat.v1.Session() as session:
        load_noise(session)
        yield model, session


def by_name(serving, images):
    """Returns what a client of the frozen graph gets."""
    _, session = serving
    names = "prediction:0", "probability:0"
    return session.run(names, {"input_image_as_bytes:0": images})


def by_signature(serving, images):
    """Returns what a client of the signature gets."""
    model, session = serving
    return session.run((model.output, model.probability), {model.input: images})


@pytest.mark.parametrize("images", [FILES[0], FILES[:1]], ids=["scalar", "vector of one"])
def test_names_give_scalars_for_one_image(serving, images):
    prediction, probability = by_name(serving, images)
    assert isinstance(prediction, bytes)
    assert isinstance(probability, np.float64)


def test_names_give_vectors_for_several_images(serving):
    prediction, probability = by_name(serving, FILES)
    assert prediction.shape == probability.shape == (3,)


@pytest.mark.parametrize(("images", "shape"), [(FILES[0], ()), (FILES[:1], (1,)), (FILES, (3,))])
def test_signature_gives_the_shape_of_the_input(serving, images, shape):
    output, probability = by_signature(serving, images)
    assert np.shape(output) == np.shape(probability) == shape


def test_images_read_the_same_alone_and_together(serving):
    texts, probabilities = by_signature(serving, FILES)
    alone = [by_name(serving, file) for file in FILES]
    assert list(texts) == [text for text, _ in alone]
    np.testing.assert_allclose(probabilities, [p for _, p in alone], rtol=1e-4)


def test_types_are_those_of_0_7_6(serving):
    model, _ = serving
    assert model.input.name == "input_image_as_bytes:0"
    assert model.input.dtype == model.output.dtype == tf.string
    assert model.probability.dtype == tf.float64
    get = model.graph.get_tensor_by_name
    assert get("prediction:0").dtype == tf.string
    assert get("probability:0").dtype == tf.float64


IMAGES, SYMBOLS, STEPS = (
    "map/TensorArrayStack/TensorArrayGatherV3:0",
    "transpose_1:0",
    "transpose_2:0",
)


def test_inner_tensors_have_the_names_types_and_shapes_of_0_7_6(serving):
    model, session = serving
    images, symbols, steps = session.run((IMAGES, SYMBOLS, STEPS), {model.input: FILES})
    assert (images.dtype, images.shape) == (np.float32, (3, 32, TINY.image_width, 1))
    assert (symbols.dtype, symbols.shape) == (np.int64, (3, TINY.decoder_steps))
    assert (steps.dtype, steps.shape) == (np.float32, (3, TINY.decoder_steps))
    pixels = Image.open(io.BytesIO(FILES[1]))
    np.testing.assert_array_equal(images[1, :, :16, 0], np.asarray(pixels))


@pytest.mark.parametrize("count", [1, 3])
def test_symbols_are_the_text_and_steps_its_probability(serving, count):
    model, session = serving
    fetches = model.output, model.probability, SYMBOLS, STEPS
    texts, probabilities, symbols, steps = session.run(fetches, {model.input: FILES[:count]})
    charset = Charset(TINY.characters)
    joined = ["".join(charset.symbols[symbol] for symbol in row) for row in symbols]
    assert joined == [text.decode() for text in texts]
    np.testing.assert_allclose(steps.astype(np.float64).prod(axis=1), probabilities, rtol=1e-6)


def test_steps_after_the_first_eos_are_padding_of_probability_1(serving):
    model, session = serving
    decoded = np.array([[3, EOS_ID, 4, EOS_ID, 3], [3, 4, 3, 4, 3], [EOS_ID] * 5], np.int32)
    symbols, steps = session.run(
        (SYMBOLS, STEPS), {model.input: FILES, model.decoding.symbols: decoded}
    )
    assert symbols.tolist() == [[3, EOS_ID, 0, 0, 0], [3, 4, 3, 4, 3], [EOS_ID, 0, 0, 0, 0]]
    assert (steps == 1).tolist() == [[False] * 2 + [True] * 3, [False] * 5, [False] + [True] * 4]


def test_prepared_images_may_be_fed_instead_of_files(serving):
    model, session = serving
    fetches = "prediction:0", "probability:0", SYMBOLS, STEPS
    *expected, images = session.run((*fetches, IMAGES), {model.input: FILES})
    found = session.run(fetches, {IMAGES: images})
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_serving_graph_is_on_no_device(serving):
    assert not [node.name for node in all_nodes(serving[0].graph) if node.device]


def test_serving_graph_holds_nothing_of_training(serving):
    training = ("gradients", "adadelta", "dropout", "iterator", "summary")
    names = [node.name.lower() for node in all_nodes(serving[0].graph)]
    assert not [name for name in names if any(word in name for word in training)]
    assert not [node for node in all_nodes(serving[0].graph) if "_gradient_op_type" in node.attr]
    with serving[0].graph.as_default():
        variables = [v.op.name for v in tf.compat.v1.global_variables()]
    assert "Variable" not in variables  # the global step
    assert not [name for name in variables if "Adadelta" in name]


def test_serving_graph_does_not_grow_with_the_longest_label():
    small, large = (
        build_serving_graph(Config(max_prediction=n, attn_num_hidden=4)).graph for n in (8, 170)
    )
    assert len(all_nodes(small)) == len(all_nodes(large))


def test_one_bad_image_fails_the_whole_request(serving):
    with pytest.raises(tf.errors.InvalidArgumentError):
        by_signature(serving, [white(5, 5), b"no image"])


def all_nodes(graph):
    """Returns the nodes of a graph, those in the bodies of its loops included."""
    definition = graph.as_graph_def()
    return [*definition.node, *(n for f in definition.library.function for n in f.node_def)]
