"""Checks which checkpoint is the best, and that it is never lost."""

import json
from typing import NamedTuple

import pytest
import tensorflow as tf

from aocr.data.records.identity import Contents
from aocr.evaluation.metric_sums import MetricSums
from aocr.model.weights import checkpoints
from aocr.training.validation.validator import BestCheckpoint
from aocr.util.errors import UserError
from aocr.util.session import open_session


def summary(exact_match, character_error_rate):
    empty = MetricSums().summary()
    values = {"exact_match": exact_match, "character_error_rate": character_error_rate}
    changed = {key: empty.measurements[key]._replace(value=value) for key, value in values.items()}
    return empty._replace(measurements={**empty.measurements, **changed})


class Measured(NamedTuple):
    """Stands for a `Validator` of some records, on which each checkpoint has the same measures."""

    contents: Contents = Contents(3, 7)
    exact_match: float = 0.0

    def validate(self, checkpoint):
        assert checkpoint.partition("best.ckpt-")[2]
        return summary(self.exact_match, 1), []


def judge(folder, results, resume=True, validator=None):
    """Validates steps 1, 2, ... with these results, and returns the best after each."""
    with tf.Graph().as_default() as graph:
        step = tf.compat.v1.get_variable("Variable", [], tf.int32)
        with open_session(graph, -1) as opened:
            best = BestCheckpoint(str(folder), resume, validator or Measured())
            found = []
            for number, result in enumerate(results, start=1):
                step.load(number, opened)
                found.append(best.update(opened, number, summary(*result)))
    return [(one.step, one.validations_without_improvement) for one in found]


def test_more_exact_matches_win_and_fewer_errors_break_ties(tmp_path):
    results = [(0.5, 0.2), (0.4, 0.1), (0.5, 0.2), (0.5, 0.1), (0.6, 0.9)]
    assert judge(tmp_path, results) == [(1, 0), (1, 1), (1, 2), (4, 0), (5, 0)]


def test_only_the_best_is_kept_under_its_name(tmp_path):
    judge(tmp_path, [(0.1, 1), (0.3, 1), (0.2, 1)])
    assert [path.stem for path in tmp_path.glob("*.index")] == ["best.ckpt-2"]
    assert (
        checkpoints.latest_checkpoint(str(tmp_path), checkpoints.BEST) == f"{tmp_path}/best.ckpt-2"
    )
    assert json.loads((tmp_path / "best.json").read_text())["exact_match"] == 0.3


def test_a_resumed_run_knows_the_best_and_the_patience(tmp_path):
    judge(tmp_path, [(0.1, 1), (0.9, 1), (0.2, 1)])
    assert judge(tmp_path, [(0.8, 1), (0.95, 1)]) == [(2, 2), (2, 0)]
    assert [path.stem for path in tmp_path.glob("*.index")] == ["best.ckpt-2"]


def test_a_new_run_knows_nothing(tmp_path):
    judge(tmp_path, [(0.9, 1)])
    assert judge(tmp_path, [(0.1, 1)], resume=False) == [(1, 0)]


def test_an_error_rate_that_is_none_breaks_no_tie(tmp_path):
    assert judge(tmp_path, [(0.5, float("nan")), (0.5, float("nan"))]) == [(1, 0), (1, 1)]


def test_the_keys_of_the_file_stay_those_of_earlier_versions(tmp_path):
    judge(tmp_path, [(0.9, 1), (0.2, 1)])
    facts = {"step": 1, "exact_match": 0.9, "character_error_rate": 1}
    stored = json.loads((tmp_path / "best.json").read_text())
    added = {"validations_since": 1, "measured_on": {"records": 3, "checksum": 7}}
    assert stored == facts | added
    (tmp_path / "best.json").write_text(json.dumps(facts))
    assert judge(tmp_path, [(0.1, 1)]) == [(1, 1)]


def test_a_score_on_other_records_is_measured_again(tmp_path, caplog):
    judge(tmp_path, [(0.9, 1)])
    other = Measured(Contents(5, 8), exact_match=0.3)
    assert judge(tmp_path, [(0.2, 1), (0.4, 1)], validator=other) == [(1, 1), (2, 0)]
    assert "measured on 3 records (checksum 7); --validation now has 5 records" in caplog.text


def test_a_best_checkpoint_that_was_removed_is_not_the_best(tmp_path):
    judge(tmp_path, [(0.9, 1)])
    for path in tmp_path.glob("best.ckpt-*"):
        path.unlink()
    assert judge(tmp_path, [(0.1, 1)]) == [(1, 0)]


@pytest.mark.parametrize("text", ["{", "{}", "[]", "null", "5", '{"step": 1, "other": 2}'])
def test_a_broken_file_is_told(tmp_path, text):
    (tmp_path / "best.json").write_text(text)
    with pytest.raises(UserError, match=r"cannot use .*best\.json: .*; remove it to continue"):
        judge(tmp_path, [])
