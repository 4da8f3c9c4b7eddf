"""Paths that lead nowhere: each command says so in one line and touches nothing."""

import pytest
from hostile_runs import check_failure

MISSING = [
    (("dataset", "nosuch.txt", "out.tfrecords"), "nosuch.txt"),
    (("inspect", "nosuch.tfrecords"), "nosuch.tfrecords"),
    (("train", "nosuch.tfrecords"), "nosuch.tfrecords"),
    (("test", "ok.tfrecords"), "no checkpoint in ./checkpoints"),
    (("predict", "a.png"), "no checkpoint in ./checkpoints"),
    (("export", "out"), "no checkpoint in ./checkpoints"),
]


@pytest.mark.parametrize(("arguments", "says"), MISSING, ids=[each[0][0] for each in MISSING])
def test_what_is_missing_is_named(run, arguments, says):
    check_failure(run(*arguments), says)
