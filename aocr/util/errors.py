"""Errors that a user can correct."""

from __future__ import annotations

import re


class UserError(Exception):
    """Reports bad input. The message says in one line what is wrong, where, and how to cure it."""


def first_line(error: Exception) -> str:
    """Returns the first line of an error's message, without TensorFlow's names of operations.

    Returns the name of the error's type where it has no message.
    """
    lines = str(getattr(error, "message", None) or error).splitlines()
    line = re.sub(r"\{\{.*?\}\} ?| \[Op:.*", "", lines[0]) if lines else ""
    return line or type(error).__name__
