"""`aocr test` in a process: lines as programs parse them, a true summary, all outputs.

Runs that several tests look at are fixtures, because each takes seconds.
"""

import importlib.util
import json
import logging
import math
import pathlib
import re
from typing import NamedTuple

import pytest
import tensorflow as tf
from commands import MODEL, WORDS, run_aocr

from aocr.evaluation.evaluator import evaluate

LINE = re.compile(
    r"Step (?P<step>\d+) \((?P<seconds>\d+\.\d{3})s\)\. Accuracy: +(?P<mean>[\d.]+)%, "
    r"loss: (?P<loss>[\d.]+|nan), perplexity: (?P<perplexity>\S+), "
    r"probability: +(?P<probability>[\d.]+)% +(?P<accuracy>\d+)% "
    r"\((?P<texts>.*?)\)(?: (?P<comment>\S+))?$"
)


def parse(log):
    """Returns the fields of the line of each image."""
    return [m.groupdict() for m in map(LINE.search, log.splitlines()) if m]


def lines_of(evaluation, caplog):
    """Evaluates in this process, which is faster, and returns the lines of the images."""
    with caplog.at_level(logging.INFO):
        evaluate(evaluation)
    return parse("\n".join(caplog.messages))


class Run(NamedTuple):
    """Holds what a run of `aocr test` wrote: its log, and the folder of its outputs."""

    log: str
    folder: pathlib.Path


@pytest.fixture(scope="module")
def mixed_run(trained, mixed, tmp_path_factory):
    """Tests the mixed records with every output that can be written here."""
    folder = tmp_path_factory.mktemp("outputs")
    outputs = ["--visualize", f"--output-dir={folder}/out", f"--predictions={folder}/p.jsonl"]
    if all(importlib.util.find_spec(package) for package in ("jinja2", "matplotlib")):
        outputs.append(f"--report={folder}/report")
    done = run_aocr("test", mixed, *MODEL, *outputs, cwd=trained.folder, check=0)
    return Run(done.stderr, folder)


@pytest.fixture(scope="module")
def empty_run(trained, tmp_path_factory):
    """Tests an empty dataset, which fails."""
    folder = tmp_path_factory.mktemp("empty")
    dataset = folder / "empty.tfrecords"
    tf.io.TFRecordWriter(str(dataset)).close()
    arguments = [dataset, *MODEL, f"--predictions={folder}/p.tsv"]
    return Run(run_aocr("test", *arguments, cwd=trained.folder, check=1).stderr, folder)


def test_every_record_has_its_line_in_order(trained, evaluation, caplog):
    lines = lines_of(evaluation._replace(files=[f"{trained.folder}/words.tfrecords"]), caplog)
    assert [int(line["step"]) for line in lines] == list(range(1, 13))
    assert [line["texts"] for line in lines] == list(WORDS * 2)
    assert {line["accuracy"] for line in lines} == {"100"}
    assert {line["comment"] for line in lines} == {None}
    for line in lines:
        assert math.exp(float(line["loss"])) == pytest.approx(float(line["perplexity"]), rel=1e-4)


def test_what_cannot_be_read_right_is_wrong_and_not_absent(mixed_run):
    log = mixed_run.log
    lines = parse(log)
    assert [line["texts"] for line in lines] == [
        "AB",
        "BA vs ABAB",
        "CAB vs ca!",
        " vs ACC",
        "B vs ",
        "CAB",
    ]
    assert [line["comment"] for line in lines] == [None, "1.png", "2.png", "3.png", "4.png", None]
    assert [line["accuracy"] for line in lines] == ["100", "50", "0", "0", "0", "100"]
    assert [line["loss"] == "nan" for line in lines] == [False, True, True, True, False, False]
    assert [float(line["mean"]) for line in lines] == [100.0, 75.0, 50.0, 37.5, 30.0, 41.67]
    assert "1 image cannot be decoded: counted as wrong." in log
    assert "Tested 6 images: 2 read exactly." in log
    assert "Exact match: 33.33%" in log
    assert "Edit-distance accuracy: 41.67%" in log
    assert "Character error rate: 60.00%" in log  # 2 + 3 + 3 + 1 edits of 15 characters
    assert "over 3 images" in log
    assert "Exact match, case ignored: 33.33%" in log
    assert "1-NED: 41.67%" in log  # 1 + 2 / 4 + 0 + 0 + 0 + 1
    assert "Word error rate" not in log
    loss = re.search(r"loss: ([\d.]+), over", log)[1]
    perplexity = re.search(r"Perplexity: ([\d.]+)\n", log)[1]
    assert float(perplexity) == pytest.approx(math.exp(float(loss)), rel=1e-4)
    assert log.count("Step") == 6


def test_no_distance_counts_exact_matches(trained, mixed):
    done = run_aocr("test", mixed, *MODEL, "--no-distance", cwd=trained.folder, check=0)
    lines = parse(done.stderr)
    assert [line["accuracy"] for line in lines] == ["100", "0", "0", "0", "0", "100"]
    assert float(lines[-1]["mean"]) == 33.33


def test_lines_do_not_depend_on_the_batch_size(mixed_run, evaluation, caplog):
    def facts(lines):
        return [(line["step"], line["texts"], line["accuracy"], line["mean"]) for line in lines]

    one_by_one = lines_of(evaluation._replace(batch_size=1), caplog)
    assert facts(one_by_one) == facts(parse(mixed_run.log))


def test_visualize_makes_a_folder_an_image(mixed_run):
    out = mixed_run.folder / "out"
    folders = sorted(path.parent.relative_to(out) for path in out.rglob("word.txt"))
    assert [folder.parts[0] for folder in folders] == ["correct"] * 2 + ["incorrect"] * 3
    for folder in folders:
        files = {p.name for p in (out / folder).iterdir()}
        assert files == {"attention.gif", "attention.png", "word.txt"}
    words = {(out / folder / "word.txt").read_text() for folder in folders}
    assert "BA\nABAB\n" in words


def test_predictions_as_json_lines(mixed_run):
    path = mixed_run.folder / "p.jsonl"
    lines = parse(mixed_run.log)
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [row["number"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row["path"] for row in rows] == [f"{number}.png" for number in range(6)]
    assert [row["label"] for row in rows] == ["AB", "ABAB", "ca!", "ACC", "", "CAB"]
    assert [row["prediction"] for row in rows] == ["AB", "BA", "CAB", "", "B", "CAB"]
    assert [row["correct"] for row in rows] == [True, False, False, False, False, True]
    assert [row["edit_distance"] for row in rows] == [0, 2, 3, 3, 1, 0]
    for row, line in zip(rows, lines, strict=True):
        assert "".join(each["character"] for each in row["characters"]) == row["prediction"]
        assert 100 * row["probability"] == pytest.approx(float(line["probability"]), abs=0.006)
        loss = float("nan") if row["loss"] is None else row["loss"]
        assert loss == pytest.approx(float(line["loss"]), abs=1e-5, nan_ok=True)


def test_report_is_a_page(mixed_run):
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    page = (mixed_run.folder / "report/index.html").read_text(encoding="utf-8")
    assert re.search(r"<dt>Checkpoint</dt><dd><bdi>\S*checkpoints/model\.ckpt-\d+</bdi>", page)
    assert "mixed.tfrecords" in page
    assert "33.33" in page  # read exactly


def test_predictions_of_another_suffix_are_refused_before_anything_runs(trained, tmp_path):
    arguments = ["words.tfrecords", f"--predictions={tmp_path}/p.csv", f"--report={tmp_path}/r"]
    done = run_aocr("test", *arguments, cwd=trained.folder, check=1)
    assert "must end in .tsv or .jsonl, not '.csv'" in done.stderr
    assert done.stderr.count(" ERROR ") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_empty_dataset_is_an_error(empty_run):
    assert "the dataset is empty" in empty_run.log


def test_a_test_that_fails_leaves_no_predictions(empty_run):
    assert [path.name for path in empty_run.folder.iterdir()] == ["empty.tfrecords"]
