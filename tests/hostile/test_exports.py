"""Exports that cannot be written: one line that names the cause, and no file."""

import contextlib
import os
import resource

import pytest
import tensorflow as tf
from helpers import TINY, load_noise
from hostile_runs import check_failure

from aocr.inference.graph import build_serving_graph
from aocr.model import config_file

FORMATS = ("savedmodel", "frozengraph")


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory):
    """Returns the directory of a model with noise for weights."""
    folder = str(tmp_path_factory.mktemp("model"))
    with build_serving_graph(TINY).graph.as_default(), tf.compat.v1.Session() as session:
        load_noise(session)
        saver = tf.compat.v1.train.Saver()
        saver.save(session, f"{folder}/model.ckpt-1", write_meta_graph=False)
    config_file.write(folder, TINY)
    return folder


@contextlib.contextmanager
def largest_file(size):
    """Makes writing fail for a file that grows beyond `size` bytes, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("into", ["nothing", "earlier export", "other files"])
@pytest.mark.parametrize("export_format", FORMATS)
def test_a_full_disk_leaves_the_earlier_export_or_nothing(
    run, folder, model_dir, export_format, into
):
    arguments = ["export", "out", f"--model-dir={model_dir}", f"--format={export_format}"]
    if into == "earlier export":
        assert run(*arguments).code == 0
    elif into == "other files":
        (folder / "out").mkdir()
        (folder / "out/notes.txt").write_text("mine")
    with largest_file(2**20):
        outcome = run(*arguments, "--force")
    check_failure(outcome, "cannot write the export out: .*File too large")
    assert (folder / "out").exists() == (into != "nothing")


BAD_FOLDERS = [
    ("ok.txt", "ok.txt is a file"),
    ("ok.txt/deeper", "cannot write the export ok.txt/deeper: .*"),
    ("pipe", "pipe is a file|is a pipe"),
    ("/dev/null", "/dev/null is a (file|device)"),
]


@pytest.mark.parametrize("export_format", FORMATS)
@pytest.mark.parametrize(("path", "says"), BAD_FOLDERS, ids=[path for path, _ in BAD_FOLDERS])
def test_what_is_no_folder_is_named(run, folder, model_dir, path, says, export_format):
    os.mkfifo(folder / "pipe")
    arguments = [f"--model-dir={model_dir}", f"--format={export_format}", "--force"]
    check_failure(run("export", path, *arguments), says)


def test_a_remote_folder_that_cannot_be_reached_is_named(run, model_dir, monkeypatch):
    def exists(path):
        if str(path).startswith("ram://"):
            raise tf.errors.UnavailableError(None, None, "no network")
        return real(path)

    real = tf.io.gfile.exists
    monkeypatch.setattr("tensorflow.io.gfile.exists", exists)
    outcome = run("export", "ram://b/e", f"--model-dir={model_dir}")
    check_failure(outcome, "cannot export into ram://b/e: no network")


def test_a_frozen_graph_that_is_no_file_is_not_replaced(run, folder, model_dir):
    (folder / "out/frozen_graph.pb").mkdir(parents=True)
    outcome = run("export", "out", f"--model-dir={model_dir}", "--format=frozengraph")
    check_failure(outcome, r"cannot write .*frozen_graph\.pb")


def test_a_config_that_cannot_be_read_is_not_replaced(run, folder, model_dir):
    (folder / "out").mkdir()
    (folder / "out/config.json").write_text("no JSON")
    check_failure(run("export", "out", f"--model-dir={model_dir}"), "out/config.json")
