"""Checks that weights of another model are loaded where they fit, and that the rest is logged."""

import logging
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf
from helpers import load_noise, records_of, white, write_records

from aocr.config import Config
from aocr.data.records import schema
from aocr.model import variable_names
from aocr.model.weights import checkpoints
from aocr.training.graph import build_train_graph
from aocr.training.options import TrainingOptions
from aocr.training.start import initial_weights
from aocr.training.start.step_plan import StepPlan

SIZES = {"attn_num_hidden": 4, "max_prediction": 2}


def model(characters, dataset, **sizes):
    config = Config(characters=characters, **(SIZES | sizes))
    return build_train_graph(config, TrainingOptions(), records_of([dataset]), StepPlan(0, 0, 1))


class Source(NamedTuple):
    """Holds a dataset, and a model with the characters "ABC" and noise for weights."""

    dataset: str
    checkpoint: str
    values: dict


class Started(NamedTuple):
    """Holds the values of a model before and after it took weights, and those of the source."""

    theirs: dict
    before: dict
    after: dict


def values_of(opened):
    return opened.run({v.op.name: v for v in tf.compat.v1.global_variables()})


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("warm")
    dataset = write_records(folder / "d.tfrecords", [schema.serialize(white(4, 4), "A")])
    theirs = model("ABC", dataset)
    with theirs.graph.as_default(), tf.compat.v1.Session(graph=theirs.graph) as opened:
        opened.run(tf.compat.v1.global_variables_initializer())
        load_noise(opened)
        checkpoints.CheckpointWriter(str(folder / "model"), keep=1).save(opened, 5)
        checkpoint = checkpoints.find_checkpoint(str(folder / "model"))
        return Source(dataset, checkpoint, values_of(opened))


def start(source, characters, **sizes):
    """Starts a model of some characters with the weights of the source."""
    ours = model(characters, source.dataset, **sizes)
    with ours.graph.as_default(), tf.compat.v1.Session(graph=ours.graph) as opened:
        opened.run(tf.compat.v1.global_variables_initializer())
        before = values_of(opened)
        initial_weights.load_matching_weights(opened, source.checkpoint, "ABC", characters)
        return Started(source.values, before, values_of(opened))


EMBEDDING, KERNEL, BIAS, *_ = variable_names.VOCABULARY_AXES


@pytest.fixture(scope="module")
def started(source):
    return start(source, "CXA")


def test_the_layers_are_taken(started):
    for name in ("conv_conv1/W", "conv_conv3/BatchNorm/moving_mean"):
        np.testing.assert_array_equal(started.after[name], started.theirs[name])
    name = "bidirectional_rnn/fw/basic_lstm_cell/kernel"
    np.testing.assert_array_equal(started.after[name], started.theirs[name])


def test_symbols_are_matched_by_character(started):
    theirs, ours = started.theirs[EMBEDDING], started.after[EMBEDDING]
    np.testing.assert_array_equal(ours[:3], theirs[:3])  # padding, GO, EOS
    np.testing.assert_array_equal(ours[[3, 5]], theirs[[5, 3]])  # C and A
    np.testing.assert_array_equal(ours[4], started.before[EMBEDDING][4])  # X
    np.testing.assert_array_equal(
        started.after[KERNEL][:, [3, 5]], started.theirs[KERNEL][:, [5, 3]]
    )
    np.testing.assert_array_equal(started.after[BIAS][[3, 5]], started.theirs[BIAS][[5, 3]])


def test_step_and_slots_are_not_taken(started):
    assert started.after["Variable"] == 0
    name = "conv_conv1/W/Adadelta"
    np.testing.assert_array_equal(started.after[name], started.before[name])


def test_what_is_fresh_is_told(source, caplog):
    caplog.set_level(logging.INFO)
    started = start(source, "AB", target_embedding_size=6)
    np.testing.assert_array_equal(started.after[EMBEDDING], started.before[EMBEDDING])
    assert f"fresh values of what is missing there or does not fit: {EMBEDDING}, " in caplog.text
    assert "Ignoring 1 character that this model lacks: 'C'" in caplog.text


def test_a_model_gives_its_cnn_and_encoder_to_one_with_two_decoders(source, caplog):
    caplog.set_level(logging.INFO)
    started = start(source, "ABC", decoder="joint")
    fresh = "ctc_decoder/kernel, ctc_decoder/bias"
    assert f"Keeping fresh values of what is missing there or does not fit: {fresh}." in caplog.text
    for name, value in started.theirs.items():
        if "Adadelta" not in name and name != "Variable":
            np.testing.assert_array_equal(started.after[name], value, err_msg=name)
