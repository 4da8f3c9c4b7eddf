"""Checks averages of weights: a NumPy twin, what reads them, resuming, switching on and off."""

import json
import logging
import math
import re

import numpy as np
import pytest
import tensorflow as tf
from commands import draw, run_aocr
from helpers import TINY, load_noise, records_of, white, write_records
from training_runs import train, write

from aocr.data.records import schema
from aocr.model import config_file
from aocr.model.weights import checkpoints
from aocr.training.graph import build_train_graph
from aocr.training.options import Run, TrainingOptions
from aocr.training.start.initial_weights import initialize_weights
from aocr.training.start.step_plan import StepPlan
from aocr.training.update import optimizer

AVERAGED = TrainingOptions(2, ema_decay=0.5)


def test_averages_follow_a_numpy_twin():
    names = ("w", "moving")
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        get = tf.compat.v1.get_variable
        weight = get("w", initializer=tf.constant([[1.0, -2.0]]))
        moving = get("moving", initializer=5.0, trainable=False)
        step = get("Variable", [], tf.int32, tf.zeros_initializer(), trainable=False)
        scale = tf.compat.v1.placeholder(tf.float32, [])
        options = TrainingOptions(optimizer="adam", initial_learning_rate=0.1, ema_decay=0.3)
        update = optimizer.build_update(
            scale * tf.reduce_sum(weight), lambda: [moving.assign_add(scale).op], step, options, 9
        )
        session.run(tf.compat.v1.global_variables_initializer())
        variables = {v.op.name: v for v in tf.compat.v1.global_variables()}
        for name in names:
            variables[f"{name}/EMA"].load(session.run(variables[name]), session)
        expected = session.run({name: variables[name] for name in names})
        for number, value in enumerate([1.0, -3.0, math.nan, 0.5, 2.0, 1.0]):
            applied = session.run((update.applied, update.step), {scale: value})[0]
            after = session.run(variables)
            decay = min(0.3, (1 + number) / (10 + number))
            for name in names:
                if applied:
                    expected[name] = decay * expected[name] + (1 - decay) * after[name]
                np.testing.assert_allclose(after[f"{name}/EMA"], expected[name], rtol=1e-5)
    assert {name for name in after if name.endswith("/EMA")} == {"w/EMA", "moving/EMA"}
    assert not np.allclose(after["w/EMA"], after["w"])


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    path = tmp_path_factory.mktemp("averages") / "d.tfrecords"
    return write_records(path, [schema.serialize(white(4, 4), "A")])


def build(dataset, options):
    return build_train_graph(TINY, options, records_of([dataset]), StepPlan(0, 0, 9))


def model_variables(graph):
    with graph.as_default():
        names = {v.op.name for v in tf.compat.v1.global_variables()}
    return {n for n in names if n != "Variable" and not re.search("/(Adadelta(_1)?|EMA)$", n)}


def test_every_variable_of_the_model_has_an_average(dataset):
    plain, averaged = (build(dataset, options).graph for options in (TrainingOptions(2), AVERAGED))
    with averaged.as_default():
        names = {v.op.name for v in tf.compat.v1.global_variables()}
    model = model_variables(plain)
    assert model_variables(averaged) == model
    assert {name for name in names if name.endswith("/EMA")} == {f"{name}/EMA" for name in model}
    assert "conv_conv3/BatchNorm/moving_variance/EMA" in names


def save_noise(dataset, folder, options):
    """Saves a model of noise; returns the checkpoint and its values by name."""
    model = build(dataset, options)
    with model.graph.as_default(), tf.compat.v1.Session(graph=model.graph) as session:
        session.run(tf.compat.v1.global_variables_initializer())
        values = load_noise(session)
        checkpoints.CheckpointWriter(str(folder), keep=1).save(session, 5)
    config_file.write(str(folder), TINY)
    return checkpoints.find_checkpoint(str(folder)), values


@pytest.fixture(scope="module")
def averaged(dataset, tmp_path_factory):
    """Saves a model with averages; returns the checkpoint and its values by name."""
    return save_noise(dataset, tmp_path_factory.mktemp("averaged"), AVERAGED)


def started(dataset, options, **run):
    """Returns the values of a run's variables before its first step."""
    model = build(dataset, options)
    place = Run([], [], "m", None, True, None, -1, "float32")._replace(**run)
    with model.graph.as_default(), tf.compat.v1.Session(graph=model.graph) as session:
        initialize_weights(session, place, TINY)
        return session.run({v.op.name: v for v in tf.compat.v1.global_variables()})


def test_averages_start_from_the_weights_when_switched_on(dataset, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    checkpoint, values = save_noise(dataset, tmp_path, TrainingOptions(2))
    found = started(dataset, AVERAGED, checkpoint=checkpoint)
    for name in ("conv_conv1/W", "conv_conv3/BatchNorm/moving_variance"):
        np.testing.assert_array_equal(found[name], values[name])
        np.testing.assert_array_equal(found[f"{name}/EMA"], values[name])
    assert f"{checkpoint} has no averages of weights: they start from its weights." in caplog.text


def test_averages_are_dropped_when_switched_off(dataset, averaged, caplog):
    caplog.set_level(logging.INFO)
    checkpoint, values = averaged
    found = started(dataset, TrainingOptions(2), checkpoint=checkpoint)
    np.testing.assert_array_equal(found["conv_conv1/W"], values["conv_conv1/W"])
    assert f"The averages of weights in {checkpoint} are dropped" in caplog.text


def test_a_resumed_run_restores_weights_and_averages(dataset, averaged, caplog):
    caplog.set_level(logging.INFO)
    checkpoint, values = averaged
    found = started(dataset, AVERAGED, checkpoint=checkpoint)
    for name in ("conv_conv1/W", "conv_conv1/W/EMA"):
        np.testing.assert_array_equal(found[name], values[name])
    assert "averages" not in caplog.text


def test_a_warm_start_reads_the_averages(dataset, averaged):
    checkpoint, values = averaged
    found = started(dataset, AVERAGED, init_from=checkpoint.rpartition("/")[0])
    for name in ("conv_conv1/W", "conv_conv1/W/EMA"):
        np.testing.assert_array_equal(found[name], values["conv_conv1/W/EMA"])


FLAGS = (
    *("--seed=3", "--ema-decay=0.8", "--label-smoothing=0.1", "--optimizer=adamw"),
    *("--max-steps=6", "--validation=d.tfrecords", "--model-dir=whole"),
)


def values_of(folder, step=6):
    reader = tf.train.load_checkpoint(str(folder / f"model.ckpt-{step}"))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def test_a_test_reads_the_averages_as_if_they_were_the_weights(tmp_path):
    folder = tmp_path
    write(folder / "d.tfrecords", [(draw(word), word) for word in ("AB", "BA", "CAB") * 3])
    log = train(folder, *FLAGS)
    values = values_of(folder / "whole")
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        for name, value in values.items():
            if name.endswith("/EMA"):
                variable = name.removesuffix("/EMA")
                tf.compat.v1.get_variable(variable, initializer=tf.constant(value))
        session.run(tf.compat.v1.global_variables_initializer())
        checkpoints.CheckpointWriter(str(folder / "averages"), keep=1).save(session, 6)
    config = (folder / "whole/config.json").read_text()
    (folder / "averages/config.json").write_text(config)
    tested = [
        run_aocr(
            *("test", "d.tfrecords", "--json", f"--model-dir={name}", "--checkpoint=latest"),
            cwd=folder,
            check=0,
        )
        for name in ("whole", "averages")
    ]
    metrics = [json.loads(each.stdout) for each in tested]
    assert metrics[0] == metrics[1]
    assert "Reading the averages of " in tested[0].stderr
    assert "Reading the averages of " not in tested[1].stderr
    validated = re.findall(r"Validation: .* loss (\S+), on", log)
    assert float(validated[-1]) == pytest.approx(metrics[0]["loss"], abs=1e-6)


def test_the_smoothed_loss_is_that_of_training_only(dataset):
    smoothed, plain = (
        build(dataset, TrainingOptions(2, seed=1, dropout=0.0, label_smoothing=share))
        for share in (0.5, 0.0)
    )
    losses = []
    for model in (smoothed, plain):
        with model.graph.as_default(), tf.compat.v1.Session(graph=model.graph) as session:
            session.run(tf.compat.v1.global_variables_initializer())
            load_noise(session)
            session.run(model.start)
            losses.append(session.run(model.loss))
    assert losses[0] != pytest.approx(losses[1], rel=1e-3)
