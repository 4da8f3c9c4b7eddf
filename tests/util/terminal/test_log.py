"""The log: what goes to the console, what to the file, near and far."""

import contextlib
import logging
import os
import re
import sys
from unittest import mock

import pytest
import tensorflow as tf

from aocr.util.terminal import log


@contextlib.contextmanager
def logging_to(path, **options):
    """Starts the log, and ends it as the end of the process does; pytest's own handlers rest."""
    root = logging.getLogger()
    level = root.level
    with (
        mock.patch.object(root, "handlers", []),
        mock.patch.object(logging, "raiseExceptions", True),
    ):
        try:
            log.start(str(path), **options)
            yield
        finally:
            for handler in root.handlers:
                handler.close()
            root.setLevel(level)


def last_words(text):
    return [line.split()[-1] for line in text.splitlines()]


def test_console_and_file_get_the_same_lines_in_the_format_of_0_7_6(capsys, tmp_path):
    path = tmp_path / "aocr.log"
    with logging_to(path):
        logging.info("Dataset is ready: %i pairs.", 4000)
    line = capsys.readouterr().err
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} root  INFO     Dataset is ready: 4000 pairs\.\n",
        line,
    )
    assert path.read_text() == line


def test_tracebacks_and_marked_records_go_to_the_file_only(capsys, tmp_path):
    path = tmp_path / "aocr.log"
    with logging_to(path):
        logging.getLogger(log.TRACEBACKS).error("Traceback:")
        logging.info("Step 1", extra={log.FILE_ONLY: True})
        logging.info("Step 2", extra={log.FILE_ONLY: False})
    assert last_words(path.read_text()) == ["Traceback:", "1", "2"]
    assert last_words(capsys.readouterr().err) == ["2"]


@pytest.mark.parametrize(
    ("is_terminal", "options", "shown"),
    [(False, {}, ["2", "3"]), (True, {}, ["3"]), (True, {"verbose": True}, ["2", "3"])],
)
def test_a_terminal_shows_no_lines_for_programs(
    capsys, monkeypatch, tmp_path, is_terminal, options, shown
):
    path = tmp_path / "aocr.log"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    with logging_to(path, **options):
        logging.info("Step 1", extra={log.FILE_ONLY: True})
        logging.info("Step 2", extra=log.DETAIL)
        logging.info("Step 3")
    assert last_words(path.read_text()) == ["1", "2", "3"]
    assert last_words(capsys.readouterr().err) == shown


def test_file_is_appended_to(tmp_path):
    path = tmp_path / "aocr.log"
    path.write_text("of an earlier run\n")
    with logging_to(path):
        logging.info("new")
    assert last_words(path.read_text()) == ["run", "new"]


def test_name_that_is_not_utf_8_is_escaped_in_the_file(tmp_path):
    path = tmp_path / "aocr.log"
    with logging_to(path):
        logging.info("%s", "a\udcff.png")
    assert path.read_text().endswith("a\\udcff.png\n")


def test_control_characters_move_no_cursor_and_forge_no_line(capsys, tmp_path):
    path = tmp_path / "aocr.log"
    with logging_to(path):
        logging.info("a label: %s", "A\x1b[2JB\r\n2026-01-01 Step 5\u2028\x9b2J\tC")
    line = capsys.readouterr().err
    assert line.endswith(r"a label: A\x1b[2JB\r\n2026-01-01 Step 5\u2028\x9b2J\tC" + "\n")
    assert path.read_text() == line


def test_right_to_left_and_combining_characters_stay(tmp_path):
    path = tmp_path / "aocr.log"
    with logging_to(path):
        logging.info("%s", "e\u0301 \u202e \u05e9\u05dc")
    assert path.read_text().endswith("e\u0301 \u202e \u05e9\u05dc\n")


def test_lines_of_a_traceback_cannot_be_taken_for_records(tmp_path):
    path = tmp_path / "aocr.log"
    with logging_to(path):
        try:
            raise ValueError("x\n2026-01-01 00:00:00,000 root  INFO     Step 5\x1b")
        except ValueError:
            logging.getLogger(log.TRACEBACKS).error("Traceback:", exc_info=True)
    first, *others = path.read_text().splitlines()
    assert first.endswith("Traceback:")
    assert all(line.startswith("    ") for line in others)
    assert others[-1].endswith(r"Step 5\x1b")


def test_a_log_that_is_moved_away_is_made_anew(tmp_path):
    path = tmp_path / "aocr.log"
    with logging_to(str(path)):
        logging.info("before")
        path.rename(tmp_path / "aocr.log.1")
        logging.info("after")
    assert last_words(path.read_text()) == ["after"]
    assert last_words((tmp_path / "aocr.log.1").read_text()) == ["before"]


def test_full_disk_under_the_log_is_told_once(capsys):
    with logging_to("/dev/full"):
        logging.info("one")
        logging.info("two")
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[-1] for line in lines] == ["one", "lines", "two"]
    assert "WARNING  cannot write the log file /dev/full: No space left on device" in lines[1]


def test_remote_log_that_cannot_be_uploaded_is_kept(capsys):
    path = "ram://test_log/lost.log"
    with logging_to(path):
        logging.info("new")
        file = logging.getLogger().handlers[-1]
        with mock.patch.object(file, "_remote", "nosuch://bucket/aocr.log"):
            file.close()
        told = capsys.readouterr().err.splitlines()[-1]
        assert "cannot write the log file nosuch://bucket/aocr.log: " in told
        with open(told.split("it is kept as ")[1]) as kept:
            assert last_words(kept.readline()) == ["new"]


def test_file_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(OSError, match="nosuch"), logging_to(tmp_path / "nosuch" / "aocr.log"):
        pytest.fail("the log has started")


def test_remote_log_that_cannot_be_read_is_an_error():
    tf.io.gfile.makedirs("ram://test_log/folder")
    with pytest.raises(OSError, match="folder"), logging_to("ram://test_log/folder"):
        pytest.fail("the log has started")


def test_pipe_that_nobody_reads_is_an_error(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no program reads"), logging_to(tmp_path / "pipe"):
        pytest.fail("the log has started")


def test_pipe_that_is_read_is_a_log(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with logging_to(tmp_path / "pipe"):
        logging.info("new")
    assert last_words(os.read(reader, 1000).decode()) == ["new"]
    os.close(reader)


def test_remote_log_is_complete_when_it_is_closed():
    path = "ram://test_log/aocr.log"
    with logging_to(path):
        logging.info("new")
        assert not tf.io.gfile.exists(path)
    with tf.io.gfile.GFile(path) as file:
        assert last_words(file.read()) == ["new"]


def test_remote_log_is_appended_to():
    path = "ram://test_log/older.log"
    with tf.io.gfile.GFile(path, "w") as file:
        file.write("of an earlier run\n")
    with logging_to(path):
        logging.info("new")
        local = logging.getLogger().handlers[-1].baseFilename
        with open(local) as file:  # what is uploaded; `ram://` itself appends, others replace
            assert last_words(file.read()) == ["run", "new"]
    assert not os.path.exists(local)
