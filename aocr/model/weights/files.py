"""Finds and removes the files of checkpoints, and reads and writes the state files.

No function takes a path for a pattern.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf
from google.protobuf import text_format
from tensorflow.python.training.checkpoint_state_pb2 import CheckpointState

from aocr.util.errors import UserError, first_line
from aocr.util.paths.files import write_atomically

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


def names_in(folder: str, prefix: str = "") -> list[str]:
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
        path: of the checkpoint. An older one of this path stays.
    """
    folder, name = posixpath.split(path)
    complete = exists(path)
    for each in _list(folder):
        if each.startswith(name + ".") and (PARTIAL in each or not complete):
            tf.io.gfile.remove(posixpath.join(folder, each))


def _list(folder: str) -> list[str]:
    """Returns the names of a folder's files; none if there is no such folder."""
    try:
        return tf.io.gfile.listdir(folder or ".")
    except tf.errors.NotFoundError:
        return []
    except tf.errors.OpError as error:
        raise UserError(f"cannot list {folder}: {first_line(error)}") from error
