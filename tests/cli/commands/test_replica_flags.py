"""The logs of replicas, which all get the same command."""

import json

import pytest

from aocr.cli.command import parse

CLUSTER = {"chief": ["a:1"], "worker": ["b:1", "c:1"]}


@pytest.mark.parametrize(
    ("path", "role", "index", "expected"),
    [
        ("gs://b/aocr.log", "worker", 1, "gs://b/aocr-worker-1.log"),
        ("gs://b/aocr.log", "chief", 0, "gs://b/aocr.log"),
        ("gs://b/aocr.log", "evaluator", 0, "gs://b/aocr-evaluator-0.log"),
        ("logs/aocr.log", "worker", 1, "logs/aocr.log"),
    ],
)
def test_each_replica_has_a_remote_log_of_its_own(monkeypatch, path, role, index, expected):
    task = {"type": role, "index": index}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": CLUSTER, "task": task}))
    args = parse(["train", "words.tfrecords", f"--log-path={path}"])
    assert args.task(args).log_path == expected


@pytest.mark.parametrize("text", ["", "{", "{}"])
def test_other_processes_keep_their_log(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    args = parse(["train", "words.tfrecords", "--log-path=gs://b/aocr.log"])
    assert args.task(args).log_path == "gs://b/aocr.log"


def test_without_a_chief_the_first_worker_is_one(monkeypatch):
    task = {"type": "worker", "index": 0}
    cluster = {"worker": ["b:1", "c:1"]}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))
    args = parse(["train", "words.tfrecords", "--log-path=gs://b/aocr.log"])
    assert args.task(args).log_path == "gs://b/aocr.log"
