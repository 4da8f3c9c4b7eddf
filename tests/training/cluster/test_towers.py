"""Tests that devices which share a batch make the update of one device, but for batch norm."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from commands import draw
from helpers import TINY, load_values
from training_runs import write

from aocr.data.batches.epochs import Records
from aocr.training.cluster.replicas import ALONE, Replicas, StopVotes
from aocr.training.graph import build_train_graph, dropout_seed, take_steps
from aocr.training.options import TrainingOptions
from aocr.training.start.step_plan import StepPlan

CONFIG = dataclasses.replace(TINY, backbone="compact", padding="masked")
OPTIONS = TrainingOptions(
    batch_size=8, dropout=0.0, max_gradient_norm=0.1, optimizer="sgd", initial_learning_rate=0.05
)
STEPS = 3


class Trained:
    """Trains on a file, whose content may change between two trainings."""

    def __init__(self, path, replicas):
        plan = StepPlan(7, 0, STEPS)
        records = Records([path], [9], [], np.full(9, 16), OPTIONS.batch_size)
        self.model = build_train_graph(CONFIG, OPTIONS, records, plan, replicas=replicas)
        options = tf.compat.v1.ConfigProto(device_count={"CPU": 2})
        self.session = tf.compat.v1.Session(graph=self.model.graph, config=options)

    def train(self):
        """The results of steps, and the variables after them; the first ones are always alike."""
        with self.model.graph.as_default():
            self.session.run(tf.compat.v1.global_variables_initializer())
            values = {
                variable.op.name: np.random.default_rng(number).normal(0, 0.1, variable.shape)
                for number, variable in enumerate(tf.compat.v1.trainable_variables())
            }
            load_values(self.session, values)
            named = {v.op.name: v for v in tf.compat.v1.global_variables()}
        return list(take_steps(self.session, self.model, STEPS)), self.session.run(named)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return str(tmp_path_factory.mktemp("towers") / "records.tfrecords")


@pytest.fixture(scope="module")
def both(path):
    """One device, and two towers."""
    made = Trained(path, ALONE), Trained(path, Replicas(["CPU:0", "CPU:1"]))
    yield made
    for each in made:
        each.session.close()


def test_towers_make_the_update_of_one_device(path, both):
    """Nine records of one image with different labels: the second batch has one record."""
    write(path, [(draw("A", size=(16, 32)), "AB"[n % 2] * (1 + n % 3)) for n in range(9)])
    (one, expected), (two, values) = (each.train() for each in both)
    assert [each.image_count for each in two] == [8, 1, 8]
    assert [len(each.record_indices) for each in two] == [8, 1, 8]
    for name in ("loss", "gradient_norm", "learning_rate"):
        found = [[getattr(each, name) for each in results] for results in (one, two)]
        np.testing.assert_allclose(found[1], found[0], rtol=1e-4)
    assert one[0].gradient_norm > OPTIONS.max_gradient_norm
    assert values.keys() == expected.keys()
    for name, value in expected.items():
        if "moving_variance" not in name:  # unbiased: it depends on the number of images
            np.testing.assert_allclose(values[name], value, rtol=1e-4, atol=1e-6, err_msg=name)


def test_towers_normalize_their_own_images(path, both):
    """The difference that remains with different images is that of batch norm."""
    write(path, [(draw("AB"[n % 2] * (1 + n % 3), size=(16, 32)), "A") for n in range(8)])
    (one, _), (two, _) = (each.train() for each in both)
    assert abs(two[0].loss - one[0].loss) > 1e-5 * one[0].loss


def test_replicas_drop_out_other_features():
    assert dropout_seed(5, 0) == 5
    assert len({dropout_seed(2**31 - 1, number) for number in range(100)}) == 100
    assert all(0 <= dropout_seed(2**31 - 1, number) < 2**31 for number in range(9))


def test_a_process_alone_stops_at_its_own_signal_and_one_of_several_at_the_sum():
    signals = []
    alone, together = StopVotes(signals), StopVotes(signals, agreed=True)
    assert not alone
    assert not together
    signals.append("SIGTERM")
    assert list(alone) == ["SIGTERM"]
    assert not together
    assert together.own == 1
    together.count(1)
    assert list(together) == ["SIGTERM"]
    other = StopVotes([], agreed=True)
    other.count(0)
    assert not other
    other.count(1)
    assert list(other) == ["a signal to another replica"]
