"""Texts that are known beforehand, in `predict` and in exports, with a model of noise."""

import base64
import dataclasses
import functools
import re

import httpx
import numpy as np
import pytest
import tensorflow as tf
from helpers import TINY, encoded, load_noise, noise
from live_server import live_server
from PIL import Image

from aocr.exports.export import ExportRequest, export
from aocr.exports.formats import frozengraph, savedmodel
from aocr.inference.graph import build_serving_graph
from aocr.model.search.known_texts import lexicon_automaton, pattern_automaton
from aocr.model.search.text_search import Search
from aocr.reading import reader, remote
from aocr.reading.checkpoint_backend import CheckpointBackend
from aocr.reading.remote import RestClient

CTC = dataclasses.replace(TINY, decoder="ctc")
PATTERN = "BA|A[AB]?B"
NAMES = "abc"


@pytest.fixture(scope="module", params=[TINY, CTC], ids=["attention", "ctc"])
def read(request, tmp_path_factory):
    """Returns what `predict` reads with a pattern, and the folder of a model and its exports."""
    folder, config = tmp_path_factory.mktemp("model"), request.param
    search = Search(pattern_automaton(PATTERN, config), top=2)
    with build_serving_graph(config).graph.as_default(), tf.compat.v1.Session() as session:
        load_noise(session)
        path = str(folder / "model.ckpt-1")
        checkpoint = tf.compat.v1.train.Saver().save(session, path, write_meta_graph=False)
    for name in NAMES:
        pixels = (127 * noise(name, 32, 16) + 128).astype(np.uint8)
        (folder / name).write_bytes(encoded(Image.fromarray(pixels)))
    for export_format in ("savedmodel", "frozengraph"):
        request = ExportRequest(
            checkpoint, f"{folder}/{export_format}", export_format, gpu_id=-1, search=search
        )
        export(config, request)
    paths = [f"{folder}/{name}" for name in NAMES]
    load = functools.partial(CheckpointBackend, config, checkpoint, -1, search=search)
    found = reader.read_paths(load, paths)
    return [reading for _, reading in found], folder


def test_predictions_match_the_pattern(read):
    for prediction in read[0]:
        assert prediction.is_exact
        first, second = prediction.readings
        assert first == (prediction.text, prediction.probability)
        assert first.probability >= second.probability > 0
        assert first.text != second.text
        assert all(re.fullmatch(PATTERN, text) for text, _ in prediction.readings)
        assert len(prediction.character_probabilities) == len(prediction.text)


def test_the_saved_model_reads_as_predict(read):
    predictions, folder = read
    serving = savedmodel.load(f"{folder}/savedmodel")
    saved = tf.compat.v1.saved_model
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        loaded = saved.load(session, [saved.SERVING], f"{folder}/savedmodel")
        outputs = loaded.signature_def["serving_default"].outputs
        fetches = {key: info.name for key, info in outputs.items()}
        images = [(folder / name).read_bytes() for name in NAMES]
        feed = {serving.input.name: images}
        found = session.run(fetches, feed)
        scalar = session.run(fetches, {serving.input.name: images[0]})
    check(found["output"], found["probability"], predictions)
    assert found["exact"].tolist() == [True] * 3
    for row, prediction in enumerate(predictions):
        texts = [text.decode() for text in found["readings"][row]]
        assert texts == [text for text, _ in prediction.readings]
        np.testing.assert_allclose(
            found["reading_probabilities"][row], [p for _, p in prediction.readings], rtol=1e-4
        )
    assert scalar["readings"].shape == (2,)
    assert scalar["exact"].shape == ()


def test_a_server_of_the_saved_model_answers_with_its_readings(read):
    predictions, folder = read
    images = [{"b64": base64.b64encode((folder / name).read_bytes()).decode()} for name in NAMES]
    with live_server(f"{folder}/savedmodel") as server:
        url = f"{server.url}/v1/models/aocr:predict"
        found = httpx.post(url, json={"inputs": images}, timeout=120).json()["outputs"]
        client = RestClient(server.url)
        answered = [each for _, each in remote.predict(client, [f"{folder}/a"], 1)]
    check([text.encode() for text in found["output"]], found["probability"], predictions)
    assert found["readings"] == [[text for text, _ in each.readings] for each in predictions]
    assert found["exact"] == [True] * 3
    assert [each.text for each in answered] == [predictions[0].text]


def test_the_frozen_graph_reads_as_predict(read):
    predictions, folder = read
    serving = frozengraph.load(f"{folder}/frozengraph")
    images = [(folder / name).read_bytes() for name in NAMES]
    fetches = serving.output, serving.probability, "readings:0", "readings_are_exact:0"
    with serving.session as session:
        texts, probabilities, readings, exact = session.run(fetches, {serving.input: images})
    check(texts, probabilities, predictions)
    assert readings[:, 0].tolist() == texts.tolist()
    assert exact.tolist() == [True] * 3


def check(texts, probabilities, predictions):
    """Compares the first readings with those of `predict`."""
    assert [text.decode() for text in texts] == [each.text for each in predictions]
    expected = [each.probability for each in predictions]
    np.testing.assert_allclose(probabilities, expected, rtol=1e-4)


def test_the_graph_does_not_grow_with_the_length_of_a_text():
    def nodes(config):
        search = Search(lexicon_automaton(["AB"], config, "lexicon"))
        definition = build_serving_graph(config, search=search).graph.as_graph_def()
        return len(definition.node) + sum(len(f.node_def) for f in definition.library.function)

    assert nodes(TINY) == nodes(dataclasses.replace(TINY, max_prediction=50))
