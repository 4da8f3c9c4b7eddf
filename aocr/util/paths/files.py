"""Writes files so that each appears under its name complete, or not at all."""

from __future__ import annotations

import contextlib
import glob
import os
import stat
from collections.abc import Callable, Iterator, Sequence

import tensorflow as tf

from aocr.util.errors import UserError, first_line
from aocr.util.paths.checks import UNDECODABLE, is_remote, kind_of_special_file

TEMPORARY_SUFFIX = ".tmp"
"""Ends the names of files that are not complete; such a file stays if its process is killed."""


@contextlib.contextmanager
def replacing(names: Sequence[str]) -> Iterator[list[str]]:
    """Yields a temporary file name for each file, and renames the files when the block ends.

    If the block did not write a temporary file, the file of that name is removed: its content
    belongs to an earlier run. If the block raises, no file is replaced. No temporary file remains.

    A symbolic link stays, and the file that it leads to is replaced. A new file gets the
    permissions of the one that it replaces.

    Args:
        names: the final file names; local or remote.

    Raises:
        UserError: a name belongs to something that is not a file.
        tf.errors.OpError: a file cannot be moved or removed.
    """
    targets = [_target(name) for name in names]
    temporaries = [f"{target}.{os.getpid()}{TEMPORARY_SUFFIX}" for target in targets]
    try:
        yield temporaries
        for temporary, name in zip(temporaries, targets, strict=True):
            if tf.io.gfile.exists(temporary):
                _copy_permissions(name, temporary)
                tf.io.gfile.rename(temporary, name, overwrite=True)
            elif tf.io.gfile.exists(name):
                tf.io.gfile.remove(name)
    finally:
        for temporary in temporaries:
            if tf.io.gfile.exists(temporary):
                tf.io.gfile.remove(temporary)


def _target(name: str) -> str:
    """Returns the file that a name leads to; its links are followed.

    Raises:
        UserError: it is not a file.
    """
    if is_remote(name):
        return name
    kind = "a folder" if os.path.isdir(name) else kind_of_special_file(name)
    if kind:
        raise UserError(f"cannot write {name}: it is {kind}; give the name of a file")
    return os.path.realpath(name) if os.path.islink(name) else name


def _copy_permissions(source: str, target: str) -> None:
    """Gives a local file the permissions of another one, if that exists."""
    if not is_remote(source) and os.path.exists(source):
        os.chmod(target, stat.S_IMODE(os.stat(source).st_mode))


def write_atomically(path: str, content: bytes) -> None:
    """Writes a file that appears under its name only when it is complete.

    Args:
        path: local or remote.
        content: the whole content of the file.

    Raises:
        UserError: the path belongs to something that is not a file.
        tf.errors.OpError: the file cannot be written.
    """
    with replacing([path]) as (temporary,), tf.io.gfile.GFile(temporary, "wb") as file:
        file.write(content)


def names_in(folder: str) -> list[str]:
    """Returns the names in a folder, local or remote; those of folders have no slash.

    Bytes of a local name that are not UTF-8 become surrogates, where TensorFlow fails.

    Raises:
        tf.errors.OpError: there is no such folder, or it cannot be read.
    """
    try:
        return [name.rstrip("/") for name in tf.io.gfile.listdir(folder or ".")]
    except UnicodeDecodeError:  # only local file systems have such names
        return os.listdir(folder or ".")


def matches(pattern: str) -> list[str]:
    """Returns the paths, local or remote, that a pattern matches, as `names_in` has them.

    Raises:
        tf.errors.OpError: a folder cannot be read.
    """
    try:
        return tf.io.gfile.glob(pattern)
    except UnicodeDecodeError:
        return glob.glob(pattern)


def remove(path: str) -> None:
    """Removes a file, or a folder with its content, if there is one.

    Raises:
        tf.errors.OpError: it cannot be removed.
    """
    if not tf.io.gfile.exists(path):
        return
    if tf.io.gfile.isdir(path):
        tf.io.gfile.rmtree(path)
    else:
        tf.io.gfile.remove(path)


@contextlib.contextmanager
def open_row_file(flag: str, path: str) -> Iterator[Callable[[str], None]]:
    """Yields a function that adds rows, each with its end, to a UTF-8 file.

    Bytes of a file name that are not UTF-8 are written as they were. The file appears under its
    name when the block ends; if the block raises, no file appears.

    Args:
        flag: the flag that names the file, for messages.
        path: local or remote.

    Raises:
        UserError: the file cannot be written.
    """
    with _errors_as_user_errors(flag, path):
        if tf.io.gfile.exists(path) and tf.io.gfile.isdir(path):
            raise UserError(f"{flag}={path} is a folder: name a file")
    with replacing([path]) as (temporary,):
        file = tf.io.gfile.GFile(temporary, "wb")
        with _errors_as_user_errors(flag, path):
            file.write(b"")  # so that a file without rows appears, too

        def add(rows: str) -> None:
            """Adds rows."""
            with _errors_as_user_errors(flag, path):
                file.write(rows.encode("utf-8", UNDECODABLE))

        try:
            yield add
        finally:
            with _errors_as_user_errors(flag, path):
                file.close()


@contextlib.contextmanager
def _errors_as_user_errors(flag: str, path: str) -> Iterator[None]:
    """Turns TensorFlow's errors in the block into a `UserError` that names the file."""
    try:
        yield
    except tf.errors.OpError as error:
        raise UserError(f"cannot write {flag}={path}: {first_line(error)}") from error
