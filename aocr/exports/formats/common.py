"""Defines what an export format consists of."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from aocr.inference.signatures import Exported, ServingSession
from aocr.util.paths.files import write_atomically


class ExportFormat(NamedTuple):
    """Describes one way to store a model for other programs.

    Attributes:
        name: the name that `aocr export --format` takes.
        file_names: the files and folders that the format writes. They belong to the export, so
            that `aocr export --force` may remove them.
        replaces_without_force: whether a new export replaces an earlier one of the same format
            even without `--force`. Such a format never touches exports of other formats.
        write: the function that writes a session's graph and variables into a folder, which it
            creates.
        load: the function that loads what `write` has written, in the way that a client does.
        install: the function that moves what `write` has written into an existing folder, given
            both folders. A client that loads from the folder at that moment finds the earlier
            export or the new one, whole.
        summary: the function that returns the line to log at the end, given the folder of the
            export.
        has_signatures: whether the format stores the signatures of the session too.

    `write`, `load` and `install` may raise `tf.errors.OpError`.
    """

    name: str
    file_names: tuple[str, ...]
    replaces_without_force: bool
    write: Callable[[ServingSession, str], None]
    load: Callable[[str], Exported]
    install: Callable[[str, str], None]
    summary: Callable[[str], str]
    has_signatures: bool = False


class SingleFile(NamedTuple):
    """Writes, reads and installs the file of an export.

    Attributes:
        name: the name of the file in the folder of the export.
    """

    name: str

    def path_in(self, folder: str) -> str:
        """Returns the path of the file."""
        return posixpath.join(folder, self.name)

    def write(self, folder: str, content: bytes) -> None:
        """Writes the file into a folder, which is created."""
        tf.io.gfile.makedirs(folder)
        with tf.io.gfile.GFile(self.path_in(folder), "wb") as file:
            file.write(content)

    def read(self, folder: str) -> bytes:
        """Returns the content of the file."""
        with tf.io.gfile.GFile(self.path_in(folder), "rb") as file:
            return file.read()

    def install(self, source: str, folder: str) -> None:
        """Puts the file into a folder; it appears there complete, or not at all."""
        write_atomically(self.path_in(folder), self.read(source))

    def summary(self, folder: str) -> str:
        """Returns the line to log at the end (docs/compatibility.md, "Log lines")."""
        return f"Exported as {self.path_in(folder)}"
