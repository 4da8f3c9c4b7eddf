"""Defines what an export format consists of."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from aocr.serving.serving_session import ServingSession


class ExportFormat(NamedTuple):
    """Describes one way to store a model for other programs.

    Attributes:
        file_names: the files and folders that the format writes. They belong to the export, so
            that `aocr export --force` may remove them.
        write: writes a session's graph and variables into a folder, which it creates.
        load: loads what `write` has written, in the way that a client does.
        summary: returns the line to log at the end, given the folder of the export.

    Both `write` and `load` may raise `tf.errors.OpError`.
    """

    file_names: tuple[str, ...]
    write: Callable[[ServingSession, str], None]
    load: Callable[[str], ServingSession]
    summary: Callable[[str], str]
