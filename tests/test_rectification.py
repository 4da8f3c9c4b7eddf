"""A model that straightens its images, from training and a warm start to pictures and exports."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from commands import draw
from helpers import TINY, records_of, write_records

from aocr import config_json
from aocr.data.records import schema
from aocr.evaluation.evaluator import Evaluation, evaluate
from aocr.exports import formats
from aocr.exports.export import ExportRequest, export
from aocr.model import config_file
from aocr.model.weights import checkpoints
from aocr.reading.file_predictions import predict
from aocr.report.attention import attended_picture, picture_of, save_attention
from aocr.training.graph import build_train_graph
from aocr.training.options import TrainingOptions
from aocr.training.start.initial_weights import load_matching_weights
from aocr.training.start.step_plan import StepPlan
from aocr.training.step import take_steps
from aocr.util.session import open_session

PLAIN = dataclasses.replace(TINY, max_width=48, backbone="compact", padding="masked", decoder="ctc")
RECTIFYING = dataclasses.replace(PLAIN, rectify="tps")
OPTIONS = TrainingOptions(6, optimizer="adam", initial_learning_rate=0.01, dropout=0.0)
"""Each step trains on all six records."""

SIZES = {"AB": (48, 32), "BA": (40, 32), "A": (20, 32)}
KERNEL = "spatial_transformer/offsets/kernel"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Returns a folder with images and a dataset."""
    made = tmp_path_factory.mktemp("rectification")
    rows = []
    for text, size in SIZES.items():
        image = draw(text, size)
        (made / f"{text}.png").write_bytes(image)
        rows += [schema.serialize(image, text)] * 2
    write_records(made / "d.tfrecords", rows)
    return made


def train(folder, config, model_dir, steps, source=None):
    """Trains a new model, from the weights of another if there is one, and one step more.

    Returns the losses of all steps; the checkpoint is that before the last.
    """
    records = records_of([str(folder / "d.tfrecords")], 6, config=config)
    model = build_train_graph(config, OPTIONS, records, StepPlan(3, 0, steps + 1))
    with model.graph.as_default(), open_session(model.graph, -1) as session:
        session.run(tf.compat.v1.global_variables_initializer())
        if source:
            checkpoint = checkpoints.find_checkpoint(str(folder / source))
            load_matching_weights(session, checkpoint, config.characters, config.characters)
        writer = checkpoints.CheckpointWriter(str(folder / model_dir), keep=1)
        losses = []
        for result in take_steps(session, model, steps + 1):
            losses.append(result.loss)
            if result.global_step == steps:
                writer.save(session, steps)
    config_file.write(str(folder / model_dir), config)
    return losses


@pytest.fixture(scope="module")
def checkpoint(folder):
    """Returns the checkpoint of a model that has learned to move pixels, from the plain one."""
    plain = train(folder, PLAIN, "plain", 1)
    losses = train(folder, RECTIFYING, "checkpoints", 8, source="plain")
    assert losses[0] == pytest.approx(plain[1], rel=1e-5)  # it started as the identity
    return checkpoints.find_checkpoint(str(folder / "checkpoints"))


@pytest.fixture(scope="module")
def results(folder, checkpoint):
    found = []
    dataset = [str(folder / "d.tfrecords")]
    evaluate(Evaluation(RECTIFYING, checkpoint, dataset, -1, batch_size=4), [found.append])
    return found[::2]


@pytest.fixture(scope="module")
def predictions(folder, checkpoint):
    paths = [str(folder / f"{text}.png") for text in SIZES]
    return list(predict(RECTIFYING, paths, checkpoint, -1))


def test_it_is_a_field_of_the_stored_config(folder, checkpoint):
    assert config_file.read(str(folder / "checkpoints")) == RECTIFYING
    path = folder / "checkpoints/config.json"
    old = "".join(line for line in path.read_text().splitlines(True) if "rectify" not in line)
    assert config_json.loads(old) == PLAIN


def test_training_moves_the_points(checkpoint):
    assert abs(tf.train.load_checkpoint(checkpoint).get_tensor(KERNEL)).max() > 1e-3


def test_a_warm_start_may_leave_it_out(folder, checkpoint):
    assert np.isfinite(train(folder, PLAIN, "without", 1, source="checkpoints")).all()
    names = tf.train.load_checkpoint(str(folder / "without")).get_variable_to_shape_map()
    assert not any(name.startswith("spatial_transformer") for name in names)


def test_test_and_predict_read_alike(results, predictions):
    assert [each.prediction for each in results] == [each.text for each in predictions]
    expected = [each.probability for each in predictions]
    np.testing.assert_allclose([each.probability for each in results], expected, rtol=1e-4)


@pytest.mark.parametrize("form", ["savedmodel", "frozengraph"])
def test_exports_read_as_predict(folder, checkpoint, predictions, form):
    target = str(folder / form)
    export(RECTIFYING, ExportRequest(checkpoint, target, form, gpu_id=-1))
    loaded = formats.load_format(form).load(target)
    for text, expected in zip(SIZES, predictions, strict=True):
        found, probability = loaded.predict((folder / f"{text}.png").read_bytes())
        assert found == expected.text
        assert probability == pytest.approx(expected.probability, rel=1e-3)


def test_attention_is_drawn_on_what_the_cnn_read(results, tmp_path):
    for result, size in zip(results, SIZES.values(), strict=True):
        assert result.rectified.shape == (32, size[0], 1)
        shown, original = attended_picture(result), picture_of(result)
        assert shown.size == original.size
        assert np.any(np.asarray(shown) != np.asarray(original))
        save_attention(str(tmp_path), result)
