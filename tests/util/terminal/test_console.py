"""Tests what is written to stdout and stderr."""

import io
import logging
import sys

import pytest

from aocr.util.errors import UserError
from aocr.util.terminal.console import is_interactive, print_text, progress_bar, read_names


def test_text_is_written_as_utf_8_at_once(capfdbinary):
    print_text("é皖\n")
    assert capfdbinary.readouterr().out == "é皖\n".encode()


def test_file_name_that_is_not_utf_8_is_written_as_it_was(capfdbinary):
    print_text(b"a\xff.png".decode(errors="surrogateescape"))
    assert capfdbinary.readouterr().out == b"a\xff.png"


@pytest.mark.parametrize("expected", [True, False])
def test_only_a_terminal_is_interactive(monkeypatch, expected):
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: expected)
    monkeypatch.setattr(sys, "stderr", stream)
    assert is_interactive() is expected


def test_log_lines_go_through_the_progress_bar_and_back(capsys):
    handler = logging.StreamHandler(sys.stderr)
    logger = logging.getLogger()
    logger.addHandler(handler)
    try:
        with progress_bar(3, "images") as bar:
            bar.update(2)
            logging.error("in the middle")
        assert handler in logger.handlers
    finally:
        logger.removeHandler(handler)
    shown = capsys.readouterr().err
    assert "2/3" in shown
    assert "images" in shown
    assert "in the middle\n" in shown


def test_closed_streams_are_named(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(UserError, match="stdout: it is closed"):
        print_text("a")
    with pytest.raises(UserError, match="stdin: it is closed"):
        read_names(None)


def test_full_device_is_named(monkeypatch):
    full = open("/dev/full", "w")  # noqa: SIM115
    monkeypatch.setattr(sys, "stdout", full)
    with pytest.raises(UserError, match="cannot write to stdout: No space left on device"):
        print_text("a")
    full.close()  # does not raise


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_names_are_read_in_the_encoding_of_their_mark(encoding):
    content = "a é.png\r\n\n字.png\nlast.png".encode(encoding)
    names = read_names(io.TextIOWrapper(io.BytesIO(content)))
    assert list(names) == ["a é.png", "字.png", "last.png"]


def test_names_keep_bytes_that_are_not_utf_8():
    names = read_names(io.TextIOWrapper(io.BytesIO(b"a\xff.png\rb.png\r")))
    assert list(names) == ["a\udcff.png", "b.png"]
