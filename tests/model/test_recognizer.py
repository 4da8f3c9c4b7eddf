"""The three graphs: the serving contract, one training step, readings of the test graph."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from helpers import TINY, encoded, load_noise, noise, white, write_records

from aocr.charset import EOS_ID
from aocr.config import Config, TrainingOptions
from aocr.data import records
from aocr.evaluation.graph import build_eval_graph
from aocr.serving.graph import build_serving_graph
from aocr.training.graph import build_train_graph
from aocr.training.step_plan import StepPlan
from aocr.util.session import open_session

CONFIG = TINY
FILES = [encoded(np.uint8(127 + 127 * noise(f"image {n}", 32, 16))) for n in range(3)]
LABELS = ["AB", "", "BAAB"]  # the last is too long


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    path = tmp_path_factory.mktemp("graph") / "dataset.tfrecords"
    return write_records(path, map(records.serialize, FILES, LABELS))


def all_nodes(graph):
    definition = graph.as_graph_def()
    return [*definition.node, *(n for f in definition.library.function for n in f.node_def)]


# Serving


@pytest.fixture(scope="module")
def serving():
    """A serving graph and a session on it, with noise for weights."""
    model = build_serving_graph(CONFIG)
    with model.graph.as_default(), tf.compat.v1.Session() as session:
        load_noise(session)
        yield model, session


def by_name(serving, images):
    """What a client of the frozen graph gets."""
    _, session = serving
    names = "prediction:0", "probability:0"
    return session.run(names, {"input_image_as_bytes:0": images})


def by_signature(serving, images):
    """What a client of the signature gets."""
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


# Training


def test_bfloat16_trains_float32_variables_to_nearly_the_same_loss(dataset):
    losses = []
    for convolutions in (tf.float32, tf.bfloat16):
        steps, options = StepPlan(seed=1, first_step=0, last_step=2), TrainingOptions(8, seed=1)
        model = build_train_graph(CONFIG, options, dataset, [2], steps, convolutions)
        kernels = [op for op in all_nodes(model.graph) if op.op == "Conv2D"]
        assert {op.attr["T"].type for op in kernels} == {convolutions.as_datatype_enum}
        with model.graph.as_default(), open_session(model.graph, -1) as session:
            assert {v.dtype.base_dtype for v in tf.compat.v1.trainable_variables()} == {tf.float32}
            session.run(tf.compat.v1.global_variables_initializer())
            load_noise(session)
            session.run(model.start)
            losses.append(session.run((model.loss, model.update.step))[0])
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.01)


class OneStep:
    """A training step on the first two images, what it leaves behind, and the next epoch's."""

    def __init__(self, dataset, max_gradient_norm):
        options = TrainingOptions(8, max_gradient_norm=max_gradient_norm)
        steps = StepPlan(seed=0, first_step=0, last_step=2)
        self.model = model = build_train_graph(CONFIG, options, dataset, [2], steps)
        with model.graph.as_default(), tf.compat.v1.Session() as session:
            gradients = [tf.convert_to_tensor(g) for g in model.update.gradients.values()]
            fetches = {
                "step": model.update.step,
                "loss": model.loss,
                "applied": model.update.applied,
                "told_norm": model.update.gradient_norm,
                "places": model.batch.places,
                "targets": model.batch.targets,
                "convolved": model.graph.get_tensor_by_name("conv_conv3/Conv2D:0"),
                "norm": tf.linalg.global_norm(gradients),
            }
            session.run(tf.compat.v1.global_variables_initializer())
            session.run(model.start)
            self.read = session.run(fetches)
            self.after = session.run({v.op.name: v for v in tf.compat.v1.global_variables()})
            self.second_step = session.run(fetches)["step"]

    def norm_of_applied_gradients(self):
        """From Adadelta's first accumulator, which is then 0.05 times their squares."""
        slots = [value for name, value in self.after.items() if name.endswith("/Adadelta")]
        return np.sqrt(sum(slot.sum(dtype=np.float64) for slot in slots) / 0.05)


@pytest.fixture(scope="module")
def clipped(dataset):
    return OneStep(dataset, max_gradient_norm=0.25)


def test_step_counts(clipped):
    assert clipped.read["step"] == 1
    assert clipped.after["Variable"] == 1
    assert clipped.after["Variable"].dtype == np.int32
    assert clipped.second_step == 2


def test_rejected_record_is_not_trained_on(clipped):
    assert sorted(clipped.read["places"]) == [0, 1]
    targets = sorted(clipped.read["targets"].tolist())
    assert targets == [[EOS_ID, 0, 0, 0, 0], [3, 4, EOS_ID, 0, 0]]


def test_gradients_are_clipped_to_the_global_norm(clipped):
    assert clipped.read["norm"] > 0.5
    assert clipped.norm_of_applied_gradients() == pytest.approx(0.25, rel=1e-3)


def test_the_norm_told_is_that_before_clipping(clipped):
    assert clipped.read["applied"]
    assert clipped.read["told_norm"] == pytest.approx(clipped.read["norm"], rel=1e-4)


def test_step_moves_the_averages_by_the_weights_before_it(clipped):
    mean = clipped.read["convolved"].mean(axis=(0, 1, 2))
    average = clipped.after["conv_conv3/BatchNorm/moving_mean"]
    np.testing.assert_allclose(average, 0.9 * mean, rtol=1e-3, atol=1e-6)


def test_every_trained_variable_has_a_gradient_and_adadeltas_slots(clipped):
    names = set(clipped.after)
    trained = set(clipped.model.update.gradients)
    slots = {f"{name}/{slot}" for name in trained for slot in ("Adadelta", "Adadelta_1")}
    averages = {name for name in names if "/moving_" in name}
    assert len(averages) == 6
    assert names == trained | slots | averages | {"Variable"}


@pytest.mark.parametrize("use_gru", [False, True])
def test_no_sum_is_of_more_than_two(dataset, use_gru):
    """TensorFlow adds three in any order: a seed would not give the same weights twice."""
    config = dataclasses.replace(CONFIG, attn_num_layers=3, use_gru=use_gru)
    options, steps = TrainingOptions(2), StepPlan(seed=0, first_step=0, last_step=1)
    model = build_train_graph(config, options, dataset, [2], steps)
    traced = tf.compat.v1.RunOptions(output_partition_graphs=True)
    metadata = tf.compat.v1.RunMetadata()
    with open_session(model.graph, gpu_id=-1) as session:
        with model.graph.as_default():
            session.run(tf.compat.v1.global_variables_initializer())
        session.run(model.start)
        session.run(model.update.step, options=traced, run_metadata=metadata)
    run = [node for part in metadata.partition_graphs for node in part.node]
    sums = [node for node in run if node.op in ("AddN", "AccumulateNV2", "_AccumulateNV2")]
    assert sums
    assert not [n for n in sums if sum(not name.startswith("^") for name in n.input) > 2]


# Testing


def test_test_graph_reads_as_the_serving_graph_and_has_a_loss(dataset, serving):
    model = build_eval_graph(CONFIG, dataset, undecodable=[], batch_size=2)
    with model.graph.as_default(), tf.compat.v1.Session() as session:
        load_noise(session)
        session.run(model.start)
        fetches = model.batch.place, model.reading.text, model.reading.probability, model.losses
        batches = [session.run(fetches) for _ in range(2)]
    places, texts, probabilities, losses = map(np.concatenate, zip(*batches, strict=True))
    expected, expected_probabilities = by_signature(serving, FILES)
    assert list(places) == [0, 1, 2]
    assert list(texts) == list(expected)
    np.testing.assert_allclose(probabilities, expected_probabilities, rtol=1e-4)
    assert (losses[:2] > 0).all()
    assert losses[2] == 0  # of a label that cannot be spelled


def test_test_graph_has_the_variables_of_the_serving_graph(dataset, serving):
    model = build_eval_graph(CONFIG, dataset, undecodable=[], batch_size=2)
    assert variables(model.graph) == variables(serving[0].graph)


def variables(graph):
    with graph.as_default():
        return {v.op.name for v in tf.compat.v1.global_variables()}


def test_one_bad_image_fails_the_whole_request(serving):
    with pytest.raises(tf.errors.InvalidArgumentError):
        by_signature(serving, [white(5, 5), b"no image"])
