"""Exports a checkpoint, so that other programs can read images without aocr."""

from __future__ import annotations

import contextlib
import logging
import os
import posixpath
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import tensorflow as tf

from aocr.config import Config
from aocr.model import checkpoints, config_file
from aocr.model.search.text_search import Search
from aocr.serving import formats
from aocr.serving.formats.export_format import ExportFormat
from aocr.serving.graph import build_serving_graph
from aocr.serving.serving_session import ServingSession
from aocr.serving.verification import verify
from aocr.util.errors import UserError, first_line
from aocr.util.files import remove, write_atomically
from aocr.util.path_checks import is_remote
from aocr.util.session import open_session


class ExportRequest(NamedTuple):
    """Defines what to export, and where.

    Attributes:
        checkpoint: path of the checkpoint that holds the weights.
        folder: where the files go, local or remote.
        format: one of `formats.NAMES`.
        force: whether to replace an earlier export in the folder, whatever it holds.
        gpu_id: index of the GPU that the comparison runs on; negative for the CPU.
        search: says which texts the export looks for; None for greedy decoding.
    """

    checkpoint: str
    folder: str
    format: str = formats.DEFAULT
    force: bool = False
    gpu_id: int = 0
    search: Search | None = None


def export(config: Config, request: ExportRequest) -> None:
    """Exports a checkpoint, and `config.json` beside it.

    The export is loaded again and compared with the model before it appears in the folder.

    Raises:
        UserError: the folder holds an export that must not be replaced, or cannot be written, the
            checkpoint does not fit the config, or the export gives other predictions than the
            model.
    """
    folder = request.folder.rstrip("/") or request.folder
    export_format = formats.load_format(request.format)
    try:
        check_folder(folder, config, export_format, request.force)
    except tf.errors.OpError as error:
        raise UserError(f"cannot export into {folder}: {first_line(error)}") from error
    model = build_serving_graph(config, search=request.search)
    with open_session(model.graph, request.gpu_id) as session:
        checkpoints.restore(session, request.checkpoint)
        serving = ServingSession(
            session, model.input, model.output, model.probability, model.search_outputs
        )
        write_verified(serving, config, folder, export_format, request.force)
    logging.info("%s", export_format.summary(folder))


def check_folder(folder: str, config: Config, export_format: ExportFormat, force: bool) -> None:
    """Checks that an export may be written into a folder.

    Raises:
        UserError: it is a file; or without `force`: it holds an export of the same format that
            clients may be loading, or the config of another model.
    """
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
        config: that of the model.
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


def write_verified(
    serving: ServingSession,
    config: Config,
    folder: str,
    export_format: ExportFormat,
    force: bool = False,
) -> None:
    """Writes a model into a temporary folder, verifies it there, and moves it into place.

    Args:
        serving: the model.
        config: its config.
        folder: the folder to export into.
        export_format: the format of the export.
        force: whether to remove exports of other formats, unless the format leaves them alone.

    Raises:
        UserError: a file cannot be written, or the export gives other predictions than the model.
    """
    target = folder if is_remote(folder) else os.path.realpath(folder)
    try:
        with _temporary_folder(target) as temporary:
            export_format.write(serving, temporary)
            exported = export_format.load(temporary)
            with exported.session:
                verify(exported, serving)
            config_file.write(temporary, config)
            _install(temporary, target, export_format)
        if force and not export_format.replaces_without_force:
            _remove_other_formats(target, export_format)
    except tf.errors.OpError as error:
        reason = first_line(error)
        raise UserError(f"cannot write the export {folder}: {reason}") from error


@contextlib.contextmanager
def _temporary_folder(folder: str) -> Iterator[str]:
    """Yields the name of a new folder, and removes it at the end with its content.

    It is on the file system of `folder`, which may be another one than that of its parent.
    """
    name = f"{os.getpid()}.tmp"
    inside = tf.io.gfile.exists(folder)
    temporary = posixpath.join(folder, f".{name}") if inside else f"{folder}.{name}"
    try:
        yield temporary
    finally:
        if tf.io.gfile.exists(temporary):
            tf.io.gfile.rmtree(temporary)


def _install(source: str, folder: str, export_format: ExportFormat) -> None:
    """Moves the files of an export into a folder; files that are not part of it stay."""
    if not tf.io.gfile.exists(folder) and not is_remote(folder):
        tf.io.gfile.rename(source, folder)  # a server sees the folder with all its files
        return
    tf.io.gfile.makedirs(folder)
    export_format.install(source, folder)
    with tf.io.gfile.GFile(posixpath.join(source, config_file.FILE_NAME), "rb") as file:
        write_atomically(posixpath.join(folder, config_file.FILE_NAME), file.read())


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
