"""Trains in two processes of this machine: the losses of one, and clear ends when one fails."""

import json
import re
import shutil
import signal
import socket

import numpy as np
import pytest
import tensorflow as tf
from cluster_runs import Job, Replica
from commands import draw, environment
from helpers import records_of
from started_commands import starter_for
from training_runs import write

from aocr.config import Config
from aocr.model import config_file
from aocr.model.weights import checkpoints
from aocr.training.graph import build_train_graph
from aocr.training.options import TrainingOptions
from aocr.training.start.step_plan import StepPlan

CONFIG = Config(
    max_width=48,
    max_height=32,
    max_prediction=3,
    attn_num_hidden=8,
    attn_num_layers=1,
    backbone="compact",
)
WORDS = ("AB", "BA", "CAB", "ACC", "B", "CC", "ABC")
FLAGS = ("--attn-num-hidden=8", "--attn-num-layers=1", "--backbone=compact", "--batch-size=4")
STEPS, SAVED, KILLED = 20, 10, 12
"""Last step; the step after which the chief is killed, and the last that is saved before."""

OPTIONS = TrainingOptions(
    batch_size=8, seed=7, dropout=0.0, optimizer="sgd", initial_learning_rate=0.1
)
TRAINING = (
    *FLAGS,
    "--seed=7",
    "--dropout=0",
    "--optimizer=sgd",
    "--initial-learning-rate=0.1",
    "--steps-per-checkpoint=5",
)
"""Not adadelta, whose first steps depend much more on rounding. With SGD, weights that differ by a
rounding error lead to losses that differ by 1e-4 after twenty steps."""


@pytest.fixture(scope="module")
def starter():
    return starter_for(environment())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Holds 21 records of one image with different labels, and a model of step 0.

    Where all images are alike, batch norm has the same statistics on each part of a batch. Whatever
    else two replicas would do otherwise than one process would change the losses.
    """
    path = tmp_path_factory.mktemp("cluster")
    write(path / "d.tfrecords", [(draw("CAB"), word) for word in WORDS * 3])
    records = records_of([f"{path}/d.tfrecords"], OPTIONS.batch_size, config=CONFIG)
    model = build_train_graph(CONFIG, OPTIONS, records, StepPlan(7, 0, STEPS))
    config_file.write(f"{path}/start", CONFIG)
    with model.graph.as_default(), tf.compat.v1.Session() as session:
        session.run(tf.compat.v1.global_variables_initializer())
        checkpoints.CheckpointWriter(f"{path}/start", keep=1).save(session, 0)
        session.run(model.start)
        losses = [session.run((model.loss, model.update.step))[0] for _ in range(STEPS)]
    np.save(path / "losses.npy", losses)
    return path


def new_job(starter, folder, name, last_step):
    """A job that starts with the model of step 0, the worker in a folder of its own."""
    shutil.copytree(folder / "start", folder / name)
    (folder / "elsewhere").mkdir(exist_ok=True)
    shutil.copy(folder / "d.tfrecords", folder / "elsewhere")
    flags = f"--model-dir={name}", f"--max-steps={last_step}", "--keep-checkpoints=50"
    return Job(starter, folder, flags=(*TRAINING, *flags, "--cluster-timeout=200"), name=name)


def start_both(job):
    job.start("worker", cwd=job.folder / "elsewhere")
    job.start("chief")


@pytest.fixture(scope="module")
def undisturbed(starter, folder):
    """A job whose worker is killed after the steps that tests compare with."""
    job = new_job(starter, folder, "whole", last_step=10 * STEPS)
    kill_after(job, STEPS + 2, "worker")
    return job


def kill_after(job, step, role):
    """Starts a job, kills a replica after a step, and checks that the other ends with an error."""
    start_both(job)
    job.wait_for(f"Step {step}:", role)
    victim = job.replicas[role, 0]
    victim.signal(signal.SIGKILL)
    assert victim.wait(10) == -signal.SIGKILL
    other = {"chief": "worker", "worker": "chief"}[role]
    assert job.replicas[other, 0].wait(30) == 1
    last = job.text(other).splitlines()[-1]
    assert re.search(rf"ERROR +({role}.* \(127.+\) no longer answers|the connection to an)", last)
    assert "start all replicas with the same command again" in last


def weights(checkpoint):
    reader = tf.train.load_checkpoint(str(checkpoint))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def assert_equal(values, expected):
    assert values.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(values[name], value, err_msg=name)


def test_two_replicas_have_the_losses_of_one_process_with_their_batch(undisturbed, folder):
    expected = np.load(folder / "losses.npy")
    losses = undisturbed.losses("chief")[:STEPS]
    assert undisturbed.losses("worker")[:STEPS] == losses
    np.testing.assert_allclose(losses[:4], expected[:4], rtol=1e-5)
    np.testing.assert_allclose(losses, expected, rtol=2e-3)
    assert expected[-1] < 0.9 * expected[0]


def test_each_epoch_has_every_record_once(undisturbed):
    for role in ("chief", "worker"):
        text = undisturbed.text(role)
        assert "A step trains on 8 images: 4 on each of 2 replicas." in text
        assert text.count("trained on 21 records, 0 left out.") >= STEPS // 3


def test_only_the_chief_writes(undisturbed, folder):
    assert [path.name for path in (folder / "elsewhere").iterdir()] == ["d.tfrecords"]
    assert "Saving the model at step 5." in undisturbed.text("chief")
    assert "Saving the model at" not in undisturbed.text("worker")
    events = list((folder / "whole").glob("events.out.tfevents.*"))
    assert len(events) == 1
    assert not (folder / "whole/training.lock").exists()


def test_the_evaluator_keeps_the_best_checkpoint(undisturbed, starter, folder):
    flags = ["--validation=d.tfrecords", "--model-dir=whole", "--cluster-timeout=1"]
    task = {"cluster": undisturbed.cluster, "task": {"type": "evaluator", "index": 0}}
    log = folder / "evaluator.txt"
    arguments = ["train", "d.tfrecords", *flags, f"--log-path={log}.log"]
    evaluator = Replica(starter, arguments, task, folder, log)
    assert evaluator.wait(60) == 0, log.read_text()
    best = json.loads((folder / "whole/best.json").read_text())["step"]
    newest = tf.train.latest_checkpoint(str(folder / "whole"))
    assert newest.endswith(f"-{best}")
    assert_equal(weights(folder / f"whole/best.ckpt-{best}"), weights(newest))
    assert "The evaluator ends: no training in whole any more." in log.read_text()


def test_replicas_that_are_started_again_end_with_the_same_weights(undisturbed, starter, folder):
    job = new_job(starter, folder, "killed", last_step=STEPS)
    kill_after(job, KILLED, "chief")
    start_both(job)
    assert job.wait() == [0, 0], job.text() + job.text("worker")
    assert job.losses() == undisturbed.losses()[SAVED:STEPS]
    assert_equal(weights(folder / "killed"), weights(folder / f"whole/model.ckpt-{STEPS}"))
    assert not (folder / "killed/training.lock").exists()


def last_lines(job):
    return [job.text(role).splitlines()[-1] for role in ("chief", "worker")]


def test_replicas_with_other_flags_or_data_end(starter, folder, tmp_path):
    shutil.copy(folder / "d.tfrecords", tmp_path)
    job = Job(starter, tmp_path, flags=FLAGS)
    job.start("worker", 0, "--dropout=0.25")
    job.wait_for("Waiting up to", "worker")  # the chief is late
    job.start("chief")
    assert job.wait(40) == [1, 1]
    for line in last_lines(job):
        assert "worker 0 and chief differ in --dropout: 0.25, and 0.5: start all replicas" in line
    (tmp_path / "other").mkdir()
    write(tmp_path / "other/d.tfrecords", [(draw("AB"), "AB")])
    job.start("chief")
    job.start("worker", cwd=tmp_path / "other")
    assert job.wait(40) == [1, 1]
    for line in last_lines(job):
        assert "worker 0 and chief differ in the dataset: 1 file of " in line
    assert not (tmp_path / "checkpoints").exists()


def test_a_replica_that_cannot_read_its_data_ends_all(starter, folder, tmp_path):
    shutil.copy(folder / "d.tfrecords", tmp_path)
    (tmp_path / "empty").mkdir()
    job = Job(starter, tmp_path, flags=FLAGS)
    job.start("chief")
    job.start("worker", cwd=tmp_path / "empty")
    assert job.wait(40) == [1, 1]
    chief, worker = last_lines(job)
    assert "worker 0 has ended with an error: its log says which" in chief
    assert "no dataset d.tfrecords" in worker


def test_a_port_that_is_taken_and_a_replica_that_never_comes(starter, folder, tmp_path):
    shutil.copy(folder / "d.tfrecords", tmp_path)
    job = Job(starter, tmp_path, flags=(*FLAGS, "--cluster-timeout=3"))
    port = int(job.cluster["chief"][0].rpartition(":")[2])
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", port))
        taken.listen()
        job.start("chief")
        job.start("worker")
        assert job.wait(40) == [1, 1]
    chief, worker = last_lines(job)
    assert f"cannot listen on port {port}, which TF_CONFIG gives to chief" in chief
    assert f"chief (127.0.0.1:{port}) did not answer within --cluster-timeout=3 seconds" in worker


def test_other_roles_and_broken_variables_end_at_once(starter, folder, tmp_path):
    shutil.copy(folder / "d.tfrecords", tmp_path)

    def run(task, *flags):
        log = tmp_path / "log.txt"
        log.unlink(missing_ok=True)
        arguments = ["train", "d.tfrecords", *FLAGS, *flags, f"--log-path={log}.log"]
        code = Replica(starter, arguments, task, tmp_path, log).wait(30)
        return code, log.read_text().splitlines()

    cluster = {"chief": ["a:1"], "worker": ["b:1"], "ps": ["c:1"]}
    code, (line,) = run({"cluster": cluster, "task": {"type": "ps", "index": 0}})
    assert code == 0
    assert "parameter servers are not used; ps 0 has nothing to do." in line
    code, (line,) = run('{"cluster": {"worker": ["a"]}}')
    assert code == 1
    assert 'TF_CONFIG: cluster.worker[0] is "a", not HOST:PORT' in line
    code, (line,) = run({"cluster": cluster, "task": {"type": "evaluator"}})
    assert code == 2
    assert "TF_CONFIG makes this replica the evaluator: give it --validation" in line
    code, (line,) = run({}, "--gpus=all")
    assert code == 1
    assert "--gpus=all: this machine has no GPU" in line
