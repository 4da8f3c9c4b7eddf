"""The signatures for batches and for pixels, of models of noise, against `serving_default`."""

import dataclasses
import re

import numpy as np
import pytest
import tensorflow as tf
from helpers import TINY, encoded, load_noise, noise

from aocr.charset import Charset
from aocr.data.images.preprocessing import Prepared
from aocr.inference.graph import build_serving_graph
from aocr.inference.signatures import add_signatures
from aocr.model.search.known_texts import pattern_automaton
from aocr.model.search.text_search import Search

IMAGES = [encoded(np.uint8(127 + 127 * noise(f"image {n}", 32, 4 + 4 * n))) for n in range(4)]
CUT = IMAGES[1][:-40]
CHANGES = {
    "0.7.6": {},
    "modern": {
        "backbone": "compact",
        "attention": "location",
        "padding": "masked",
        "decoder": "joint",
        "direction": "rtl",
    },
    "search": {},
    "ctc search": {"decoder": "ctc"},
}
PATTERN = "BA|A[AB]?B"


@pytest.fixture(scope="module", params=CHANGES)
def served(request):
    """Returns functions that answer as `serving_default` and as the other signatures do."""
    config = dataclasses.replace(TINY, **CHANGES[request.param])
    search = None
    if request.param.endswith("search"):
        search = Search(pattern_automaton(PATTERN, config), top=2)
    model = build_serving_graph(config, search=search)
    signatures = {each.name: each for each in add_signatures(model, config, with_attention=True)}
    with model.graph.as_default(), tf.compat.v1.Session() as session:
        load_noise(session)

        def default(images):
            fetches = model.output, model.probability
            return session.run(fetches, {model.input: images})

        def search_outputs(images):
            return session.run(model.search_outputs, {model.input: images})

        def call(name, **inputs):
            signature = signatures[name]
            assert inputs.keys() == signature.inputs.keys()
            feed = {signature.inputs[key]: value for key, value in inputs.items()}
            return session.run(signature.outputs, feed)

        def prepare(images):
            return Prepared(*session.run(model.prepared, {model.input: images}))

        yield config, default, call, prepare, search_outputs


@pytest.mark.parametrize("count", [1, 4])
def test_a_batch_reads_as_serving_default(served, count):
    _, default, call, *_ = served
    texts, probabilities = default(IMAGES[:count])
    found = call("serving_batch", input=IMAGES[:count])
    assert list(found["output"]) == list(texts)
    np.testing.assert_allclose(found["probability"], probabilities, rtol=1e-6)
    assert list(found["error"]) == [b""] * count


def test_undecodable_images_are_read_as_empty_without_failing_the_others(served):
    _, default, call, *_ = served
    texts, probabilities = default(IMAGES[:2])
    found = call("serving_batch", input=[b"", IMAGES[0], CUT, b"no image", IMAGES[1]])
    assert list(found["output"]) == [b"", texts[0], b"", b"", texts[1]]
    np.testing.assert_allclose(
        found["probability"], [0, probabilities[0], 0, 0, probabilities[1]], rtol=1e-4
    )
    assert [bool(reason) for reason in found["error"]] == [True, False, True, True, False]
    for key in ("characters", "character_probabilities", "attention"):
        assert not found[key][[0, 2, 3]].any()


def test_all_images_of_a_batch_may_be_undecodable(served):
    _, _, call, *_ = served
    found = call("serving_batch", input=[b"", CUT])
    assert list(found["output"]) == [b"", b""]
    assert not found["probability"].any()
    assert all(found["error"])


def test_each_character_has_its_symbol_and_its_probability(served):
    config, _, call, *_ = served
    found = call("serving_batch", input=IMAGES)
    symbols = Charset(config.characters).symbols
    for text, row, probabilities in zip(
        found["output"], found["characters"], found["character_probabilities"], strict=True
    ):
        assert "".join(symbols[each] for each in row if each) == text.decode()
        length = len(text)
        assert (probabilities[:length] > 0).all()
        assert (probabilities[:length] <= 1).all()
        assert not probabilities[length:].any()
    attention = found["attention"].sum(axis=2)
    assert ((attention > 0) == (found["characters"] > 0)).all()
    assert (attention < 1.0001).all()


def test_prepared_pixels_read_as_their_files(served):
    config, _, call, prepare, _ = served
    prepared = prepare(IMAGES)
    inputs = {"pixels": prepared.pixels}
    if not config.padding_counts:
        inputs["widths"] = prepared.width
    found = call("serving_pixels", **inputs)
    expected = call("serving_batch", input=IMAGES)
    assert not expected.pop("error").any()
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        np.testing.assert_array_equal(found[key], values, err_msg=key)


@pytest.mark.parametrize("served", ["search", "ctc search"], indirect=True)
def test_a_search_answers_in_a_batch_too(served):
    *_, call, _, search_outputs = served
    expected = search_outputs([IMAGES[1], IMAGES[0], IMAGES[2]])
    found = call("serving_batch", input=[IMAGES[1], CUT, IMAGES[0], IMAGES[2]])
    decoded = [0, 2, 3]
    assert found["readings"][decoded].tolist() == expected["readings"].tolist()
    assert found["readings"][:, 0].tolist() == found["output"].tolist()
    assert found["exact"].tolist() == [True, False, True, True]
    assert found["readings"][1].tolist() == [b"", b""]
    assert all(re.fullmatch(PATTERN, text.decode()) for text in expected["readings"].ravel())
    key = "reading_probabilities"
    np.testing.assert_allclose(found[key][decoded], expected[key], rtol=1e-4)
    assert not found[key][1].any()


def test_signatures_share_what_is_searched():
    config = dataclasses.replace(TINY, max_prediction=11)
    search = Search(pattern_automaton("A{5}[AB]{3}BAB", config))
    model = build_serving_graph(config, search=search)
    add_signatures(model, config)
    content = model.graph.as_graph_def().SerializeToString()
    assert content.count(search.automaton.symbol.tobytes()) == 1


def test_attention_is_given_on_request_only_and_no_variable_is_added():
    model = build_serving_graph(TINY)
    with model.graph.as_default():
        before = [variable.name for variable in tf.compat.v1.global_variables()]
        for signature in add_signatures(model, TINY):
            assert "attention" not in signature.outputs
        assert [variable.name for variable in tf.compat.v1.global_variables()] == before
