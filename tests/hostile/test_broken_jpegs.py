"""Broken JPEG files: no message of the decoder is without the name of its image, or twice."""

import base64
import json
import re

import httpx
import pytest
from broken_jpegs import (
    EXTRANEOUS,
    NO_TABLE,
    PREMATURE_END,
    cut,
    cut_and_ended,
    with_stray_bytes,
    without_tables,
)
from commands import MODEL, draw
from helpers import write_records
from live_server import live_server

from aocr.data.images.decoder_complaints import hidden_complaints
from aocr.data.records import schema

GOOD = draw("AB", form="JPEG")
DECODED = {"ended.jpg": PREMATURE_END, "stray.jpg": EXTRANEOUS}
READ = "the image was read, but the JPEG decoder complains"


@pytest.fixture
def jpegs(folder):
    """Makes JPEG files, a list of them, and the dataset `x` of those that can be decoded."""
    files = {
        "good.jpg": GOOD,
        "ended.jpg": cut_and_ended(GOOD),
        "cut.jpg": cut(GOOD),
        "stray.jpg": with_stray_bytes(GOOD),
        "bare.jpg": without_tables(GOOD),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    lines = (f"{name} {label}\n" for name, label in zip(files, "ABCDE", strict=True))
    (folder / "all.txt").write_text("".join(lines))
    decoded = [("good.jpg", None), ("ended.jpg", "ended.jpg"), ("stray.jpg", None)]
    rows = [schema.serialize(files[name], "AB", comment) for name, comment in decoded]
    write_records(folder / "x", rows)
    return folder


def messages(outcome, level):
    """Returns the messages of a level; checks that nothing but log lines is on the console."""
    lines = outcome.stderr.splitlines()
    found = [re.fullmatch(r"\S+ \S+ root  (.{8}) (.*)", line) for line in lines]
    assert all(found), outcome.stderr
    return [each[2] for each in found if each[1].strip() == level]


def check_named_once(outcome, log):
    """Checks that each complaint is in one line on the console and in one line of the log."""
    for text in (outcome.stderr, log.read_text()):
        assert [text.count(complaint) for complaint in DECODED.values()] == [1, 1]


def test_dataset_names_counts_and_keeps_them(run, jpegs):
    outcome = run("dataset", "all.txt", "out")
    assert outcome.code == 0
    warnings = messages(outcome, "WARNING")
    assert warnings[:3] == [
        f"all.txt, line 2: ended.jpg: {READ}: {PREMATURE_END}",
        f"all.txt, line 4: stray.jpg: {READ}: {EXTRANEOUS}",
        "2 images were read with complaints of the decoder.",
    ]
    assert messages(outcome, "ERROR") == [
        "all.txt, line 3: not a whole JPEG image: cut.jpg",
        f"all.txt, line 5: not a whole JPEG image: bare.jpg ({NO_TABLE})",
    ]
    assert warnings[-1] == "out holds 3 pairs; 2 lines were rejected."
    check_named_once(outcome, jpegs / "aocr.log")


def test_strict_dataset_accepts_what_is_decoded(run, jpegs):
    (jpegs / "decoded.txt").write_text("".join(f"{name} AB\n" for name in DECODED))
    assert run("dataset", "decoded.txt", "out", "--strict").code == 0


def test_inspect_names_the_records(run, jpegs):
    outcome = run("inspect", "x", "--json", "--sheet=sheet.png")
    assert outcome.code == 0
    assert messages(outcome, "WARNING") == [
        f"x, record 2, ended.jpg: {READ}: {PREMATURE_END}",
        f"x, record 3: {READ}: {EXTRANEOUS}",
    ]
    assert json.loads(outcome.stdout)["complained"] == {
        "count": 2,
        "named": [f"record 2, ended.jpg: {PREMATURE_END}", f"record 3: {EXTRANEOUS}"],
    }
    check_named_once(outcome, jpegs / "aocr.log")


def test_train_test_and_benchmark_drop_them(run, jpegs, trained):
    model = f"{trained.folder}/checkpoints"
    for command in (
        ("train", "x", *MODEL, "--max-steps=2", "--batch-size=3"),
        ("test", "x", f"--model-dir={model}"),
        ("benchmark", model, "good.jpg", *DECODED, "--seconds=0.1", "--gpu-id=-1"),
    ):
        outcome = run(*command)
        assert outcome.code == 0
        assert messages(outcome, "WARNING") == []


def test_serve_answers_them(jpegs, tiny, capfd):
    with (
        hidden_complaints(),
        live_server(tiny.model_dir) as server,
        httpx.Client(base_url=server.url, timeout=120) as client,
    ):
        for name in DECODED:
            content = (jpegs / name).read_bytes()
            inputs = {
                "inputs": [{"b64": base64.b64encode(each).decode()} for each in (GOOD, content)]
            }
            for answer in (
                client.post("/v1/models/aocr:predict", json=inputs),
                client.post("/read", content=content),
            ):
                assert answer.status_code == 200
    assert "Corrupt JPEG" not in capfd.readouterr().err


def test_predict_names_them(run, jpegs, trained):
    model = f"--model-dir={trained.folder}/checkpoints"
    outcome = run("predict", "good.jpg", *DECODED, "bare.jpg", model)
    assert outcome.code == 1
    assert len(outcome.stdout.splitlines()) == 3
    expected = [f"{name}: {READ}: {complaint}" for name, complaint in DECODED.items()]
    assert messages(outcome, "WARNING") == expected
    assert messages(outcome, "ERROR")[-1] == f"bare.jpg: not a whole JPEG image ({NO_TABLE})"
    check_named_once(outcome, jpegs / "aocr.log")
