"""Tests the commands in processes of their own: exit codes, files, the log, what is printed."""

import json
import re
import shutil

import pytest
from commands import MODEL, WORDS, draw, run_aocr

LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} root  (INFO|WARNING|ERROR) +\S.*")


def test_dataset_names_every_reject_and_writes_the_rest(tmp_path):
    (tmp_path / "good one.png").write_bytes(draw("AB"))
    (tmp_path / "good.png").write_bytes(draw("AB"))
    (tmp_path / "cut.png").write_bytes(draw("AB")[:-60])
    lines = ["good.png ab", "cut.png ab", "nolabel.png", "missing.png ab", "good.png "]
    (tmp_path / "a.txt").write_text("\n".join(lines) + "\n")
    done = run_aocr("dataset", "a.txt", "out.tfrecords", cwd=tmp_path, check=0)
    for number, reason in ((2, "not a whole"), (3, "missing filename or label"), (4, "no such")):
        assert re.search(rf"a\.txt, line {number}: {reason}", done.stderr)
    assert "Dataset is ready: 2 pairs.\n" in done.stderr
    assert "2 pairs; 3 lines were rejected." in done.stderr.splitlines()[-1]
    assert {p.name for p in tmp_path.glob("out*")} == {
        "out.tfrecords",
        "out.tfrecords.rejected.tsv",
    }


@pytest.mark.parametrize("content", [None, "", "nolabel.png\n", "missing.png x\n"])
def test_dataset_without_a_pair_fails(tmp_path, content):
    if content is not None:
        (tmp_path / "a.txt").write_text(content)
    done = run_aocr("dataset", "a.txt", "out.tfrecords", cwd=tmp_path, check=1)
    assert "a.txt" in done.stderr.splitlines()[-1]
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize(
    "arguments", [["test", "words.tfrecords"], ["predict", "images/00.png"], ["export"]]
)
def test_without_a_checkpoint_commands_refuse(trained, tmp_path, arguments):
    done = run_aocr(
        *arguments, *MODEL, f"--model-dir={tmp_path}/empty", cwd=trained.folder, check=1
    )
    assert done.stderr.count("\n") == 1
    assert f"no checkpoint in {tmp_path}/empty" in done.stderr
    assert done.stdout == ""
    assert not (trained.folder / "exported").exists()


def test_charset_auto_is_refused_outside_training(tmp_path):
    done = run_aocr("export", "--charset=auto", cwd=tmp_path, check=1)
    assert "--charset=auto is for training only" in done.stderr
    assert not (tmp_path / "exported").exists()


def test_flags_that_contradict_the_model_are_told(trained):
    for flag, wanted in (("--max-width=99", "--max-width is 99,"), ("--full-ascii", "the charset")):
        done = run_aocr("predict", "images/00.png", flag, cwd=trained.folder, check=1)
        assert done.stderr.count("\n") == 1
        assert wanted in done.stderr
        assert "was trained with" in done.stderr
    assert "Traceback" in (trained.folder / "aocr.log").read_text()


def test_a_model_without_a_config_is_read_by_the_flags(trained, tmp_path):
    shutil.copytree(trained.folder / "checkpoints", tmp_path / "old")
    (tmp_path / "old/config.json").unlink()
    arguments = ["predict", "images/00.png", f"--model-dir={tmp_path}/old"]
    done = run_aocr(*arguments, *MODEL, cwd=trained.folder, check=0)
    assert "has no config.json: the flags say what the model is" in done.stderr
    assert done.stdout.split("\t")[1] == WORDS[0]
    done = run_aocr(*arguments, *MODEL, "--full-ascii", cwd=trained.folder, check=1)
    assert "[39, 10]" in done.stderr
    assert "[98, 10]" in done.stderr
    assert "--full-ascii" in done.stderr


def test_console_shows_log_lines_alone(trained):
    done = run_aocr("test", "words.tfrecords", *MODEL, cwd=trained.folder, check=0)
    lines = (trained.train_log + trained.dataset_log + done.stderr).splitlines()
    assert [line for line in lines if not LOG_LINE.fullmatch(line)] == []
    assert done.stdout == ""


def test_test_json_prints_the_summary_alone_on_stdout(trained):
    done = run_aocr("test", "words.tfrecords", "--json", cwd=trained.folder, check=0)
    summary = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert (summary["images"], summary["exact"], summary["images_with_loss"]) == (12, 12, 12)
    assert summary["exact_match"] == summary["one_minus_ned"] == 1
    assert summary["character_error_rate"] == 0
    assert summary["word_error_rate"] is None
    loss = re.search(r"Mean teacher-forced loss: ([\d.]+), over 12 images", done.stderr)[1]
    assert summary["loss"] == pytest.approx(float(loss), abs=1e-6)
    assert "Exact match: 100.00%\n" in done.stderr


def test_a_new_run_appends_to_the_log(tmp_path):
    (tmp_path / "aocr.log").write_text("before\n")
    run_aocr("dataset", "missing.txt", cwd=tmp_path, check=1)
    log = (tmp_path / "aocr.log").read_text().splitlines()
    assert log[0] == "before"
    assert any("no annotation file missing.txt" in line for line in log)


def test_a_log_that_cannot_be_written_is_told(tmp_path):
    done = run_aocr("dataset", "a.txt", "--log-path=no/such/folder.log", cwd=tmp_path, check=1)
    assert "--log-path=no/such/folder.log" in done.stderr
    assert "Traceback" not in done.stderr
