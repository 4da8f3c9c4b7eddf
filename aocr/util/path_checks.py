"""Checks the paths of a command before it reads or writes anything."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from aocr.util.errors import UserError


class NamedPath(NamedTuple):
    """A path and what the user knows it by.

    Attributes:
        name: an argument's or a flag's name: `annotations`, `--log-path`.
        path: as it was given.
    """

    name: str
    path: str


class CommandPaths(NamedTuple):
    """The paths that a command reads and writes.

    Attributes:
        inputs: files, folders and globs.
        files: output files, replaced as a whole.
        log: the log file, which is appended to.
    """

    inputs: Sequence[NamedPath]
    files: Sequence[NamedPath]
    log: NamedPath


def check_paths(paths: CommandPaths) -> None:
    """Refuses outputs that would destroy an input, another output, or a device.

    Raises:
        UserError: names both paths.
    """
    for output in paths.files:
        _check_is_file(output)
    outputs = [*paths.files, paths.log]
    for number, output in enumerate(outputs):
        for other in outputs[:number]:
            if _are_same(output.path, other.path):
                raise UserError(_complaint(output, other, "both would be written"))
    for given in paths.inputs:
        for path in _files_of(given.path):
            for output in outputs:
                if _are_same(output.path, path):
                    read = NamedPath(given.name, path)
                    raise UserError(_complaint(output, read, "what it holds would be lost"))


def _complaint(one: NamedPath, other: NamedPath, consequence: str) -> str:
    return (
        f"{one.name} {one.path} and {other.name} {other.path} are the same file: {consequence}; "
        f"give {one.name} another name"
    )


def _check_is_file(output: NamedPath) -> None:
    """Refuses devices, pipes and sockets; folders are for the command to judge."""
    if is_remote(output.path):
        return
    try:
        mode = os.stat(output.path).st_mode
    except (OSError, ValueError):
        return
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        kind = "a device" if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) else "a pipe or socket"
        raise UserError(f"{output.name} {output.path} is {kind}: give it the name of a file")


def is_remote(path: str) -> bool:
    """Returns whether a path has a scheme, as `gs://bucket/file` has."""
    return "://" in path


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


def _are_same(one: str, other: str) -> bool:
    """Compares files, not names: links and relative paths lead to the same file."""
    if is_remote(one) or is_remote(other):
        return one == other
    try:
        return os.path.samefile(one, other)
    except (OSError, ValueError):  # one of them does not exist yet
        return os.path.realpath(one) == os.path.realpath(other)


def named(name: str, paths: Iterable[str | None]) -> list[NamedPath]:
    """Returns the paths of one flag or argument; None gives none."""
    return [NamedPath(name, path) for path in paths if path is not None]
