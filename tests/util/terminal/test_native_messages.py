"""Messages of C++ code during an import: hidden, unless the process dies of it."""

import subprocess
import sys

import pytest
from commands import environment

PROGRAM = """
import os, signal, sys
from aocr.util.terminal import log
from aocr.util.terminal.tensorflow_import import hide_native_messages
log.start("aocr.log")
with hide_native_messages():
    os.write(2, b"I0000 port.cc: a message\\nF0000 cpu.cc: needs AVX\\n")
    {then}
print("after", file=sys.stderr)
"""


@pytest.fixture
def run(tmp_path):
    """Returns a function that runs the program; it returns exit code, console and log."""

    def run(then):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(then=then)],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stderr, (tmp_path / "aocr.log").read_text()

    return run


def test_messages_are_hidden_where_all_goes_well(run):
    assert run("pass") == (0, "after\n", "")


def test_messages_are_hidden_after_a_signal(run):
    then = "signal.raise_signal(signal.SIGINT)"
    assert run(then) == (130, "Interrupted.\n", "")


@pytest.mark.parametrize(
    ("then", "code"), [("os.abort()", -6), ("os.kill(os.getpid(), 9)", -9), ("1 / 0", 1)]
)
def test_last_messages_are_logged_where_the_import_fails(run, then, code):
    returned, console, log = run(then)
    assert returned == code
    for text in (console, log):
        assert "root  ERROR    TensorFlow could not be imported. Its last messages:\n" in text
        assert "root  ERROR    F0000 cpu.cc: needs AVX\n" in text
    assert ("ZeroDivisionError" in console) == (then == "1 / 0")
