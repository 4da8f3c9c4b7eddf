"""Models that come with aocr: their names, what reads them, how they are written and packaged.

A tiny model stands in for the real one, except in the last test.
"""

import logging
import pathlib
import shutil
import subprocess
import sys
import tarfile
import zipfile

import numpy as np
import pytest
import tensorflow as tf
from commands import draw
from helpers import load_values, records_of, white, write_records
from hostile_runs import run_in_process

import aocr
from aocr.config import Config
from aocr.data.records import schema
from aocr.exports.inference_checkpoint import write_inference_checkpoint
from aocr.model import config_file
from aocr.model.variable_names import GLOBAL_STEP, VOCABULARY_AXES
from aocr.model.weights import checkpoints, pretrained
from aocr.model.weights.checkpoints import average_of, is_average
from aocr.training.graph import build_train_graph
from aocr.training.options import ModelChoice, Run, TrainingOptions
from aocr.training.start import initial_weights, model_choice
from aocr.training.start.step_plan import StepPlan
from aocr.util.errors import UserError

ROOT = pathlib.Path(__file__).parents[2]
CONFIG = Config(
    max_width=48,
    max_height=32,
    max_prediction=3,
    characters="ABC",
    attn_num_layers=1,
    attn_num_hidden=4,
    bucket_widths=(16, 32),
    backbone="compact",
    resize="full-height",
    padding="masked",
    decoder="joint",
    attention="location",
)
OPTIONS = TrainingOptions(batch_size=2, optimizer="adamw", ema_decay=0.9)
RUN = Run([], [], "m", None, True, None, -1, "float32")
INSTALLED = pretrained.is_installed(pretrained.LATIN)


def train_graph(config, dataset):
    return build_train_graph(config, OPTIONS, records_of([dataset], 2), StepPlan(0, 0, 9))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with `d.tfrecords`, `trained`, and `pretrained/latin` with what reading takes."""
    folder = tmp_path_factory.mktemp("shipped")
    rows = [schema.serialize(white(32, width), "AD") for width in (20, 48, 60)]
    dataset = write_records(folder / "d.tfrecords", rows)
    model = train_graph(CONFIG, dataset)
    with model.graph.as_default(), tf.compat.v1.Session(graph=model.graph) as session:
        session.run(tf.compat.v1.global_variables_initializer())
        averages = {v.op.name: v for v in tf.compat.v1.global_variables() if is_average(v.op.name)}
        load_values(session, {name: value + 1 for name, value in session.run(averages).items()})
        checkpoints.CheckpointWriter(str(folder / "trained"), keep=1).save(session, 7)
    config_file.write(str(folder / "trained"), CONFIG)
    write_inference_checkpoint(str(folder / "trained"), str(folder / "pretrained/latin"))
    return folder


@pytest.fixture
def shipped(made, monkeypatch, tmp_path):
    """The same folder, with the tiny model in place of latin; tests run in another folder."""
    monkeypatch.setattr(pretrained, "FOLDER", str(made / "pretrained"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(draw("AB"))
    return made


def values(folder):
    reader = tf.train.load_checkpoint(str(folder))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def test_an_inference_checkpoint_has_the_averages_under_the_names_of_the_weights(made):
    names = {path.name for path in (made / "pretrained/latin").iterdir()}
    files = {"model.ckpt-7.index", "model.ckpt-7.data-00000-of-00001"}
    assert names == {"checkpoint", "config.json", *files}
    assert config_file.read(str(made / "pretrained/latin")) == CONFIG
    trained, written = values(made / "trained"), values(made / "pretrained/latin")
    averaged = {name for name in trained if average_of(name) in trained}
    assert set(written) == averaged != set()
    for name, value in written.items():
        np.testing.assert_array_equal(value, trained[average_of(name)], err_msg=name)
    assert any(name.startswith("ctc_decoder") for name in written)
    assert any(name.startswith("location_decoder") for name in written)


def test_without_averages_the_weights_are_written(made, tmp_path):
    plain = made / "pretrained/latin"
    write_inference_checkpoint(str(plain), str(tmp_path / "copy"))
    assert values(tmp_path / "copy").keys() == values(plain).keys()
    assert (tmp_path / "copy/model.ckpt-7.index").exists()
    shutil.copytree(plain, tmp_path / "bare")
    (tmp_path / "bare/config.json").unlink()
    with pytest.raises(UserError, match=r"has no config.json"):
        write_inference_checkpoint(str(tmp_path / "bare"), str(tmp_path / "other"))


def test_commands_read_the_model_by_its_name(shipped, tmp_path, capfd):
    found = run_in_process(["predict", "a.png", "--model-dir=latin"], tmp_path, capfd)
    assert found.code == 0
    assert f"Reading model parameters from {shipped}/pretrained/latin/model.ckpt-7" in found.stderr
    alone = run_in_process(["predict", "a.png"], tmp_path, capfd)
    told = "No --model-dir and no ./checkpoints: reading with latin, the model that comes with aocr"
    assert alone.stderr.count(told) == 1
    assert alone.stdout == found.stdout
    assert len(alone.stdout.splitlines()) == 1
    ctc = ["test", str(shipped / "d.tfrecords"), "--model-dir=latin", "--read-with=ctc"]
    assert "3 images" in run_in_process(ctc, tmp_path, capfd).stderr
    exported = run_in_process(["export", "out", "--model-dir=latin"], tmp_path, capfd)
    assert exported.code == 0
    assert "out/saved_model.pb" in exported.new_files


def test_a_folder_of_this_name_and_checkpoints_win(shipped, tmp_path, capfd):
    explicit = run_in_process(["predict", "a.png", "--model-dir=./checkpoints"], tmp_path, capfd)
    assert explicit.errors[0].startswith("no checkpoint in ./checkpoints")
    (tmp_path / "checkpoints").mkdir()
    assert run_in_process(["predict", "a.png"], tmp_path, capfd).errors == explicit.errors
    (tmp_path / "latin").mkdir()
    found = run_in_process(["predict", "a.png", "--model-dir=latin"], tmp_path, capfd)
    assert "latin is a folder here: it is read, and not the model of this name" in found.stderr
    assert found.errors[0].startswith("no checkpoint in latin")


def test_programs_load_it_by_its_name_unless_there_is_such_a_folder(shipped, tmp_path, capfd):
    with aocr.load("latin", gpu_id=-1) as reader:
        reading = reader.read("a.png")
    found = run_in_process(["predict", "a.png", "--model-dir=latin"], tmp_path, capfd)
    assert found.stdout == f"a.png\t{reading.text}\t{reading.probability:.6f}\n"
    (tmp_path / "latin").mkdir()
    with pytest.raises(UserError, match="latin holds no model"):
        aocr.load("latin")


def test_it_is_not_trained_itself(shipped, tmp_path, capfd):
    found = run_in_process(
        ["train", str(shipped / "d.tfrecords"), "--model-dir=latin"], tmp_path, capfd
    )
    assert found.code == 1
    assert "start from its weights with --init-from=latin" in found.errors[0]
    assert not found.new_files


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--model-dir=latin"], "the model latin comes with aocr, but"),
        ([], "no checkpoint in ./checkpoints"),
    ],
)
def test_missing_weights_are_an_error(tmp_path, capfd, monkeypatch, flags, told):
    monkeypatch.setattr(pretrained, "FOLDER", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)
    found = run_in_process(["predict", "a.png", *flags], tmp_path, capfd)
    assert found.errors[0].startswith(told)


def test_a_new_model_takes_its_architecture_and_weights_by_character(shipped, caplog):
    caplog.set_level(logging.INFO)
    folder = pretrained.folder_of("latin")
    run = RUN._replace(init_from=folder, dataset=[str(shipped / "d.tfrecords")])
    choice = ModelChoice({"max_width": 96}, frozenset({"characters"}))
    config = model_choice.choose_config(run, choice)
    assert config.characters == "AD"
    kept = ("max_prediction", "backbone", "resize", "padding", "decoder", "attention")
    assert all(getattr(config, name) == getattr(CONFIG, name) for name in kept)
    assert config.bucket_widths == (20, 48)  # those of the dataset: the width is another
    (told,) = (line for line in caplog.messages if line.startswith(f"From {folder}"))
    assert told == (
        f"From {folder}: compact CNN, bidirectional LSTM, joint decoder, 48 x 32 pixels, labels up "
        "to 3, 3 characters; new here: --max-width, the charset (--charset, --full-ascii), "
        "--bucket-widths, the optimizer's state, the step count."
    )
    model = train_graph(config, run.dataset[0])
    theirs = values(shipped / "pretrained/latin")
    with model.graph.as_default(), tf.compat.v1.Session(graph=model.graph) as session:
        initial_weights.initialize_weights(session, run, config)
        ours = session.run({v.op.name: v for v in tf.compat.v1.global_variables()})
    for name, value in theirs.items():
        if name in VOCABULARY_AXES:
            axis = VOCABULARY_AXES[name]
            assert np.take(ours[name], 3, axis).tolist() == np.take(value, 3, axis).tolist()  # A
            assert np.take(ours[name], 4, axis).tolist() != np.take(value, 4, axis).tolist()  # D
        else:
            np.testing.assert_array_equal(ours[name], value, err_msg=name)
            np.testing.assert_array_equal(ours[average_of(name)], value, err_msg=name)
    assert ours[GLOBAL_STEP] == 0


def test_wheel_and_source_distribution_contain_it(made, tmp_path):
    tree = tmp_path / "tree"
    ignored = shutil.ignore_patterns("__pycache__", "latin")
    shutil.copytree(ROOT / "aocr", tree / "aocr", ignore=ignored)
    for name in ("setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "requirements.txt"):
        shutil.copy(ROOT / name, tree)
    shutil.copy(ROOT / "CHANGELOG.md", tree)
    shutil.copytree(made / "pretrained/latin", tree / "aocr/pretrained/latin")
    (tree / "aocr/pretrained/latin/MODEL_CARD.md").write_text("# latin\n")
    build = "from setuptools import build_meta as b; b.build_wheel('out'); b.build_sdist('out')"
    subprocess.run([sys.executable, "-c", build], cwd=tree, check=True, capture_output=True)
    (wheel,), (source,) = (tree / "out").glob("*.whl"), (tree / "out").glob("*.tar.gz")
    expected = {
        f"aocr/pretrained/latin/{path.name}" for path in (tree / "aocr/pretrained/latin").iterdir()
    }
    assert len(expected) == 5
    assert expected <= set(zipfile.ZipFile(wheel).namelist())
    with tarfile.open(source) as archive:
        assert expected <= {name.partition("/")[2] for name in archive.getnames()}


@pytest.mark.skipif(not INSTALLED, reason="aocr/pretrained/latin has no weights yet")
def test_the_model_that_comes_with_aocr_reads_a_drawn_word(tmp_path, monkeypatch, capfd):
    folder = pathlib.Path(pretrained.FOLDER) / pretrained.LATIN
    files = [path for path in folder.iterdir() if path.is_file()]
    assert "MODEL_CARD.md" in {path.name for path in files}
    assert sum(path.stat().st_size for path in files) <= 8 * 2**20
    monkeypatch.chdir(tmp_path)
    (tmp_path / "word.png").write_bytes(draw("House42", (180, 48)))
    found = run_in_process(["predict", "word.png"], tmp_path, capfd)
    assert found.code == 0
    assert found.stdout.split("\t")[1] == "House42"
