"""The folder of an export: what may be replaced there, and how an export gets there as a whole."""

from __future__ import annotations

import contextlib
import os
import posixpath
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import tensorflow as tf

from aocr.config import Config
from aocr.exports import description, formats
from aocr.exports.formats.common import ExportFormat
from aocr.model import config_file
from aocr.model.weights import checkpoints
from aocr.util.errors import UserError
from aocr.util.paths.checks import is_remote
from aocr.util.paths.files import names_in, remove, write_atomically


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
    numbers = (version_number(name) for name in names_in(base))
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


class Destination(NamedTuple):
    """Defines where an export goes.

    Attributes:
        folder: the folder of the export, or of its versions; local or remote.
        format: the format of the export.
        force: whether to replace an earlier export in the folder, whatever it holds, and to remove
            exports of other formats, unless the format leaves them alone.
        versioned: whether to make a new folder below `folder`, see `versions`.
    """

    folder: str
    format: ExportFormat
    force: bool = False
    versioned: bool = False

    @property
    def target(self) -> str:
        """Returns the folder without links."""
        return self.folder if is_remote(self.folder) else os.path.realpath(self.folder)


def check(destination: Destination, config: Config) -> None:
    """Checks that an export may be written into a folder.

    Raises:
        UserError: it is a file; or without `force`: it holds an export of the same format that
            clients may be loading, or the config of another model.
    """
    folder, export_format, force, versioned = destination
    if versioned:
        next_version(folder)
        return
    if not tf.io.gfile.exists(folder):
        return
    if not tf.io.gfile.isdir(folder):
        raise UserError(f"{folder} is a file: name a folder to export into")
    found = _existing(folder, export_format.file_names)
    if found and not export_format.replaces_without_force and not force:
        raise UserError(
            f"{folder} is not empty, it holds {found[0]}: name another folder, or replace the "
            "export with --force"
        )
    of_others = [checkpoints.LATEST]
    if not force:
        of_others += _names_of_other_formats(export_format)
    if _existing(folder, of_others) or not (found or force):
        _check_config(folder, config, "" if force else ", or replace the file with --force")


def _check_config(folder: str, config: Config, cure: str) -> None:
    """Checks that a folder's `config.json`, which an export would replace, is that of the model.

    Args:
        folder: the folder.
        config: the config of the model.
        cure: end of the message, after the advice to name another folder.

    Raises:
        UserError: it is that of another model.
    """
    stored = config_file.read(folder)
    if stored is None or stored == config:
        return
    path = posixpath.join(folder, config_file.FILE_NAME)
    name = next(name for name, value in vars(config).items() if value != getattr(stored, name))
    raise UserError(
        f"{path} is of another model: {name} is {getattr(stored, name)!r} there and "
        f"{getattr(config, name)!r} here; name another folder{cure}"
    )


@contextlib.contextmanager
def temporary_folder(destination: Destination) -> Iterator[str]:
    """Yields the name of a new folder, and removes it at the end with its content.

    It is on the file system of the target, which may be another one than that of its parent.
    """
    folder, name = destination.target, f"{os.getpid()}.tmp"
    inside = tf.io.gfile.exists(folder)
    temporary = posixpath.join(folder, f".{name}") if inside else f"{folder}.{name}"
    try:
        yield temporary
    finally:
        if tf.io.gfile.exists(temporary):
            tf.io.gfile.rmtree(temporary)


def install(source: str, destination: Destination) -> str:
    """Moves an export into its folder, where files that are not part of it stay.

    Returns:
        The folder, as the user knows it.

    Raises:
        tf.errors.OpError: a file cannot be moved.
    """
    folder, export_format = destination.target, destination.format
    if destination.versioned:
        graph = formats.GRAPH_FILES[export_format.name]
        version = install_version(source, folder, graph)
        return posixpath.join(destination.folder, posixpath.basename(version))
    if not tf.io.gfile.exists(folder) and not is_remote(folder):
        tf.io.gfile.rename(source, folder)  # a server sees the folder with all its files
    else:
        _install_into_existing(source, folder, export_format)
    if destination.force and not export_format.replaces_without_force:
        _remove_other_formats(folder, export_format)
    return destination.folder


def _install_into_existing(source: str, folder: str, export_format: ExportFormat) -> None:
    tf.io.gfile.makedirs(folder)
    facts = description.merged(source, folder, export_format.name)
    export_format.install(source, folder)
    with tf.io.gfile.GFile(posixpath.join(source, config_file.FILE_NAME), "rb") as file:
        write_atomically(posixpath.join(folder, config_file.FILE_NAME), file.read())
    # what is written into a SavedModel that a server may be loading is larger
    description.write(folder, description.with_sizes(facts, folder, export_format.name))


def _existing(folder: str, names: Iterable[str]) -> list[str]:
    """Returns those names that exist in a folder."""
    return [name for name in names if tf.io.gfile.exists(posixpath.join(folder, name))]


def _names_of_other_formats(export_format: ExportFormat) -> list[str]:
    """Returns the names of the files and folders that belong to exports of other formats."""
    of_formats = [formats.load_format(name).file_names for name in formats.NAMES]
    of_others = [names for names in of_formats if names != export_format.file_names]
    return [name for names in of_others for name in names]


def _remove_other_formats(folder: str, export_format: ExportFormat) -> None:
    for name in _existing(folder, _names_of_other_formats(export_format)):
        remove(posixpath.join(folder, name))
