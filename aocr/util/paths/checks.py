"""Checks the paths of a command before it writes anything, and reads small files anywhere."""

from __future__ import annotations

import errno
import glob
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from aocr.util.errors import UserError, first_line

UNDECODABLE = "surrogateescape"
"""Keeps the bytes of file names that are not valid UTF-8."""

PIPE = "a pipe or socket"
"""Names a file that can be read only once, in messages."""

IMAGE_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".dib", ".tif", ".tiff", ".webp"),
    *(".jp2", ".j2k", ".ppm", ".pgm", ".pbm", ".pnm", ".ico"),
)
"""Ends of the names of those files in a folder that are read."""

_LOOKED_AT_BYTES = 512
"""Number of bytes by which a file is recognized as binary."""


class NamedPath(NamedTuple):
    """Holds a path and the name by which the user knows it.

    Attributes:
        name: an argument's or a flag's name: `annotations`, `--log-path`.
        path: the path as it was given.
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
        UserError: names both paths; or the working directory is gone.
    """
    _check_working_directory()
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


def _check_working_directory() -> None:
    try:
        os.getcwd()
    except FileNotFoundError as error:
        raise UserError("the working directory was deleted: change into another one") from error


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


def is_utf8(name: str) -> bool:
    """Returns whether a file name is UTF-8; Python represents other bytes as surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


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


_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://")
"""Matches the beginning of a remote path; its group is the name of the file system."""

CURES = {"gs": "install the extra: pip install 'aocr[gcs]'"}
"""The cure for a missing file system, by its name."""


def read_bytes(path: str) -> bytes:
    """Returns the content of a file. Local pipes are read, too, which TensorFlow cannot do.

    TensorFlow is imported only for a remote file.

    Raises:
        OSError: the file cannot be read.
    """
    if not is_remote(path):
        with open(path, "rb") as file:
            return file.read()
    import tensorflow as tf  # slow to import

    try:
        with tf.io.gfile.GFile(path, "rb") as remote:
            return remote.read()
    except tf.errors.NotFoundError as error:
        raise FileNotFoundError(errno.ENOENT, "no such file") from error
    except tf.errors.OpError as error:
        raise OSError(errno.EIO, first_line(error)) from error


def check_file_systems(values: Iterable[object]) -> None:
    """Refuses remote paths whose file system this installation of TensorFlow lacks.

    Args:
        values: the values of a command's flags and arguments, lists of paths included.

    Raises:
        UserError: names the first such path.
    """
    remote = [(path, match[1]) for path in _texts(values) if (match := _SCHEME.match(path))]
    if not remote:
        return
    import tensorflow as tf  # slow to import, and most paths are local

    known = tf.io.gfile.get_registered_schemes()
    for path, scheme in remote:
        if scheme not in known:
            cure = CURES.get(scheme, "copy the files to a local folder")
            raise UserError(f"{path}: TensorFlow has no file system {scheme}:// here: {cure}")


def _texts(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _texts(value)
