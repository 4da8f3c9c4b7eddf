"""The test loop in this process: what observers receive, and what becomes of the outputs."""

import math
import re
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf
from commands import draw

from aocr.charset import EOS_ID, FIRST_CHARACTER_ID, PAD_ID
from aocr.data.batches.evaluation import EvaluationBatch
from aocr.data.records import schema
from aocr.evaluation import evaluator
from aocr.evaluation.graph import EvalGraph
from aocr.evaluation.metric_sums import Summary
from aocr.evaluation.metrics import Result
from aocr.model.postprocessing import Transcription
from aocr.report import outputs
from aocr.report.outputs import OutputPaths, open_outputs
from aocr.util.errors import UserError


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
        record_indices=np.arange(4),
        labels=names,
        comments=np.array([b"a.png"] * 4, object),
        encoded=names,
    )
    model = EvalGraph(None, None, batch, reading, np.zeros(4))
    losses = np.array([1.0, 2.0, math.nan, 4.0])
    session = FakeSession({"batch": batch, "transcription": reading, "losses": losses})
    found = list(evaluator.results(session, model, frozenset([3])))
    assert [each.place for each in found] == [0, 1, 2, 3]
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


def test_results_are_in_the_order_of_the_dataset_whatever_that_of_the_batches():
    def outputs_of(*places):
        count = len(places)
        names, symbols = np.array([b"A"] * count, object), np.full([count, 1], EOS_ID)
        reading = Transcription(names, np.ones(count), np.ones([count, 1]), symbols, symbols)
        columns = EvaluationBatch(np.array(places), None, symbols[:, 0], None, names, names, names)
        return {"batch": columns, "transcription": reading, "losses": np.zeros(count)}

    session = FakeSession(outputs_of(1, 4), outputs_of(2, 0), outputs_of(3))
    model = EvalGraph(None, None, None, None, None)
    found = evaluator.results(session, model, frozenset())
    assert [result.place for result in found] == [0, 1, 2, 3, 4]


class FakeReport:
    """Notes what is done with it."""

    def __init__(self, folder, facts):
        self.folder, self.facts, self.added, self.written = folder, facts, [], []

    def add(self, result):
        self.added.append((result.place, result.prediction))

    def write(self, summary):
        self.written.append(summary)


class Observed(NamedTuple):
    """Holds what became of an evaluation: its summary, all results, and the report on them."""

    summary: Summary
    results: list[Result]
    report: FakeReport


@pytest.fixture(scope="module")
def observed(evaluation):
    """Evaluates the mixed records once, with a report."""
    facts = {"Checkpoint": evaluation.checkpoint, "Dataset": evaluation.files[0]}
    results = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outputs, "Report", FakeReport)
        with open_outputs(OutputPaths(report="some/folder"), facts) as (observers, report):
            summary = evaluator.evaluate(evaluation, [*observers, results.append])
        report.write(summary)
    return Observed(summary, results, report)


def test_results_carry_the_probabilities_of_the_characters(observed):
    summary, seen, _ = observed
    assert (summary.images, summary.exact, summary.images_with_loss) == (6, 2, 3)
    for result in seen:
        assert len(result.character_probabilities) == len(result.prediction)
        assert len(result.attention) == len(result.prediction)
        assert all(0 < p <= 1 for p in result.character_probabilities)
        product = math.prod(result.character_probabilities)  # without that of the end
        assert result.probability <= product * (1 + 1e-6)
    assert [result.prediction for result in seen] == ["AB", "BA", "CAB", "", "B", "CAB"]
    assert (seen[3].probability, seen[3].columns) == (0, 0)


def test_report_gets_the_facts_every_image_and_the_summary(observed, trained, mixed):
    summary, _, report = observed
    assert report.folder == "some/folder"
    model_dir = str(trained.folder / "checkpoints")
    assert re.fullmatch(rf"{model_dir}/model\.ckpt-\d+", report.facts["Checkpoint"])
    assert report.facts["Dataset"] == mixed
    assert report.added == list(enumerate(["AB", "BA", "CAB", "", "B", "CAB"]))
    (written,) = report.written
    assert written.to_json() == summary.to_json()


def test_predictions_as_tsv(evaluation, tmp_path):
    dataset, path = tmp_path / "one.tfrecords", tmp_path / "p.tsv"
    with tf.io.TFRecordWriter(str(dataset)) as writer:
        writer.write(schema.serialize(draw("AB"), "A\tB", "a\nb.png"))
    with open_outputs(OutputPaths(predictions=str(path)), {}) as (observers, _):
        evaluator.evaluate(evaluation._replace(files=[str(dataset)]), observers)
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


def test_a_test_that_fails_leaves_no_predictions(evaluation, tmp_path):
    dataset = tmp_path / "empty.tfrecords"
    tf.io.TFRecordWriter(str(dataset)).close()
    paths = OutputPaths(predictions=f"{tmp_path}/p.tsv")
    with (
        pytest.raises(UserError, match="the dataset is empty"),
        open_outputs(paths, {}) as (observers, _),
    ):
        evaluator.evaluate(evaluation._replace(files=[str(dataset)]), observers)
    assert [path.name for path in tmp_path.iterdir()] == ["empty.tfrecords"]
