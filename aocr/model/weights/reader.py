"""Reads values of checkpoints, and finds out what is wrong with a damaged one."""

from __future__ import annotations

import math
import posixpath

import numpy as np
import tensorflow as tf

from aocr.model.weights import files as checkpoint_files
from aocr.util.errors import UserError, first_line

READ_ERRORS = (tf.errors.OpError, RuntimeError, ValueError, IndexError)
"""The errors that TensorFlow raises for damaged files."""


class CheckpointReader:
    """Reads single values of a checkpoint.

    Attributes:
        path: of the checkpoint.
        shapes: the shape of each value, by its name.

    Raises:
        UserError: the index is damaged.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self._reader = tf.compat.v1.train.NewCheckpointReader(path)
            self.shapes: dict[str, list[int]] = self._reader.get_variable_to_shape_map()
        except READ_ERRORS as error:
            index = path + checkpoint_files.INDEX_SUFFIX
            raise incomplete(path, f"{index} is damaged ({first_line(error)})") from error

    def read(self, name: str) -> np.ndarray:
        """Returns a value.

        Raises:
            UserError: the data is damaged.
        """
        try:
            return self._reader.get_tensor(name)
        except READ_ERRORS as error:
            raise incomplete(self.path, self.damage() or first_line(error)) from error

    def damage(self) -> str:
        """Reads every value, and describes the first fault of the data files.

        Returns an empty string if there is no fault.
        """
        files = checkpoint_files.data_files(self.path)
        if missing := _missing_file(self.path, files):
            return f"{missing} is missing"
        size = sum(tf.io.gfile.stat(each).length for each in files)
        named = ", ".join(files)
        if not size:
            return f"{named} is empty"
        if size < self._expected_size():
            return f"{named} is cut off after {size} of {self._expected_size()} bytes"
        for name in sorted(self.shapes):
            try:
                self._reader.get_tensor(name)
            except READ_ERRORS:
                return f"{named} is damaged where {name} is stored"
        return ""

    def _expected_size(self) -> int:
        """Returns the number of bytes that the values take."""
        types = self._reader.get_variable_to_dtype_map()
        return sum(math.prod(shape) * types[name].size for name, shape in self.shapes.items())


def incomplete(path: str, problem: str) -> UserError:
    """Returns the error about a damaged checkpoint, which names the others of its folder."""
    folder, name = posixpath.split(path)
    others = [each for each in checkpoint_files.names_in(folder) if each != name]
    other = f", or use another checkpoint of this folder: {', '.join(others)}" if others else ""
    cure = f"restore the file from a copy{other}"
    return UserError(f"{path} is not a complete checkpoint: {problem}: {cure}")


def _missing_file(path: str, files: list[str]) -> str | None:
    """Returns the first file that is missing; their number is part of their names."""
    count = int(files[0].rpartition("-")[2]) if files else 1
    names = [f"{path}{checkpoint_files.DATA_SUFFIX}{n:05}-of-{count:05}" for n in range(count)]
    return next((name for name in names if name not in files), None)
