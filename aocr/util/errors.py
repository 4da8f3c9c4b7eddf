"""Defines the error that a user can correct, and shortens the messages of other errors."""

from __future__ import annotations

import re

_OPERATION_NAMES = re.compile(r"\{\{.*?\}\} ?| \[Op:.*")
"""Matches the names of graph nodes and operations in the messages of TensorFlow's errors."""


class UserError(Exception):
    """Reports input that a user can correct.

    The message is one line that says what is wrong, where, and what to do about it.
    """


def first_line(error: Exception) -> str:
    """Returns the first line of an error's message, without TensorFlow's operation names.

    Returns the name of the error's class if the message is empty.
    """
    lines = str(getattr(error, "message", None) or error).splitlines()
    line = _OPERATION_NAMES.sub("", lines[0]) if lines else ""
    return line or type(error).__name__
