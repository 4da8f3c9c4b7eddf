"""Fixtures of the hostile tests: a working directory, and a function that runs a command there."""

import pytest
from commands import draw
from helpers import write_records
from hostile_runs import run_in_process

from aocr.data.records import schema


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Makes a working directory with `a.png`, `ok.txt` and `ok.tfrecords` of two records."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(draw("AB"))
    (tmp_path / "ok.txt").write_text("a.png AB\na.png BA\n")
    rows = [schema.serialize(draw("AB"), "AB"), schema.serialize(draw("BA"), "BA")]
    write_records(tmp_path / "ok.tfrecords", rows)
    return tmp_path


@pytest.fixture
def run(folder, capfd):
    """Returns a function that runs `aocr` with its arguments in the folder."""
    return lambda *arguments: run_in_process([str(each) for each in arguments], folder, capfd)
