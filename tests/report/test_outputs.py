"""The outputs of a test: opened before any image is read, and whole or not there."""

import sys

import pytest
from results import result_of, summary_of

from aocr.report.outputs import OutputPaths, open_outputs
from aocr.util.errors import UserError

RESULTS = [result_of("A", "A", place=0), result_of("B", "8", place=1)]


def test_no_output_is_wanted():
    with open_outputs(OutputPaths(), {}) as outputs:
        assert outputs == ([], None)


def test_every_output_gets_every_result(tmp_path):
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    names = f"{tmp_path}/p.tsv", f"{tmp_path}/pictures", f"{tmp_path}/report"
    with open_outputs(OutputPaths(*names), {"Dataset": "d"}) as (observers, report):
        assert not (tmp_path / "p.tsv").exists()
        for result in RESULTS:
            for observe in observers:
                observe(result)
    report.write(summary_of(RESULTS))
    assert len((tmp_path / "p.tsv").read_text().splitlines()) == 3
    folders = sorted(path.parent.name for path in tmp_path.rglob("word.txt"))
    assert folders == ["00001-A", "00002-B"]
    assert "1 of 2 images read exactly" in (tmp_path / "report/index.html").read_text()


def test_a_report_without_its_packages_is_refused_before_anything_runs(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "jinja2", None)  # its import raises ImportError
    paths = OutputPaths(report=f"{tmp_path}/report", predictions=f"{tmp_path}/p.tsv")
    with pytest.raises(UserError, match="pip install jinja2"), open_outputs(paths, {}):
        pytest.fail("it began")
    assert list(tmp_path.iterdir()) == []


def test_pictures_that_cannot_be_written_are_refused_before_anything_runs(tmp_path):
    (tmp_path / "file").write_text("")
    paths = OutputPaths(pictures=f"{tmp_path}/file/below", predictions=f"{tmp_path}/p.tsv")
    with pytest.raises(UserError, match="file/below"), open_outputs(paths, {}):
        pytest.fail("it began")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
