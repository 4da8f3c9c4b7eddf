"""Runs commands on bad input, in this process, and checks what every bad input must lead to."""

from __future__ import annotations

import logging
import os
import pathlib
import re
import signal
from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest

LOG = "aocr.log"


class Outcome(NamedTuple):
    """Holds what a command left behind.

    Attributes:
        code: exit code.
        stdout: what it printed.
        stderr: what it logged on the console.
        new_files: files that it wrote, relative to the folder, the log apart.
    """

    code: int
    stdout: str
    stderr: str
    new_files: list[str]

    @property
    def errors(self) -> list[str]:
        """The messages of the ERROR lines on the console, and those before the log is open."""
        line = r"^(?:\S+ \S+ \S+ +ERROR +|aocr: )(.*)$"
        return re.findall(line, self.stderr, flags=re.MULTILINE)


Run = Callable[..., Outcome]


def snapshot(folder: pathlib.Path) -> dict[str, bytes]:
    """Returns the content of each regular file below a folder, by its relative path."""
    return {
        os.fsdecode(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def run_in_process(
    arguments: Sequence[str], folder: pathlib.Path, capfd: pytest.CaptureFixture
) -> Outcome:
    """Runs `aocr ARGUMENTS` in a folder; checks that inputs are unchanged and no file is left half.

    The folder must be the working directory.
    """
    from aocr.__main__ import main

    before = snapshot(folder)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    root = logging.getLogger()
    log_handlers, level = root.handlers[:], root.level
    capfd.readouterr()
    try:
        code = main(list(arguments))
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    finally:
        for handler in root.handlers:
            if handler not in log_handlers:
                handler.close()
        root.handlers[:] = log_handlers
        root.setLevel(level)
        for number, handler in handlers.items():
            signal.signal(number, handler)
    printed = capfd.readouterr()
    after = snapshot(folder)
    for name, content in before.items():
        if name != LOG:
            assert after.get(name) == content, f"{name} was changed"
    new_files = sorted(set(after) - set(before) - {LOG})
    outcome = Outcome(code, printed.out, printed.err, new_files)
    check_console(outcome)
    return outcome


def check_console(outcome: Outcome) -> None:
    """Checks that there is no traceback on the console, and no temporary file."""
    assert "Traceback" not in outcome.stdout + outcome.stderr
    left = [name for name in outcome.new_files if ".tmp" in name or "tempstate" in name]
    assert left == []


def check_failure(outcome: Outcome, says: str, code: int = 1) -> None:
    """Checks that a command failed with one line that says what is wrong, and wrote nothing.

    Args:
        outcome: of the command.
        says: regular expression that the last line on the console contains.
        code: the exit code: 1 for a failure, 2 for wrong usage.
    """
    last = outcome.stderr.strip().splitlines()[-1] if outcome.stderr.strip() else ""
    assert outcome.code == code, outcome.stderr
    assert re.search(says, last), outcome.stderr
    assert outcome.new_files == []
    if code == 1:
        assert len(outcome.errors) == 1, outcome.stderr
