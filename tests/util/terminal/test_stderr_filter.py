"""The filter of descriptor 2: what it takes, what passes, and what it leaves behind."""

import os
import sys
import threading

import pytest
from commands import run_python

from aocr.util.terminal.streams import StderrFilter


def takes(line):
    return line.startswith("take")


def write(text):
    os.write(2, text.encode())


def test_lines_are_taken_and_others_pass(capfd):
    with StderrFilter(takes) as taken:
        write("one\ntake a\ntwo\ntake b\n")
        assert taken.count() == 2
        assert taken.lines_after(0) == ["take a", "take b"]
        assert taken.lines_after(1) == ["take b"]
        assert taken.lines_after(2) == []
        assert capfd.readouterr().err == "one\ntwo\n"
        write("take c")
        write("\nan unfinished line")
        assert taken.lines_after(2) == ["take c"]
    write(", finished\n")
    assert capfd.readouterr().err == "an unfinished line, finished\n"


def test_other_lines_pass_at_once_without_a_reader(capfd):
    passed = ""
    with StderrFilter(takes):
        write("take a\nhere\n")
        while not passed:
            passed = capfd.readouterr().err
    assert passed == "here\n"


def test_more_than_a_pipe_holds_passes(capfd):
    def write_much():
        for number in range(2000):
            write(f"{number:0100}\n")

    with StderrFilter(takes):
        threads = [threading.Thread(target=write_much) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    expected = sorted(f"{number:0100}" for number in range(2000)) * 2
    assert sorted(capfd.readouterr().err.splitlines()) == sorted(expected)


def test_filters_nest(capfd):
    with StderrFilter(lambda line: line == "outer") as outer:
        with StderrFilter(takes) as inner:
            write("outer\ntake\nother\n")
            assert inner.lines_after(0) == ["take"]
        assert outer.lines_after(0) == ["outer"]
    assert capfd.readouterr().err == "other\n"


def test_it_ends_after_an_error_and_leaves_no_descriptor_open(capfd):
    def use_with_error():
        write_and_fail = lambda: write("take\n") or 1 / 0  # noqa: E731
        with pytest.raises(ZeroDivisionError), StderrFilter(takes):
            write_and_fail()

    use_with_error()
    before, threads = sorted(os.listdir("/dev/fd")), threading.active_count()
    for _ in range(20):
        use_with_error()
    assert sorted(os.listdir("/dev/fd")) == before
    assert threading.active_count() == threads
    write("after\n")
    assert capfd.readouterr().err == "after\n"


def test_a_console_that_nobody_reads_is_no_error(capfd):
    reading, writing = os.pipe()
    os.close(reading)
    console = os.dup(2)
    os.dup2(writing, 2)
    try:
        with StderrFilter(takes) as taken:
            write("lost\ntake\n")
            assert taken.count() == 1
    finally:
        os.dup2(console, 2)
        os.close(console)
        os.close(writing)


PROGRAM = """
import logging, os, sys
from aocr.util.terminal import log, streams
from aocr.util.terminal.streams import StderrFilter
log.start("x.log")
streams.own_stderr()
streams.own_stderr()
with StderrFilter(lambda line: True) as taken:
    logging.info("a log line")
    print("printed", file=sys.stderr)
    os.write(2, b"native\\n")
    assert taken.lines_after(0) == ["native"]
    assert sys.stderr.fileno() != 2
"""


def test_python_has_a_descriptor_of_its_own(tmp_path):
    done = run_python(PROGRAM, cwd=tmp_path)
    logged, printed = done.stderr.splitlines()
    assert logged.endswith("a log line")
    assert (printed, done.returncode) == ("printed", 0)
    assert (tmp_path / "x.log").read_text() == f"{logged}\n"


def test_stderr_of_a_program_that_replaced_it_stays(capsys):
    from aocr.util.terminal.streams import own_stderr

    before = sys.stderr
    own_stderr()
    assert sys.stderr is before
