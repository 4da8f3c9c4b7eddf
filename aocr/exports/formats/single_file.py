"""Installs and checks exports of one file, in the same way for each of these formats."""

from __future__ import annotations

import posixpath
from typing import NamedTuple

import tensorflow as tf

from aocr.util.paths.files import write_atomically


class SingleFile(NamedTuple):
    """Writes, reads and installs the file of an export.

    Attributes:
        name: of the file in the folder of the export.
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
