"""An export as a whole: what it replaces, what it refuses, and that it is verified."""

import pytest
import tensorflow as tf
from commands import MODEL, run_aocr

from aocr.config import Config
from aocr.serving.export import write_verified
from aocr.serving.formats import savedmodel
from aocr.serving.serving_session import ServingSession
from aocr.util.errors import UserError


def test_a_folder_with_something_in_it_is_refused(trained, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    done = run_aocr("export", tmp_path, *MODEL, cwd=trained.folder, check=1)
    assert done.stderr.count("\n") == 1
    assert f"{tmp_path} is not empty" in done.stderr
    assert "--force" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_force_replaces_a_former_export_and_leaves_other_files(trained, tmp_path):
    folder = tmp_path / "export"
    (folder / "variables").mkdir(parents=True)
    for name in ("notes.txt", "variables/stale", "saved_model.pb", "frozen_graph.pb"):
        (folder / name).write_text("mine")
    run_aocr("export", folder, "--force", *MODEL, cwd=trained.folder, check=0)
    assert (folder / "notes.txt").read_text() == "mine"
    assert not (folder / "variables/stale").exists()
    assert not (folder / "frozen_graph.pb").exists()
    tf.saved_model.load(str(folder))
    assert (folder / "config.json").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["export"]  # no temporary folder is left


def serving_session(text):
    """Returns a session that gives one text, with probability 0.5, for any image."""
    with tf.Graph().as_default() as graph:
        encoded = tf.compat.v1.placeholder(tf.string)
        variable = tf.compat.v1.get_variable("v", [], initializer=tf.constant_initializer(0.5))
        probability = tf.cast(variable, tf.float64)
        session = tf.compat.v1.Session(graph=graph)
        session.run(variable.initializer)
        return ServingSession(session, encoded, tf.constant(text), probability)


def test_an_export_that_reads_otherwise_is_not_exported(tmp_path):
    wrong = savedmodel.FORMAT._replace(load=lambda folder: serving_session("X"))
    with pytest.raises(UserError, match="reads 'X'.*reads 'Y'"):
        write_verified(serving_session("Y"), Config(), str(tmp_path / "out"), wrong)
    assert not list(tmp_path.iterdir())


def test_an_export_that_cannot_be_written_is_an_error_of_the_user(tmp_path):
    def write(serving, folder):
        raise tf.errors.ResourceExhaustedError(None, None, "no space left\nmore")

    full = savedmodel.FORMAT._replace(write=write)
    folder = str(tmp_path / "out")
    with pytest.raises(UserError, match=f"cannot write the export {folder}: no space left$"):
        write_verified(serving_session("Y"), Config(), folder, full)
    assert not list(tmp_path.iterdir())


def test_an_export_to_a_remote_folder():
    folder = "ram://export/out"
    write_verified(serving_session("Y"), Config(), folder, savedmodel.FORMAT)
    assert savedmodel.load(folder).predict(b"any image") == ("Y", 0.5)
    assert [name.rstrip("/") for name in tf.io.gfile.listdir("ram://export")] == ["out"]
