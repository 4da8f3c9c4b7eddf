"""Tests the training graph: one step by hand, its variables, data types, and order of sums."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from helpers import TINY, encoded, load_noise, noise, records_of, write_records

from aocr.charset import EOS_ID
from aocr.data.records import schema
from aocr.training.graph import build_train_graph
from aocr.training.options import TrainingOptions
from aocr.training.start.step_plan import StepPlan
from aocr.util import machine
from aocr.util.session import open_session

FILES = [encoded(np.uint8(127 + 127 * noise(f"image {n}", 32, 16))) for n in range(3)]
LABELS = ["AB", "", "BAAB"]  # the last is too long


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    path = tmp_path_factory.mktemp("graph") / "dataset.tfrecords"
    return write_records(path, map(schema.serialize, FILES, LABELS))


def test_bfloat16_trains_float32_variables_to_nearly_the_same_loss(dataset):
    losses = []
    for compute_dtype in (tf.float32, tf.bfloat16):
        steps, options = StepPlan(seed=1, first_step=0, last_step=2), TrainingOptions(8, seed=1)
        records = records_of([dataset], 8, [2])
        model = build_train_graph(TINY, options, records, steps, compute_dtype=compute_dtype)
        kernels = [op for op in all_nodes(model.graph) if op.op == "Conv2D"]
        assert {op.attr["T"].type for op in kernels} == {compute_dtype.as_datatype_enum}
        with model.graph.as_default(), tf.compat.v1.Session() as session:
            assert {v.dtype.base_dtype for v in tf.compat.v1.trainable_variables()} == {tf.float32}
            session.run(tf.compat.v1.global_variables_initializer())
            load_noise(session)
            session.run(model.start)
            losses.append(session.run((model.loss, model.update.step))[0])
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.01)


@pytest.mark.skipif("avx512f" not in machine.cpu_flags(), reason="the rewrite needs AVX-512")
def test_the_rewrite_computes_every_product_of_a_step_in_bfloat16(dataset):
    records = records_of([dataset], 2, [2])
    model = build_train_graph(TINY, TrainingOptions(2), records, StepPlan(0, 0, 1))
    nodes = executed_nodes(model, bfloat16=True)
    products = [node for node in nodes if "Conv2D" in node.op or "MatMul" in node.op]
    assert len(products) > 20
    assert {tf.as_dtype(node.attr["T"].type) for node in products} == {tf.bfloat16}


def executed_nodes(model, bfloat16=False):
    """Returns the nodes that a session executes for one training step."""
    traced = tf.compat.v1.RunOptions(output_partition_graphs=True)
    metadata = tf.compat.v1.RunMetadata()
    with open_session(model.graph, -1, bfloat16=bfloat16) as session:
        with model.graph.as_default():
            session.run(tf.compat.v1.global_variables_initializer())
        session.run(model.start)
        session.run(model.update.step, options=traced, run_metadata=metadata)
    return [node for part in metadata.partition_graphs for node in part.node]


class OneStep:
    """Holds a training step on the first two images, the variables after it, and the next step."""

    def __init__(self, dataset, max_gradient_norm):
        options = TrainingOptions(8, max_gradient_norm=max_gradient_norm)
        steps = StepPlan(seed=0, first_step=0, last_step=2)
        records = records_of([dataset], 8, [2])
        self.model = model = build_train_graph(TINY, options, records, steps)
        with model.graph.as_default(), tf.compat.v1.Session() as session:
            gradients = [tf.convert_to_tensor(g) for g in model.update.gradients.values()]
            fetches = {
                "step": model.update.step,
                "loss": model.loss,
                "applied": model.update.applied,
                "reported_norm": model.update.gradient_norm,
                "places": model.batch.record_indices,
                "targets": model.batch.targets,
                "convolved": model.graph.get_tensor_by_name("conv_conv3/Conv2D:0"),
                "norm": tf.linalg.global_norm(gradients),
            }
            session.run(tf.compat.v1.global_variables_initializer())
            session.run(model.start)
            self.results = session.run(fetches)
            self.after = session.run({v.op.name: v for v in tf.compat.v1.global_variables()})
            self.second_step = session.run(fetches)["step"]

    def norm_of_applied_gradients(self):
        """Computes the norm from Adadelta's first accumulator: 0.05 times the squared gradients."""
        slots = [value for name, value in self.after.items() if name.endswith("/Adadelta")]
        return np.sqrt(sum(slot.sum(dtype=np.float64) for slot in slots) / 0.05)


@pytest.fixture(scope="module")
def clipped(dataset):
    return OneStep(dataset, max_gradient_norm=0.25)


def test_step_counts(clipped):
    assert clipped.results["step"] == 1
    assert clipped.after["Variable"] == 1
    assert clipped.after["Variable"].dtype == np.int32
    assert clipped.second_step == 2


def test_rejected_record_is_not_trained_on(clipped):
    assert sorted(clipped.results["places"]) == [0, 1]
    targets = sorted(clipped.results["targets"].tolist())
    assert targets == [[EOS_ID, 0, 0, 0, 0], [3, 4, EOS_ID, 0, 0]]


def test_gradients_are_clipped_to_the_global_norm(clipped):
    assert clipped.results["norm"] > 0.5
    assert clipped.norm_of_applied_gradients() == pytest.approx(0.25, rel=1e-3)


def test_the_reported_norm_is_that_before_clipping(clipped):
    assert clipped.results["applied"]
    assert clipped.results["reported_norm"] == pytest.approx(clipped.results["norm"], rel=1e-4)


def test_step_moves_the_averages_by_the_weights_before_it(clipped):
    mean = clipped.results["convolved"].mean(axis=(0, 1, 2))
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
    """TensorFlow adds three in any order, and a seed would not give the same weights twice."""
    config = dataclasses.replace(TINY, attn_num_layers=3, use_gru=use_gru)
    options, steps = TrainingOptions(2), StepPlan(seed=0, first_step=0, last_step=1)
    model = build_train_graph(config, options, records_of([dataset], 2, [2]), steps)
    nodes = executed_nodes(model)
    sums = [node for node in nodes if node.op in ("AddN", "AccumulateNV2", "_AccumulateNV2")]
    assert sums
    assert not [n for n in sums if sum(not name.startswith("^") for name in n.input) > 2]


def all_nodes(graph):
    """Returns the nodes of a graph, those in the bodies of its loops included."""
    definition = graph.as_graph_def()
    return [*definition.node, *(n for f in definition.library.function for n in f.node_def)]
