"""Defines the errors that a user can correct, and shortens the messages of other errors."""

from __future__ import annotations

import re

_OPERATION_NAMES = re.compile(r"\{\{.*?\}\} ?| \[Op:.*")
"""Matches the names of graph nodes and operations in the messages of TensorFlow's errors."""


_GRAPH_ERROR = "Graph execution error:"
"""First line of the errors of a step of a graph."""


EXIT_FAILURE = 1
"""Exit code of a command that fails."""

EXIT_USAGE = 2
"""Exit code of flags that cannot work, which argparse has, too."""


class UserError(Exception):
    """Reports input that a user can correct.

    The message is one line that says what is wrong, where, and what to do about it.
    """


class UsageError(UserError):
    """Reports flags that cannot work; the exit code is 2, as for usage errors of the parser."""


def first_line(error: Exception) -> str:
    """Returns the first line of an error's message, without TensorFlow's operation names.

    The error of a graph's step begins with the place where the operation was created. The first
    line of the reason, which follows, is returned instead.
    Returns the name of the error's class if the message is empty.
    """
    lines = str(getattr(error, "message", None) or error).splitlines()
    if lines and lines[0] == _GRAPH_ERROR:
        lines = _reasons(lines)
    line = _OPERATION_NAMES.sub("", lines[0]) if lines else ""
    return line or type(error).__name__


def _reasons(lines: list[str]) -> list[str]:
    """Returns the lines after the last one that names a node of the graph."""
    starts = [number for number, line in enumerate(lines, 1) if line.startswith("Node: ")]
    reasons = [line.strip() for line in lines[starts[-1] if starts else 1 :]]
    roots = [line[4:] for line in reasons if line.startswith("(0) ")]  # "2 root errors found."
    return roots or [line for line in reasons if line]
