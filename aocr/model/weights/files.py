"""Reads, copies and removes the files of checkpoints; reads and writes the state files.

No function takes a path for a pattern.
"""

from __future__ import annotations

import math
import posixpath
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from tensorflow.python.training.checkpoint_state_pb2 import CheckpointState

from aocr.util.errors import UserError, first_line
from aocr.util.paths.files import names_in, write_atomically

LATEST, BEST = "checkpoint", "best"
"""State files of a model directory: they name its newest and its best checkpoint."""

PREFIXES = {LATEST: "model.ckpt", BEST: "best.ckpt"}
"""The prefix of checkpoint names, by state file."""

INDEX_SUFFIX, DATA_SUFFIX, PARTIAL = ".index", ".data-", ".tempstate"
"""Parts of the names of a checkpoint's files; the last is that of a file being written."""

_INDEX = re.compile(r"(.+\.ckpt-(\d+))\.index")


class State(NamedTuple):
    """Holds the content of a state file.

    Attributes:
        current: name of the newest, or of the best checkpoint; it may be a path.
        kept: names of the checkpoints to keep, oldest first.
    """

    current: str
    kept: list[str]


def exists(path: str) -> bool:
    """Returns whether there is a checkpoint; its data may be damaged.

    Raises:
        UserError: the file system cannot be reached.
    """
    try:
        return tf.io.gfile.exists(path + INDEX_SUFFIX)
    except tf.errors.OpError as error:
        raise UserError(f"cannot read {path}{INDEX_SUFFIX}: {first_line(error)}") from error


def checkpoints_in(folder: str, prefix: str = "") -> list[str]:
    """Returns the names of a folder's checkpoints that begin with a prefix, by their steps."""
    matches = filter(None, map(_INDEX.fullmatch, _list(folder)))
    names = {match[1]: int(match[2]) for match in matches if match[1].startswith(prefix)}
    return sorted(names, key=lambda name: (names[name], name))


def data_files(path: str) -> list[str]:
    """Returns the paths of the files that hold a checkpoint's values."""
    folder, name = posixpath.split(path)
    begin = name + DATA_SUFFIX
    found = (each for each in _list(folder) if each.startswith(begin) and PARTIAL not in each)
    return [posixpath.join(folder, each) for each in sorted(found)]


def read_state(folder: str, state_file: str) -> State | None:
    """Reads a state file; returns None if there is none.

    Raises:
        UserError: the file system cannot be reached, or the file cannot be read.
        ValueError: the file names no checkpoint.
    """
    path = posixpath.join(folder, state_file)
    try:
        if not tf.io.gfile.exists(path):
            return None
        with tf.io.gfile.GFile(path, "rb") as file:
            state = text_format.Parse(file.read().decode(), CheckpointState())
    except tf.errors.OpError as error:
        raise UserError(f"cannot read {path}: {first_line(error)}") from error
    except text_format.ParseError as error:
        raise ValueError(f"{path} is not a state file") from error
    if not state.model_checkpoint_path:
        raise ValueError(f"{path} names no checkpoint")
    return State(state.model_checkpoint_path, list(state.all_model_checkpoint_paths))


def write_state(folder: str, state_file: str, names: Sequence[str]) -> None:
    """Writes a state file as TensorFlow does; the last of the names is the current checkpoint.

    Raises:
        tf.errors.OpError: the file cannot be written.
    """
    state = CheckpointState(model_checkpoint_path=names[-1], all_model_checkpoint_paths=names)
    content = text_format.MessageToString(state)
    write_atomically(posixpath.join(folder, state_file), content.encode())


def copy(source: str, path: str) -> None:
    """Copies the files of a checkpoint, its index last.

    Raises:
        tf.errors.OpError: a file cannot be read or written.
    """
    for file in [*data_files(source), source + INDEX_SUFFIX]:
        tf.io.gfile.copy(file, path + file.removeprefix(source), overwrite=True)


def remove(path: str) -> None:
    """Removes the files of a checkpoint, its index first; files that are gone are no error."""
    folder, name = posixpath.split(path)
    own = [each for each in _list(folder) if each.startswith(name + ".")]
    for each in sorted(own, key=lambda each: not each.endswith(INDEX_SUFFIX)):
        tf.io.gfile.remove(posixpath.join(folder, each))


def remove_partial(path: str) -> None:
    """Removes what a failed attempt to write a checkpoint left.

    Args:
        path: the path of the checkpoint. An older one of this path stays.
    """
    folder, name = posixpath.split(path)
    complete = exists(path)
    for each in _list(folder):
        if each.startswith(name + ".") and (PARTIAL in each or not complete):
            tf.io.gfile.remove(posixpath.join(folder, each))


def _list(folder: str) -> list[str]:
    """Returns the names of a folder's files; none if there is no such folder."""
    try:
        return names_in(folder)
    except tf.errors.NotFoundError:
        return []
    except tf.errors.OpError as error:
        raise UserError(f"cannot list {folder}: {first_line(error)}") from error


READ_ERRORS = (tf.errors.OpError, RuntimeError, ValueError, IndexError)
"""The errors that TensorFlow raises for damaged files."""


class CheckpointReader:
    """Reads single values of a checkpoint.

    Attributes:
        path: the path of the checkpoint.
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
            index = path + INDEX_SUFFIX
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
        files = data_files(self.path)
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


class RemovedCheckpointError(UserError):
    """Reports a checkpoint that was found, and was gone when it was read."""


def incomplete(path: str, problem: str) -> UserError:
    """Returns the error about a damaged or missing checkpoint, which names the others there."""
    folder, name = posixpath.split(path)
    others = [each for each in checkpoints_in(folder) if each != name]
    other = f", or use another checkpoint of this folder: {', '.join(others)}" if others else ""
    if not exists(path):
        return RemovedCheckpointError(
            f"{path} was removed meanwhile, as a training does with its old checkpoints: restore "
            f"it from a copy{other}"
        )
    cure = f"restore the file from a copy{other}"
    return UserError(f"{path} is not a complete checkpoint: {problem}: {cure}")


def _missing_file(path: str, files: list[str]) -> str | None:
    """Returns the first file that is missing; their number is part of their names."""
    count = int(files[0].rpartition("-")[2]) if files else 1
    names = [f"{path}{DATA_SUFFIX}{n:05}-of-{count:05}" for n in range(count)]
    return next((name for name in names if name not in files), None)
