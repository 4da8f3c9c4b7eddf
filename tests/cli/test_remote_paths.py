"""Every command with all of its paths on `ram://`, a file system within this process."""

import contextlib
import json
import os
import posixpath
import signal
import socket
import threading
import urllib.error
import urllib.request

import pytest
import tensorflow as tf
from hostile_runs import run_in_process
from tiny_model import png

from aocr.data.records import files as record_files
from aocr.exports.description import FILE_NAME as DESCRIPTION

ROOT = "ram://remote"
LOG = f"{ROOT}/log/aocr.log"
WORDS = f"{ROOT}/words.tfrecords"
MODEL = f"--model-dir={ROOT}/model"
VERSIONS = f"{ROOT}/versions"


def put(name: str, content: bytes) -> None:
    path = f"{ROOT}/{name}"
    tf.io.gfile.makedirs(posixpath.dirname(path))
    with tf.io.gfile.GFile(path, "wb") as file:
        file.write(content)


def content(name: str) -> bytes:
    with tf.io.gfile.GFile(f"{ROOT}/{name}", "rb") as file:
        return file.read()


def names(folder: str) -> set[str]:
    return {name.rstrip("/") for name in tf.io.gfile.listdir(f"{ROOT}/{folder}")}


def put_folder(source: str, target: str) -> None:
    """Copies a local folder."""
    for folder, _, files in os.walk(source):
        for name in files:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                put(f"{target}/{os.path.relpath(path, source)}", file.read())


@pytest.fixture(scope="module")
def inputs(tiny):
    """Writes what the commands read: texts, images, records, a model and its export."""
    for label in ("A", "B", "AB"):
        put(f"images/{label}.png", png(label))
    put("annotations.txt", b"images/A.png A\nimages/B.png B\nimages/none.png AB\n")
    put("characters.txt", b"AB")
    put("texts.txt", b"A\nB\nAB\n")
    put("keys.txt", b"secret\n")
    put_folder(tiny.model_dir, "model")
    put_folder(tiny.saved_model, "versions/1")
    from aocr.data.building import builder

    builder.build([f"{ROOT}/images"], WORDS, builder.Options())


@pytest.fixture
def aocr(inputs, tmp_path, monkeypatch, capfd):
    """Returns a function that runs a command, which must succeed and write no local file."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        outcome = run_in_process([*arguments, f"--log-path={LOG}"], tmp_path, capfd)
        assert outcome.code == 0, outcome.stderr
        assert outcome.new_files == []
        return outcome

    return run


def test_dataset_and_inspect(aocr):
    data = f"{ROOT}/data/built.tfrecords"
    aocr("dataset", f"{ROOT}/annotations.txt", data, f"--base-dir={ROOT}", "--shards=2")
    rejected = content("data/built.tfrecords.rejected.tsv").decode().splitlines()
    assert [line.split("\t")[1] for line in rejected[1:]] == [f"{ROOT}/images/none.png"]
    shards = f"{ROOT}/data/built-0*"
    assert len(list(record_files.read(record_files.expand([shards])))) == 2
    report = aocr("inspect", shards, "--json", f"--sheet={ROOT}/sheet.png", "--augment=light")
    assert json.loads(report.stdout)["records"] == 2
    assert content("sheet.png").startswith(b"\x89PNG")
    assert b"1 line was rejected" in content("log/aocr.log")


def test_synth(aocr):
    drawing = ("--count=3", "--fonts=builtin", "--processes=1")
    sheet = f"--sheet={ROOT}/drawn.png"
    aocr("synth", f"{ROOT}/drawn.tfrecords", f"--words={ROOT}/texts.txt", sheet, *drawing)
    characters = f"--charset={ROOT}/characters.txt"
    aocr("synth", f"{ROOT}/folder/", characters, f"--like={WORDS}", *drawing)
    assert len(content("folder/annotations.txt").splitlines()) == len(names("folder/images")) == 3
    assert content("drawn.png").startswith(b"\x89PNG")


def test_train(aocr):
    folder = f"--model-dir={ROOT}/trained"
    run = (f"--validation={WORDS}", "--batch-size=3", "--num-epoch=1", "--gpu-id=-1")
    start = (f"--init-from={ROOT}/model", f"--charset={ROOT}/characters.txt")
    aocr("train", f"--mix={WORDS}=1", folder, *run, *start)
    aocr("train", WORDS, folder, *run)
    written = names("trained")
    assert {
        "model.ckpt-1.index",
        "model.ckpt-2.index",
        "best.json",
        "config.json",
        "checkpoint",
    } <= written
    assert any(name.startswith("events.out.tfevents") for name in written)
    assert "training.lock" not in written


def test_test(aocr):
    pictures = ("--visualize", f"--output-dir={ROOT}/results")
    files = (f"--predictions={ROOT}/read.tsv", f"--report={ROOT}/report")
    aocr("test", WORDS, MODEL, *files, *pictures)
    assert len(content("read.tsv").splitlines()) == 4
    assert b"<html" in content("report/index.html")
    assert sum(len(files) for _, _, files in tf.io.gfile.walk(f"{ROOT}/results")) >= 3


def test_predict(aocr):
    images = f"{ROOT}/images", f"{ROOT}/images/A*.png"
    flags = (f"--lexicon={ROOT}/texts.txt", "--json", f"--output={ROOT}/read.jsonl")
    assert aocr("predict", *images, MODEL, *flags).stdout == ""
    rows = [json.loads(line) for line in content("read.jsonl").splitlines()]
    assert [posixpath.basename(row["path"]) for row in rows] == [
        *("A.png", "AB.png", "B.png"),
        *("A.png", "AB.png"),
    ]


def test_an_export_of_one_file(aocr):
    aocr("export", f"{ROOT}/exported", MODEL, "--format=tflite", f"--verify={WORDS}")
    assert names("exported") == {"model.tflite", DESCRIPTION, "config.json"}


def test_versions_are_exported_measured_and_served(aocr):
    aocr("export", VERSIONS, MODEL, "--versioned")
    assert names("versions") == {"1", "2"}
    assert "saved_model.pb" in names("versions/2")
    measured = aocr("benchmark", VERSIONS, f"{ROOT}/images", "--seconds=0.1", "--json")
    assert json.loads(measured.stdout)["images"] == 3
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with asked_then_stopped(f"http://127.0.0.1:{port}/v1/models/aocr") as answers:
        aocr("serve", VERSIONS, f"--port={port}", f"--api-key-file={ROOT}/keys.txt")
    versions = json.loads(answers[0])["model_version_status"]
    assert [each["version"] for each in versions] == ["2"]


@contextlib.contextmanager
def asked_then_stopped(url: str):
    """Asks a server that runs in the block; then stops it by a signal to this process.

    Yields a list that gets the answer.
    """
    answers: list[str] = []
    ended = threading.Event()

    def ask() -> None:
        request = urllib.request.Request(url, headers={"Authorization": "Bearer secret"})
        while not answers and not ended.wait(0.05):
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    answers.append(answer.read().decode())
            except urllib.error.HTTPError as error:
                answers.append(str(error))
            except OSError:  # it does not listen yet
                continue
        if not ended.is_set():
            os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield answers
    finally:
        ended.set()
        thread.join(20)
