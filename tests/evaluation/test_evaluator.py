"""`aocr test`: every record, in order, lines as they are scraped, a true summary, pictures."""

import io
import json
import logging
import math
import re
import sys

import numpy as np
import pytest
import tensorflow as tf
from conftest import MODEL, WORDS, draw, run_aocr
from PIL import Image

from aocr.charset import EOS_ID, FIRST_CHARACTER_ID, PAD_ID
from aocr.data import records
from aocr.data.input_pipeline import EvaluationBatch
from aocr.evaluation import evaluator, metrics
from aocr.evaluation.graph import EvalGraph
from aocr.model.config_file import of_trained_model
from aocr.model.postprocessing import Transcription
from aocr.util.errors import UserError

LINE = re.compile(
    r"Step (?P<step>\d+) \((?P<seconds>\d+\.\d{3})s\)\. Accuracy: +(?P<mean>[\d.]+)%, "
    r"loss: (?P<loss>[\d.]+|nan), perplexity: (?P<perplexity>\S+), "
    r"probability: +(?P<probability>[\d.]+)% +(?P<accuracy>\d+)% "
    r"\((?P<texts>.*?)\)(?: (?P<comment>\S+))?$"
)


def parse(log):
    return [m.groupdict() for m in map(LINE.search, log.splitlines()) if m]


def run_test(trained, dataset, *arguments):
    done = run_aocr("test", dataset, *MODEL, *arguments, cwd=trained.folder, check=0)
    return done.stderr


def enlarged(image):
    """Twice as large; shrunk to fit it has the same pixels again."""
    picture = Image.open(io.BytesIO(image))
    file = io.BytesIO()
    picture.resize((96, 64), Image.Resampling.NEAREST).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def mixed(trained):
    """Records that the model reads, and others that it cannot."""
    path = trained.folder / "mixed.tfrecords"
    rows = [
        (draw("AB"), "AB"),
        (draw("BA"), "ABAB"),  # longer than the model writes
        (draw("CAB"), "ca!"),  # characters that it lacks
        (b"no image", "ACC"),
        (draw("B"), ""),
        (enlarged(draw("CAB")), "CAB"),  # larger than --max-width
    ]
    with tf.io.TFRecordWriter(str(path)) as writer:
        for number, (image, label) in enumerate(rows):
            writer.write(records.serialize(image, label, f"{number}.png"))
    return str(path)


def test_every_record_has_its_line_in_order(trained):
    lines = parse(run_test(trained, "words.tfrecords"))
    assert [int(line["step"]) for line in lines] == list(range(1, 13))
    assert [line["texts"] for line in lines] == list(WORDS * 2)
    assert {line["accuracy"] for line in lines} == {"100"}
    assert {line["comment"] for line in lines} == {None}
    for line in lines:
        assert math.exp(float(line["loss"])) == pytest.approx(float(line["perplexity"]), rel=1e-4)


def test_what_cannot_be_read_right_is_wrong_and_not_absent(trained, mixed):
    log = run_test(trained, mixed)
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
    lines = parse(run_test(trained, mixed, "--no-distance"))
    assert [line["accuracy"] for line in lines] == ["100", "0", "0", "0", "0", "100"]
    assert float(lines[-1]["mean"]) == 33.33


def test_lines_do_not_depend_on_the_batch_size(trained, mixed):
    def facts(log):
        return [
            (line["step"], line["texts"], line["accuracy"], line["mean"]) for line in parse(log)
        ]

    assert facts(run_test(trained, mixed, "--batch-size=1")) == facts(run_test(trained, mixed))


def test_visualize_makes_a_folder_an_image(trained, mixed, tmp_path):
    run_test(trained, mixed, "--visualize", f"--output-dir={tmp_path}/out")
    folders = sorted(p.parent.relative_to(tmp_path / "out") for p in tmp_path.rglob("word.txt"))
    assert [folder.parts[0] for folder in folders] == ["correct"] * 2 + ["incorrect"] * 3
    for folder in folders:
        files = {p.name for p in (tmp_path / "out" / folder).iterdir()}
        assert files == {"attention.gif", "attention.png", "word.txt"}
    words = {(tmp_path / "out" / folder / "word.txt").read_text() for folder in folders}
    assert "BA\nABAB\n" in words


def summary_lines(caplog, *images):
    tally = metrics.Tally()
    for prediction, label, loss in images:
        tally.add(prediction, label, loss)
    with caplog.at_level(logging.INFO):
        evaluator._log_summary(tally.summary())
    return caplog.messages


def test_summary_by_hand(caplog):
    assert summary_lines(caplog, ("a cat", "A cat", 0.5), ("x", "the hat", 1.5)) == [
        "Tested 2 images: 0 read exactly.",
        "Exact match: 0.00%",
        "Exact match, case ignored: 50.00%",
        "Edit-distance accuracy: 40.00%",
        "1-NED: 40.00%",
        "Character error rate: 66.67%",  # 1 + 7 edits of 5 + 7 characters
        "Word error rate: 75.00%",  # 1 + 2 edits of 2 + 2 words
        "Mean teacher-forced loss: 1.000000, over 2 images",
        "Perplexity: 2.718282",
    ]


def evaluate(trained, dataset, **display):
    """In this process; the settings of `Display` by name."""
    model_dir = str(trained.folder / "checkpoints")
    config = of_trained_model(model_dir, {})
    checkpoint = tf.train.latest_checkpoint(model_dir)
    return evaluator.evaluate(
        config, [str(dataset)], checkpoint, -1, display=evaluator.Display(**display)
    )


class FakeSession:
    """Answers `run` with the batches that it was given."""

    def __init__(self, *batches):
        self.answers = iter([None, *batches])  # the first run is of `model.start`

    def run(self, fetches):
        try:
            return next(self.answers)
        except StopIteration:
            raise tf.errors.OutOfRangeError(None, None, "end") from None


def test_results_by_hand():
    a, b = FIRST_CHARACTER_ID, FIRST_CHARACTER_ID + 1
    symbols = np.array([[a, b, EOS_ID, a], [PAD_ID, b, a, b], [EOS_ID, a, a, a], [a, b, EOS_ID, a]])
    steps = np.array([[0.5, 0.25, 0.75, 1], [0.9, 0.125, 0.5, 0.25], [0.5, 1, 1, 1], [0.5] * 4])
    attention = np.arange(4 * 4 * 2).reshape(4, 4, 2)
    names = np.array([b"AB", b"BAB", b"A", b"AB"], object)
    reading = Transcription(names, np.array([0.1, 0.2, 0.3, 0.4]), steps, symbols, attention)
    batch = EvaluationBatch(
        images=None,
        widths=np.array([8, 6, 4, 0]),
        targets=np.array([[3, 4, 2], [3, 3, 2], [0, 0, 0], [3, 4, 2]]),
        record_indices=np.array([7, 8, 9, 10]),
        labels=names,
        comments=np.array([b"a.png"] * 4, object),
        encoded=names,
    )
    model = EvalGraph(None, None, batch, reading, None)
    session = FakeSession((batch, reading, np.array([1.0, 2.0, 3.0, 4.0])))
    found = list(evaluator.results(session, model, frozenset([10])))
    assert [each.place for each in found] == [7, 8, 9, 10]
    assert [each.prediction for each in found] == ["AB", "BAB", "A", ""]
    assert [each.probability for each in found] == [0.1, 0.2, 0.3, 0]
    assert [each.character_probabilities for each in found] == [
        (0.5, 0.25),
        (0.125, 0.5, 0.25),  # not that of the padding, which prints nothing
        (),
        (),  # the image cannot be decoded
    ]
    rows = [each.attention[:, 0].tolist() for each in found]
    assert rows == [[0, 2], [10, 12, 14], [], []]
    assert [each.loss for each in found[:2]] == [1, 2]
    assert math.isnan(found[2].loss)  # a label that the model cannot transcribe
    assert math.isnan(found[3].loss)


def test_results_carry_the_probabilities_of_the_characters(trained, mixed, monkeypatch):
    seen = []
    monkeypatch.setattr(evaluator, "_shows", lambda display, stack: [seen.append])
    summary = evaluate(trained, mixed)
    assert (summary.images, summary.exact, summary.images_with_loss) == (6, 2, 3)
    for tested in seen:
        assert len(tested.character_probabilities) == len(tested.prediction)
        assert len(tested.attention) == len(tested.prediction)
        assert all(0 < p <= 1 for p in tested.character_probabilities)
        product = math.prod(tested.character_probabilities)  # without that of the end
        assert tested.probability <= product * (1 + 1e-6)
    assert [tested.prediction for tested in seen] == ["AB", "BA", "CAB", "", "B", "CAB"]
    assert (seen[3].probability, seen[3].columns) == (0, 0)


def test_predictions_as_json_lines(trained, mixed, tmp_path):
    path = tmp_path / "p.jsonl"
    lines = parse(run_test(trained, mixed, f"--predictions={path}"))
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


def test_predictions_as_tsv(trained, tmp_path):
    dataset, path = tmp_path / "one.tfrecords", tmp_path / "p.tsv"
    with tf.io.TFRecordWriter(str(dataset)) as writer:
        writer.write(records.serialize(draw("AB"), "A\tB", "a\nb.png"))
    run_test(trained, dataset, f"--predictions={path}")
    header, row = path.read_text(encoding="utf-8").splitlines()
    cells = dict(zip(header.split("\t"), row.split("\t"), strict=True))
    probability = cells.pop("probability")
    assert 0 < float(probability) <= 1
    assert cells == {
        "number": "1",
        "path": r"a\nb.png",
        "label": r"A\tB",
        "prediction": "AB",
        "correct": "0",
        "edit_distance": "1",
        "loss": "",
    }


def test_predictions_of_another_suffix_are_refused_before_anything_runs(trained, tmp_path):
    arguments = ["words.tfrecords", f"--predictions={tmp_path}/p.csv", f"--report={tmp_path}/r"]
    done = run_aocr("test", *arguments, cwd=trained.folder, check=1)
    assert "must end in .tsv or .jsonl, not '.csv'" in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_test_that_fails_leaves_no_predictions(trained, tmp_path):
    tf.io.TFRecordWriter(str(tmp_path / "empty.tfrecords")).close()
    with pytest.raises(UserError, match="the dataset is empty"):
        evaluate(trained, tmp_path / "empty.tfrecords", predictions=f"{tmp_path}/p.tsv")
    assert [path.name for path in tmp_path.iterdir()] == ["empty.tfrecords"]


class FakeReport:
    """Notes what is done with it."""

    def __init__(self, folder, facts):
        self.folder, self.facts, self.added, self.written = folder, facts, [], []
        FakeReport.last = self

    def add(self, tested):
        self.added.append((tested.place, tested.prediction))

    def write(self, summary):
        self.written.append(summary)


def test_report_gets_the_facts_every_image_and_the_summary(trained, mixed, monkeypatch):
    monkeypatch.setattr(evaluator, "Report", FakeReport)
    summary = evaluate(trained, mixed, report_dir="some/folder")
    report = FakeReport.last
    assert report.folder == "some/folder"
    model_dir = str(trained.folder / "checkpoints")
    assert re.fullmatch(rf"{model_dir}/model\.ckpt-\d+", report.facts["Checkpoint"])
    assert report.facts["Dataset"] == mixed
    assert report.added == list(enumerate(["AB", "BA", "CAB", "", "B", "CAB"]))
    (written,) = report.written
    assert written.to_json() == summary.to_json()


def test_report_is_a_page(trained, mixed, tmp_path):
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    run_test(trained, mixed, f"--report={tmp_path}/report")
    page = (tmp_path / "report/index.html").read_text(encoding="utf-8")
    assert "mixed.tfrecords" in page
    assert "33.33" in page  # read exactly


def test_a_report_without_its_packages_is_refused_before_anything_runs(
    trained, mixed, monkeypatch, tmp_path
):
    monkeypatch.setitem(sys.modules, "jinja2", None)  # its import raises ImportError
    monkeypatch.setattr(evaluator, "scan", lambda *_: pytest.fail("it began"))
    with pytest.raises(UserError, match="pip install jinja2"):
        evaluate(trained, mixed, report_dir=f"{tmp_path}/report", predictions=f"{tmp_path}/p.tsv")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_dataset_is_an_error(trained, tmp_path):
    tf.io.TFRecordWriter(str(tmp_path / "empty.tfrecords")).close()
    done = run_aocr("test", tmp_path / "empty.tfrecords", *MODEL, cwd=trained.folder, check=1)
    assert "the dataset is empty" in done.stderr


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (25.672, "25.6720"),  # as 0.7.6 prints it
        (1.0012, "1.00120"),
        (1.0, "1.00000"),
        (1e20, "1e+20"),  # zeros at the end would make it 1e+2000
        (math.inf, "inf"),
        (math.nan, "nan"),
    ],
)
def test_perplexity_is_seven_places_wide(value, text):
    assert evaluator._seven_wide(value) == text
