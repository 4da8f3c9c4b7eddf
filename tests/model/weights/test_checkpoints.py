"""Tests for checkpoints: restoring, refusing, and directories that were moved."""

import pytest
import tensorflow as tf

from aocr.model.weights import checkpoints
from aocr.util.errors import UserError
from aocr.util.session import open_session


def save(folder, values, step=7):
    """Writes a checkpoint of float variables, given by name."""
    with tf.Graph().as_default() as graph:
        for name, value in values.items():
            tf.compat.v1.get_variable(name, initializer=tf.constant(value))
        saver = checkpoints.CheckpointWriter(str(folder), keep=5)
        with open_session(graph, -1) as opened:
            opened.run(tf.compat.v1.global_variables_initializer())
            saver.save(opened, step)


def restore(folder, shapes):
    """Returns the restored values by name."""
    with tf.Graph().as_default() as graph:
        variables = {n: tf.compat.v1.get_variable(n, shape) for n, shape in shapes.items()}
        with open_session(graph, -1) as opened:
            checkpoints.restore(opened, checkpoints.find_checkpoint(str(folder)))
            return opened.run(variables)


def test_saved_values_are_restored(tmp_path):
    save(tmp_path, {"a": [1.0, 2.0], "b": 3.0})
    restored = restore(tmp_path, {"a": [2]})
    assert restored["a"].tolist() == [1.0, 2.0]


def test_a_missing_variable_is_named(tmp_path):
    save(tmp_path, {"a": [1.0]})
    with pytest.raises(UserError, match="holds no gru: was the model trained with other flags"):
        restore(tmp_path, {"a": [1], "gru": [1]})


def test_another_shape_is_named(tmp_path):
    save(tmp_path, {"a": [1.0, 2.0]})
    with pytest.raises(UserError, match=r"a is \[2\] in .*model.ckpt-7 but \[3\] here"):
        restore(tmp_path, {"a": [3]})


def test_no_checkpoint_is_an_error(tmp_path):
    assert checkpoints.latest_checkpoint(str(tmp_path)) is None
    with pytest.raises(UserError, match=f"no checkpoint in {tmp_path}"):
        restore(tmp_path, {"a": [1]})


def test_a_damaged_checkpoint_is_an_error(tmp_path):
    save(tmp_path, {"a": [1.0]})
    (tmp_path / "model.ckpt-7.index").write_bytes(b"")
    with pytest.raises(UserError, match=r"model.ckpt-7 is not a complete checkpoint"):
        restore(tmp_path, {"a": [1]})


@pytest.mark.parametrize("which", [None, "latest", "7"])
def test_a_checkpoint_that_a_training_has_removed_is_looked_for_again(tmp_path, which):
    save(tmp_path, {"a": [1.0]})
    found = checkpoints.find_checkpoint(str(tmp_path), which)
    (tmp_path / "model.ckpt-7.index").unlink()
    save(tmp_path, {"a": [2.0]}, step=9)
    with tf.Graph().as_default() as graph:
        a = tf.compat.v1.get_variable("a", [1])
        with open_session(graph, -1) as opened:
            if which == "7":
                with pytest.raises(UserError, match=r"removed meanwhile.* use .*: model\.ckpt-9"):
                    checkpoints.restore(opened, found, which)
            else:
                assert checkpoints.restore(opened, found, which) == f"{tmp_path}/model.ckpt-9"
                assert opened.run(a) == [2.0]


def test_a_state_file_that_names_a_missing_checkpoint_is_an_error(tmp_path):
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "model.ckpt-9"\n')
    with pytest.raises(UserError, match=r"names .*model.ckpt-9, which does not exist"):
        checkpoints.latest_checkpoint(str(tmp_path))


def test_a_moved_directory_with_absolute_paths_is_found(tmp_path):
    save(tmp_path / "new", {"a": [1.0]})
    state = f'model_checkpoint_path: "{tmp_path}/old/model.ckpt-7"\n'
    (tmp_path / "new/checkpoint").write_text(state)
    assert checkpoints.latest_checkpoint(str(tmp_path / "new")) == f"{tmp_path}/new/model.ckpt-7"


def test_remote_directories_work():
    save("ram://models/one", {"a": [4.0]})
    assert restore("ram://models/one", {"a": [1]})["a"].tolist() == [4.0]


def test_five_checkpoints_are_kept(tmp_path):
    with tf.Graph().as_default() as graph:
        tf.compat.v1.get_variable("a", [1])
        with open_session(graph, -1) as opened:
            opened.run(tf.compat.v1.global_variables_initializer())
            for start in (1, 5):  # two runs
                saver = checkpoints.CheckpointWriter(str(tmp_path), keep=5)
                saver.adopt_existing()
                for step in range(start, start + 4):
                    saver.save(opened, step)
    assert sorted(p.stem for p in tmp_path.glob("*.index")) == [
        f"model.ckpt-{step}" for step in range(4, 9)
    ]


def checkpoints_of(folder):
    """Writes checkpoints of steps 3 and 7, and a best checkpoint of step 3."""
    with tf.Graph().as_default() as graph:
        step = tf.compat.v1.get_variable("Variable", [], tf.int32)
        with open_session(graph, -1) as opened:
            latest = checkpoints.CheckpointWriter(str(folder), keep=5)
            best = checkpoints.CheckpointWriter(str(folder), 1, "best", checkpoints.BEST)
            for number in (3, 7):
                step.load(number, opened)
                latest.save(opened, number)
                if number == 3:
                    best.save(opened, number)


@pytest.mark.parametrize(
    ("which", "name"),
    [
        (None, "best.ckpt-3"),
        ("best", "best.ckpt-3"),
        ("latest", "model.ckpt-7"),
        ("3", "model.ckpt-3"),
        ("{folder}/model.ckpt-7", "model.ckpt-7"),
    ],
)
def test_the_requested_checkpoint_is_found(tmp_path, which, name):
    checkpoints_of(tmp_path)
    which = which and which.format(folder=tmp_path)
    assert checkpoints.find_checkpoint(str(tmp_path), which) == f"{tmp_path}/{name}"


@pytest.mark.parametrize("which", ["4", "nosuch/path", "best"])
def test_a_missing_checkpoint_is_an_error(tmp_path, which):
    with pytest.raises(UserError, match=f"no checkpoint --checkpoint={which} in {tmp_path}"):
        checkpoints.find_checkpoint(str(tmp_path), which)


def test_a_checkpoint_holds_its_step(tmp_path):
    checkpoints_of(tmp_path)
    assert checkpoints.step_of(f"{tmp_path}/model.ckpt-7") == 7
    assert checkpoints.step_of(None) == 0
