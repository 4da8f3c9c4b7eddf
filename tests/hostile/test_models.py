"""Model directories that are damaged, and flags that cannot be meant: one line says what to do."""

import json
import os
import shutil

import pytest
from commands import MODEL, draw, run_aocr
from helpers import write_records
from hostile_runs import check_failure

from aocr.data.records import schema
from aocr.util import machine

DATA = "model.ckpt-2.data-00000-of-00001"
READERS = {
    "test": ("test", "ok.tfrecords", "--model-dir=m"),
    "predict": ("predict", "a.png", "--model-dir=m"),
    "export": ("export", "out", "--model-dir=m"),
}
ALL = READERS | {"train": ("train", "ok.tfrecords", "--model-dir=m", "--max-steps=9")}


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory):
    """Trains a model for two steps, once for this file; returns its directory."""
    folder = tmp_path_factory.mktemp("once")
    write_records(folder / "d.tfrecords", [schema.serialize(draw("AB"), "AB")] * 2)
    flags = ("--max-steps=2", "--steps-per-checkpoint=1", "--seed=1", "--model-dir=m")
    run_aocr("train", "d.tfrecords", *MODEL, *flags, cwd=folder, check=0)
    return folder / "m"


@pytest.fixture
def model(trained_once, folder):
    """Copies the model into the working directory."""
    return shutil.copytree(trained_once, folder / "m")


def cut(path):
    os.truncate(path, 1000)


def empty(path):
    os.truncate(path, 0)


def flip(path):
    content = bytearray(path.read_bytes())
    for place in range(0, len(content), 1009):
        content[place] ^= 255
    path.write_bytes(content)


DAMAGES = [
    (DATA, cut, f"{DATA} is cut off after 1000 of "),
    (DATA, empty, f"{DATA} is empty"),
    (DATA, os.remove, f"{DATA} is missing"),
    (DATA, flip, f"{DATA} is damaged where "),
    ("model.ckpt-2.index", empty, r"model\.ckpt-2\.index"),
    ("model.ckpt-2.index", flip, r"model\.ckpt-2\.index"),
]


@pytest.mark.parametrize(("name", "damage", "says"), DAMAGES)
def test_a_damaged_checkpoint_is_named_with_its_cause(run, model, name, damage, says):
    damage(model / name)
    outcome = run(*READERS["predict"])
    check_failure(outcome, f"m/model.ckpt-2 is not a complete checkpoint: .*{says}")
    assert outcome.errors[0].endswith("or use another checkpoint of this folder: model.ckpt-1")


@pytest.mark.parametrize("command", ALL)
def test_every_command_names_a_damaged_checkpoint(run, model, command):
    cut(model / DATA)
    check_failure(run(*ALL[command]), f"not a complete checkpoint: m/{DATA} is cut off after 1000")


STATES = {None: "is missing", "garbage{": "is damaged", "": "is damaged"} | {
    'model_checkpoint_path: "model.ckpt-9"': "names m/model.ckpt-9, which does not exist"
}


@pytest.mark.parametrize("command", ALL)
@pytest.mark.parametrize("content", STATES)
def test_a_lost_state_file_is_named_with_the_checkpoints_and_the_cure(run, model, command, content):
    if content is None:
        (model / "checkpoint").unlink()
    else:
        (model / "checkpoint").write_text(content)
    says = f"m/checkpoint {STATES[content]}, but m has model.ckpt-1, model.ckpt-2: write the line "
    cure = "'model_checkpoint_path: .* or give test, predict and export --checkpoint=2; to train"
    check_failure(run(*ALL[command]), says + cure)  # train has no --checkpoint


def test_the_cures_of_a_lost_state_file_work(run, model):
    (model / "checkpoint").unlink()
    assert run(*READERS["predict"], "--checkpoint=2").code == 0
    (model / "checkpoint").write_text('model_checkpoint_path: "model.ckpt-2"\n')
    assert run(*READERS["predict"]).code == 0


CONFIGS = [
    ({"max_prediction": 0}, "its max_prediction is 0, which is not a whole number from 1"),
    ({"max_prediction": 10**9}, "its max_prediction is 1000000000, which is not"),
    ({"bucket_widths": [-4]}, r"its bucket_widths is \[-4\], which is not"),
    ({"preparation": 5}, "its preparation is 5, but max_width=48 and max_height=32 lead to"),
    ({"max_width": 64}, "its preparation is .*'width': 48.* lead to .*'width': 64"),
    ({"teacher": "CTC"}, "its key 'teacher' .'CTC'. is unknown; aocr 1.* wrote it"),
    ({"decoder": "CTC"}, "its decoder is 'CTC', which is not one of attention, ctc, joint"),
    ({"decoder": "ctc"}, 'it does not say "architecture": "sliding CNN, .*, ctc decoder"'),
    ({"read_with": "ctc"}, "read_with=ctc is for decoder=joint only"),
    ({"aocr": "7.0.0"}, "its aocr is '7.0.0', a later version than this"),
    ({"characters": "ABA"}, "the charset holds .'A'. more than once"),
    ({"characters": ""}, "the charset is empty"),
]


@pytest.mark.parametrize(("changes", "says"), CONFIGS, ids=[str(each[0]) for each in CONFIGS])
def test_a_config_that_cannot_be_meant_is_named_with_key_and_value(run, model, changes, says):
    facts = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(facts | changes))
    check_failure(run(*READERS["predict"]), f"cannot use m/config.json: {says}.*: correct it, or")


USAGE = [
    (("train", "ok.tfrecords", "--patience=3"), "--patience requires --validation"),
    (("train", "ok.tfrecords", "--validation-interval=3"), "--validation-interval requires"),
    (("dataset", "ok.txt", "out", "--shard-index=0"), "--shard-index=0 requires --shards"),
    (("dataset", "ok.txt", "out", "--shards=2", "--shard-index=2"), "is not from 0 to 1"),
]


@pytest.mark.parametrize(("arguments", "says"), USAGE, ids=[each[1] for each in USAGE])
def test_flags_that_need_another_are_usage_errors(run, arguments, says):
    check_failure(run(*arguments), says, code=2)


@pytest.mark.parametrize("command", ["train", "test"])
def test_a_batch_beyond_the_memory_is_a_usage_error(run, model, monkeypatch, command):
    monkeypatch.setattr(machine, "_machine", lambda: 2**33)
    outcome = run(*ALL[command], "--batch-size=1000000")
    check_failure(outcome, "--batch-size=1000000: 1000000 images of 48 x 32 .* 8.0 GiB", code=2)


REMOTE = [
    ("train", "ok.tfrecords", "--model-dir={}"),
    ("test", "ok.tfrecords", "--model-dir={}"),
    ("predict", "a.png", "--model-dir={}"),
    ("export", "out", "--model-dir={}"),
    ("dataset", "{}", "out"),
    ("dataset", "ok.txt", "{}"),
    ("inspect", "{}"),
    ("train", "{}"),
]


@pytest.mark.parametrize("arguments", REMOTE, ids=" ".join)
def test_a_file_system_that_is_missing_is_named_with_its_extra(run, monkeypatch, arguments):
    monkeypatch.setattr("tensorflow.io.gfile.get_registered_schemes", lambda: ["", "file"])
    outcome = run(*[each.format("gs://b/x") for each in arguments])
    check_failure(outcome, r"gs://b/x: .* has no file system gs:// here: .*'aocr\[gcs\]'")
    outcome = run(*[each.format("s3://b/x") for each in arguments])
    check_failure(outcome, "s3://b/x: TensorFlow has no file system s3:// here: copy the files")


def test_a_second_training_is_refused_and_the_directory_stays(run, model):
    owner = {"host": os.uname().nodename, "process": os.getppid(), "since": "noon"}
    stat = open(f"/proc/{os.getppid()}/stat", encoding="ascii").read()  # noqa: SIM115
    owner["identity"] = stat.rpartition(")")[2].split()[19]
    (model / "training.lock").write_text(json.dumps(owner))
    check_failure(run(*ALL["train"]), f"process {os.getppid()} on .* training in m since noon")


@pytest.mark.parametrize("flags", ["--model-dir=a[1]", "--init-from=b*", "--model-dir=c?d"])
def test_a_model_directory_with_a_name_like_a_pattern_is_refused(run, flags):
    says = f"{flags.replace('[', '.').replace('*', '.').replace('?', '.')}: TensorFlow cannot read"
    check_failure(run("train", "ok.tfrecords", flags), says, code=2)
