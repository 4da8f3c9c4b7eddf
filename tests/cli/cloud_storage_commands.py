"""The commands on `gs://` paths; `test_cloud_storage.py` runs these tests in namespaces."""

import json

import pytest
import tensorflow as tf
from hostile_runs import run_in_process
from storage_emulator import emulator
from tiny_model import png

ROOT = "gs://bucket/job"
SHARDS = f"{ROOT}/data/words-*"
MODEL = f"--model-dir={ROOT}/model"
LABELS = ("A", "B", "AB", "BA", "AA")
TINY = ("--max-width=16", "--max-height=32", "--max-prediction=2", "--attn-num-hidden=8")
TINY += ("--backbone=compact", "--attn-num-layers=1")


@pytest.fixture(scope="module", autouse=True)
def bucket(tmp_path_factory):
    """Runs the storage, with images and their annotations."""
    with emulator(tmp_path_factory.mktemp("emulator"), "bucket"):
        for label in LABELS:
            put(f"images/{label}.png", png(label))
        lines = [f"images/{label}.png {label}\n" for label in (*LABELS, "none")]
        put("list.txt", "".join(lines).encode())
        yield


@pytest.fixture
def aocr(tmp_path, monkeypatch, capfd):
    """Returns a function that runs a command, which must succeed and write no local file."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        log = f"--log-path={ROOT}/log/{arguments[0]}.log"
        outcome = run_in_process([*arguments, log], tmp_path, capfd)
        assert outcome.code == 0, outcome.stderr
        assert outcome.new_files == []
        return outcome

    return run


def put(name, content):
    with tf.io.gfile.GFile(f"{ROOT}/{name}", "wb") as file:
        file.write(content)


def content(name):
    with tf.io.gfile.GFile(f"{ROOT}/{name}", "rb") as file:
        return file.read()


def names(folder):
    return {name.rstrip("/") for name in tf.io.gfile.listdir(f"{ROOT}/{folder}")}


def test_dataset_and_inspect(aocr):
    for index in range(2):
        output = f"{ROOT}/data/words.tfrecords"
        share = ("--shards=2", f"--shard-index={index}")
        aocr("dataset", f"{ROOT}/list.txt", output, f"--base-dir={ROOT}", *share)
    assert b"1 line was rejected" in content("log/dataset.log")
    facts = json.loads(aocr("inspect", SHARDS, "--json").stdout)
    (dataset,) = facts["datasets"]
    assert facts["records"] == len(LABELS)
    assert (dataset["missing"], dataset["rejected"]) == ([], {"no such file": 1})
    assert not any(".tmp" in name for name in names("data"))


def test_train_and_resume(aocr):
    run = ("train", SHARDS, MODEL, "--batch-size=5", "--gpu-id=-1")
    aocr(*run, *TINY, "--max-steps=2")
    outcome = aocr(*run, "--max-steps=3")
    assert f"Reading model parameters from {ROOT}/model/model.ckpt-2" in outcome.stderr
    written = names("model")
    assert {"model.ckpt-2.index", "model.ckpt-3.index", "config.json"} <= written
    assert not any("lock" in name or "temp" in name for name in written)


def test_test(aocr):
    outputs = (f"--predictions={ROOT}/read.tsv", f"--report={ROOT}/report")
    aocr("test", SHARDS, MODEL, *outputs)
    assert len(content("read.tsv").splitlines()) == 1 + len(LABELS)
    assert b"<html" in content("report/index.html")


def test_predict(aocr):
    flags = (f"--output={ROOT}/out.tsv", "--shards=2", "--shard-index=1")
    aocr("predict", f"{ROOT}/images", MODEL, *flags)
    rows = content("out-00001-of-00002.tsv").decode().splitlines()
    paths = [f"{ROOT}/images/{label}.png" for label in sorted(LABELS)]
    assert [row.split("\t")[0] for row in rows] == paths[1::2]


def test_export(aocr):
    aocr("export", f"{ROOT}/versions", MODEL, "--versioned")
    assert {"saved_model.pb", "variables"} <= names("versions/1")
    assert not any(".tmp" in name for name in names(""))
