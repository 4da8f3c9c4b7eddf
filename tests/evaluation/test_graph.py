"""Tests the evaluation graph against the serving graph."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from helpers import TINY, encoded, load_noise, noise, write_records

from aocr.config import Config
from aocr.data.records import schema
from aocr.evaluation.graph import build_eval_graph, default_batch_size
from aocr.inference.graph import build_serving_graph

FILES = [encoded(np.uint8(127 + 127 * noise(f"image {n}", 32, 16))) for n in range(3)]
LABELS = ["AB", "", "BAAB"]  # the last is too long


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    path = tmp_path_factory.mktemp("graph") / "dataset.tfrecords"
    return write_records(path, map(schema.serialize, FILES, LABELS))


def test_test_graph_reads_as_the_serving_graph_and_has_a_loss(dataset):
    model = build_eval_graph(TINY, dataset, undecodable=[], batch_size=2)
    with model.graph.as_default(), tf.compat.v1.Session() as session:
        load_noise(session)
        session.run(model.start)
        fetches = (
            model.batch.record_indices,
            model.transcription.text,
            model.transcription.probability,
            model.losses,
        )
        batches = [session.run(fetches) for _ in range(2)]
    places, texts, probabilities, losses = map(np.concatenate, zip(*batches, strict=True))
    expected, expected_probabilities = read_by_serving_graph()
    assert list(places) == [0, 1, 2]
    assert list(texts) == list(expected)
    np.testing.assert_allclose(probabilities, expected_probabilities, rtol=1e-4)
    assert (losses[:2] > 0).all()
    assert np.isnan(losses[2])  # of a label that is too long


@pytest.mark.parametrize(
    ("fields", "has_loss"),
    [
        ({"decoder": "ctc"}, [False, True, True, False]),
        ({"decoder": "ctc", "direction": "rtl"}, [False, True, True, False]),
        ({"decoder": "joint", "read_with": "ctc"}, [False, True, True, False]),
        ({"decoder": "joint"}, [True, True, True, False]),
        ({"decoder": "ctc", "padding": "black"}, [True, True, True, False]),
    ],
)
def test_a_label_that_the_reading_decoder_cannot_write_has_no_loss(tmp_path, fields, has_loss):
    """The images have 2 columns; "AA" needs three, and padding that counts gives two more."""
    image = encoded(np.uint8(127 + 127 * noise("image", 32, 8)))
    rows = [schema.serialize(image, label) for label in ("AA", "AB", "", "ABAB")]
    files = [write_records(tmp_path / "d.tfrecords", rows)]
    config = dataclasses.replace(TINY, **{"padding": "masked", **fields})
    model = build_eval_graph(config, files, undecodable=[])
    with model.graph.as_default(), tf.compat.v1.Session() as session:
        load_noise(session)
        session.run(model.start)
        losses = session.run(model.losses)
    assert np.isfinite(losses).tolist() == has_loss
    assert (losses[has_loss] > 0).all()


def read_by_serving_graph():
    """Returns the texts and probabilities of the images, with noise for weights."""
    model = build_serving_graph(TINY)
    with model.graph.as_default(), tf.compat.v1.Session() as session:
        load_noise(session)
        return session.run((model.output, model.probability), {model.input: FILES})


def test_test_graph_has_the_variables_of_the_serving_graph(dataset):
    model = build_eval_graph(TINY, dataset, undecodable=[], batch_size=2)
    assert variables(model.graph) == variables(build_serving_graph(TINY).graph)


def variables(graph):
    with graph.as_default():
        return {v.op.name for v in tf.compat.v1.global_variables()}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, 64),
        ({"backbone": "compact", "max_width": 128, "max_height": 32}, 256),
        ({"backbone": "compact", "max_width": 16, "max_height": 32}, 256),
        ({"backbone": "compact", "max_width": 256, "max_height": 32}, 128),
        ({"backbone": "compact", "max_width": 2000, "max_height": 32}, 64),
    ],
)
def test_a_compact_network_reads_more_small_images_at_a_time(fields, expected):
    assert default_batch_size(Config(**fields)) == expected
