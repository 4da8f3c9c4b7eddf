"""Checks the paths of a command before it reads or writes anything."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from aocr.util.errors import UserError

UNDECODABLE = "surrogateescape"
"""Keeps the bytes of file names that are not valid UTF-8."""

PIPE = "a pipe or socket"
"""Names a file that can be read only once, in messages."""

_LOOKED_AT_BYTES = 512
"""Number of bytes by which a file is recognized as binary."""


class NamedPath(NamedTuple):
    """Holds a path and the name by which the user knows it.

    Attributes:
        name: an argument's or a flag's name: `annotations`, `--log-path`.
        path: as it was given.
    """

    name: str
    path: str


def check_paths(inputs: Sequence[NamedPath], outputs: Sequence[NamedPath], log_path: str) -> None:
    """Refuses outputs that would destroy an input, another output, or a device.

    Args:
        inputs: files, folders and globs that a command reads.
        outputs: files that it replaces as a whole.
        log_path: the log file, which is appended to.

    Raises:
        UserError: names both paths.
    """
    for output in outputs:
        _check_is_file(output)
    if not kind_of_special_file(log_path):  # /dev/null and pipes are good logs
        log = NamedPath("--log-path", log_path)
        _check_is_text(log)
        outputs = [*outputs, log]
    written: dict[object, NamedPath] = {}
    for output in outputs:
        other = written.setdefault(identity(output.path), output)
        if other is not output:
            raise UserError(_complaint(output, other, "both would be written"))
    for given in inputs:
        for path in _files_of(given.path):
            overwriting = written.get(identity(path))
            if overwriting:
                read = NamedPath(given.name, path)
                raise UserError(_complaint(overwriting, read, "what it holds would be lost"))


def _complaint(one: NamedPath, other: NamedPath, consequence: str) -> str:
    return (
        f"{one.name} {one.path} and {other.name} {other.path} are the same file: {consequence}; "
        f"give {one.name} another name"
    )


def _check_is_file(output: NamedPath) -> None:
    """Refuses devices, pipes and sockets; folders are for the command to judge."""
    kind = kind_of_special_file(output.path)
    if kind:
        raise UserError(f"{output.name} {output.path} is {kind}: give it the name of a file")


def _check_is_text(log: NamedPath) -> None:
    """Refuses an image, a dataset or a checkpoint as the log: log lines would damage it."""
    if is_remote(log.path) or not os.path.isfile(log.path):
        return
    try:
        with open(log.path, "rb") as file:
            start = file.read(_LOOKED_AT_BYTES)
    except OSError:  # opening the log will say why
        return
    if b"\0" in start:
        raise UserError(f"{log.name} {log.path} is not a text file: give {log.name} another name")


def is_remote(path: str) -> bool:
    """Returns whether a path has a scheme, as `gs://bucket/file` has."""
    return "://" in path


def kind_of_special_file(path: str) -> str:
    """Returns "a device" or "a pipe or socket"; empty for files, folders and what is not there."""
    if is_remote(path):
        return ""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return ""
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        return "a device"
    return "" if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else PIPE


def identity(path: str) -> tuple[int, int] | str:
    """Returns a value that two paths share if they lead to the same file.

    It is the file's device and inode, or the name without links if there is no file yet.
    """
    if is_remote(path):
        return path
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return os.path.realpath(path)
    return status.st_dev, status.st_ino


def _files_of(path: str) -> Iterator[str]:
    """Yields the files that an input stands for: itself, those of a folder, those of a glob."""
    if is_remote(path):
        yield path
    elif os.path.isdir(path):
        with os.scandir(path) as entries:
            yield from (entry.path for entry in entries)
    elif os.path.lexists(path) or not glob.has_magic(path):
        yield path
    else:
        yield from glob.iglob(path)


def named(name: str, paths: Iterable[str | None]) -> list[NamedPath]:
    """Returns the paths of one flag or argument; None gives none."""
    return [NamedPath(name, path) for path in paths if path is not None]
