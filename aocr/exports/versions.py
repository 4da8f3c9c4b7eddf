"""Puts exports into numbered folders, where TensorFlow Serving finds them: `DIR/1`, `DIR/2`, ..."""

from __future__ import annotations

import posixpath

import tensorflow as tf

from aocr.util.errors import UserError
from aocr.util.paths.checks import is_remote


def version_number(name: str) -> int | None:
    """Returns the number that a folder's name is, as TensorFlow Serving reads it; None if none."""
    return int(name) if name.isascii() and name.isdigit() and len(name) < 19 else None


def next_version(base: str) -> str:
    """Returns the folder of the version after the newest one; it does not exist.

    Args:
        base: the folder of the versions, which need not exist.

    Raises:
        UserError: `base` is a file.
        tf.errors.OpError: `base` cannot be read.
    """
    if not tf.io.gfile.exists(base):
        return posixpath.join(base, "1")
    if not tf.io.gfile.isdir(base):
        raise UserError(f"{base} is a file: name a folder for the versions")
    numbers = (version_number(name.rstrip("/")) for name in tf.io.gfile.listdir(base))
    return posixpath.join(base, str(max(filter(None, numbers), default=0) + 1))


def install_version(source: str, base: str, last: str) -> str:
    """Moves a complete export into the folder of the next version, and returns its name.

    A server that looks at that moment sees no new version, or all of it. On remote file systems,
    which have no folders to rename, the file that a server needs first arrives last.

    Args:
        source: a folder on the same file system.
        base: the folder of the versions; it is created if it does not exist.
        last: name of the file that a server loads first.

    Raises:
        tf.errors.OpError: a file cannot be moved.
    """
    tf.io.gfile.makedirs(base)
    while True:
        target = next_version(base)
        try:
            if is_remote(source):
                _move_files(source, target, last)
            else:
                tf.io.gfile.rename(source, target)
        except tf.errors.AlreadyExistsError:
            continue  # another export was faster: take the next number
        return target


def _move_files(source: str, target: str, last: str) -> None:
    """Moves all files below a folder, one by one."""
    paths = [
        posixpath.join(folder, name)
        for folder, _, names in tf.io.gfile.walk(source)
        for name in names
    ]
    for path in sorted(paths, key=lambda path: posixpath.basename(path) == last):
        new_path = posixpath.join(target, path.removeprefix(source).lstrip("/"))
        tf.io.gfile.makedirs(posixpath.dirname(new_path))
        tf.io.gfile.rename(path, new_path)
