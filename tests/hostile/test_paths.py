"""Paths and arguments that are wrong: each command says so in one line and touches nothing."""

import os

import pytest
from commands import MODEL, draw
from hostile_runs import check_failure

MISSING = [
    (("dataset", "nosuch.txt", "out.tfrecords"), "nosuch.txt"),
    (("inspect", "nosuch.tfrecords"), "nosuch.tfrecords"),
    (("train", "nosuch.tfrecords"), "nosuch.tfrecords"),
    (("test", "ok.tfrecords"), "no checkpoint in ./checkpoints"),
    (("predict", "a.png", "--model-dir=./checkpoints"), "no checkpoint in ./checkpoints"),
    (("export", "out"), "no checkpoint in ./checkpoints"),
]


@pytest.mark.parametrize(("arguments", "says"), MISSING, ids=[each[0][0] for each in MISSING])
def test_what_is_missing_is_named(run, arguments, says):
    check_failure(run(*arguments), says)


@pytest.fixture
def place(folder, trained):
    """Adds files of all kinds to the folder, and `model`, a trained model."""
    (folder / "model").symlink_to(trained.folder / "checkpoints")
    (folder / "empty").write_bytes(b"")
    (folder / "text").write_text("just text\n")
    (folder / "dir").mkdir()
    return folder


WRONG_KIND = [
    ("dataset dir out.tfrecords", "dir"),
    ("dataset empty out.tfrecords", "empty"),
    ("dataset ok.txt dir", "dir"),
    ("dataset ok.txt text/out.tfrecords", "text"),
    ("inspect dir", "dir"),
    ("inspect a.png", "a.png"),
    ("inspect text", "text"),
    ("inspect empty", "empty"),
    ("inspect ok.tfrecords --charset=a.png", "a.png"),
    ("inspect ok.tfrecords --charset=dir", "dir"),
    ("inspect ok.tfrecords --charset=empty", "empty"),
    ("train a.png --model-dir=new", "a.png"),
    ("train text --model-dir=new", "text|no record"),
    ("train empty --model-dir=new", "empty"),
    ("train dir --model-dir=new", "dir"),
    ("train ok.tfrecords --model-dir=text", "text"),
    ("train ok.tfrecords --model-dir=new --init-from=text", "text"),
    ("train ok.tfrecords --model-dir=new --validation=a.png", "a.png"),
    ("test a.png --model-dir=model", "a.png"),
    ("test empty --model-dir=model", "empty"),
    ("test dir --model-dir=model", "dir"),
    ("test ok.tfrecords --model-dir=text", "text"),
    ("test ok.tfrecords --model-dir=model --checkpoint=text", "text"),
    ("test ok.tfrecords --model-dir=model --predictions=dir", "dir"),
    ("predict a.png --model-dir=text", "text"),
    ("predict a.png --model-dir=model --checkpoint=a.png", "a.png"),
    ("predict a.png --model-dir=model --checkpoint=dir", "dir"),
    ("predict a.png --model-dir=dir", "dir"),
    ("export out --model-dir=text", "text"),
    ("export text --model-dir=model", "text"),
    ("export out --model-dir=model --checkpoint=empty", "empty"),
]


@pytest.mark.parametrize(("line", "says"), WRONG_KIND, ids=[each[0] for each in WRONG_KIND])
def test_files_of_the_wrong_kind_are_named(place, run, line, says):
    check_failure(run(*line.split()), says)


@pytest.mark.parametrize("annotations", ["a.png", "text"])
def test_a_file_without_annotations_is_named_after_its_lines(place, run, annotations):
    outcome = run("dataset", annotations, "out.tfrecords")
    assert (outcome.code, outcome.new_files) == (1, [])
    assert f"{annotations} has no usable line" in outcome.errors[-1]
    begun = outcome.stderr.count(" INFO ")  # the build's first lines
    assert outcome.stderr.count("\n") == len(outcome.errors) + begun


@pytest.mark.parametrize("command", ["dataset", "inspect", "train", "test", "predict", "export"])
def test_a_log_in_a_folder_or_without_one_is_refused(place, run, command):
    arguments = {"dataset": ["ok.txt"], "predict": ["a.png"], "export": ["out"]}
    for path in ("dir", "nosuch/aocr.log", "text/aocr.log"):
        done = run(command, *arguments.get(command, ["ok.tfrecords"]), f"--log-path={path}")
        assert done.code == 1
        assert done.stderr.count("\n") == 1
        assert f"--log-path={path}" in done.stderr
        assert done.new_files == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
@pytest.mark.parametrize(
    "line",
    [
        "dataset ok.txt out.tfrecords",
        "inspect ok.tfrecords",
        "train ok.tfrecords --model-dir=new",
        "test ok.tfrecords --model-dir=model",
    ],
)
def test_files_that_cannot_be_read_are_named(place, run, line):
    unreadable = line.split()[1]
    (place / unreadable).chmod(0)
    try:
        outcome = run(*line.split())
    finally:
        (place / unreadable).chmod(0o644)
    check_failure(outcome, unreadable)


NAMES = [
    "two words.png",
    "quote'\".png",
    "line\nbreak.png",
    "\x1b[2J\r\t.png",
    "n" * 251 + ".png",
    "שלום é 皖.png",
    "-dash.png",
    "[glob]*?.png",
]


def test_any_name_of_an_image_is_read(place, run):
    for name in NAMES:
        (place / name).write_bytes(draw("AB"))
    outcome = run("predict", "--model-dir=model", "--", *NAMES)
    assert outcome.code == 0, outcome.stderr
    rows = outcome.stdout.splitlines()
    assert len(rows) == outcome.stdout.count("\n") == len(NAMES)
    assert all(row.count("\t") == 2 for row in rows)
    assert "\x1b" not in outcome.stdout + outcome.stderr
    lines = outcome.stderr.splitlines()
    assert all(" root  " in line for line in lines)


def test_any_name_of_a_missing_image_is_told_in_one_line(place, run):
    missing = [*NAMES, "\udcff.png", "n" * 256]
    outcome = run("predict", "--model-dir=model", "--", *missing)
    assert outcome.code == 1
    assert outcome.stdout == ""
    assert len(outcome.errors) == 2 * len(missing)
    assert "\x1b" not in outcome.stderr
    assert all(" root  " in line for line in outcome.stderr.splitlines())


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_an_output(place, run, name):
    outcome = run("dataset", "--", "ok.txt", name)
    if len(os.fsencode(name)) > 200:  # no room for the suffix of the temporary file
        check_failure(outcome, "too long|name")
        return
    assert outcome.code == 0, outcome.stderr
    assert outcome.new_files == [name]
    assert all(" root  " in line for line in outcome.stderr.splitlines())


USAGE = [
    ("", "required"),
    ("bogus", "invalid choice"),
    ("dataset", "required: source"),
    ("dataset ok.txt --no", "ambiguous option"),
    ("dataset ok.txt --nosuch", "unrecognized arguments: --nosuch"),
    ("dataset ok.txt --shards=0", "--shards: 0"),
    ("dataset ok.txt --shards=100000", "--shards: 100000"),
    ("dataset ok.txt --max-width=-1", "--max-width: -1"),
    ("dataset ok.txt --delimiter=x", "--delimiter: invalid choice"),
    ("inspect", "required: dataset"),
    ("inspect ok.tfrecords --max-height=nan", "--max-height: nan"),
    ("train", "required: dataset"),
    ("train ok.tfrecords --batch-size=0", "--batch-size: 0"),
    ("train ok.tfrecords --num-epoch=1.5", "--num-epoch: 1.5"),
    ("train ok.tfrecords --initial-learning-rate=inf", "--initial-learning-rate: inf"),
    ("train ok.tfrecords --max-prediction=99999999999", "--max-prediction: 99999999999"),
    ("train ok.tfrecords --max-width=\x1b[2J", r"--max-width: \\x1b\[2J"),
    ("train ok.tfrecords --full-ascii --charset=x", "not allowed with"),
    ("test ok.tfrecords --gpu-id=x", "--gpu-id: x"),
    ("test ok.tfrecords --batch-size", "expected one argument"),
    ("predict a.png --json=1", "ignored explicit argument"),
    ("export out --format=caffe", "--format: invalid choice"),
]


@pytest.mark.parametrize(("line", "says"), USAGE, ids=[ascii(each[0]) for each in USAGE])
def test_wrong_usage_is_told_in_one_line(run, line, says):
    check_failure(run(*line.split(" ") if line else ()), says, code=2)


def test_flags_may_be_abbreviated_and_repeated(place, run):
    lines = run("dataset", "ok.txt", "out.tfrecords", "--max-w=9", "--log-s=1", "--max-w=48").stderr
    assert "Dataset is ready: 2 pairs." in lines
    short = ["--max-w=48", "--max-h=32", "--max-p=3", "--attn-num-h=32"]
    assert len(short) == len(MODEL)
    outcome = run("predict", "a.png", "--model-d=nosuch", "--model-d=model", *short, "--max-w=48")
    assert outcome.code == 0, outcome.stderr
