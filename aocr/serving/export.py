"""Exports a checkpoint, so that other programs can read images without aocr."""

from __future__ import annotations

import contextlib
import logging
import os
import posixpath
from collections.abc import Iterator
from typing import NamedTuple

import tensorflow as tf

from aocr.config import Config
from aocr.model import checkpoints, config_file
from aocr.serving import formats
from aocr.serving.formats.export_format import ExportFormat
from aocr.serving.graph import build_serving_graph
from aocr.serving.serving_session import ServingSession
from aocr.serving.verification import verify
from aocr.util.errors import UserError, first_line
from aocr.util.session import open_session


class ExportRequest(NamedTuple):
    """Says what to export, and where.

    Attributes:
        checkpoint: path of the checkpoint that holds the weights.
        folder: where the files go, local or remote.
        format: one of `formats.NAMES`.
        force: whether to replace an earlier export in the folder.
        gpu_id: index of the GPU that the comparison runs on; negative for the CPU.
    """

    checkpoint: str
    folder: str
    format: str = formats.DEFAULT
    force: bool = False
    gpu_id: int = 0


def export(config: Config, request: ExportRequest) -> None:
    """Exports a checkpoint, and `config.json` beside it.

    The export is loaded again and compared with the model before it appears in the folder.

    Raises:
        UserError: the folder is not empty or cannot be written, the checkpoint does not fit the
            config, or the export gives other predictions than the model.
    """
    folder = request.folder.rstrip("/") or request.folder
    check_folder(folder, request.force)
    export_format = formats.load_format(request.format)
    model = build_serving_graph(config)
    with open_session(model.graph, request.gpu_id) as session:
        checkpoints.restore(session, request.checkpoint)
        serving = ServingSession(session, model.input, model.output, model.probability)
        write_verified(serving, config, folder, export_format)
    logging.info("%s", export_format.summary(folder))


def check_folder(folder: str, force: bool) -> None:
    """Checks that an export may be written into a folder.

    Raises:
        UserError: it is a file, or it is not empty and `force` is not given.
    """
    if not tf.io.gfile.exists(folder):
        return
    if not tf.io.gfile.isdir(folder):
        raise UserError(f"{folder} is a file: name a folder to export into")
    if tf.io.gfile.listdir(folder) and not force:
        raise UserError(f"{folder} is not empty: name another folder, or replace it with --force")


def write_verified(
    serving: ServingSession, config: Config, folder: str, export_format: ExportFormat
) -> None:
    """Writes a model into a temporary folder, verifies it there, and moves it into place.

    Raises:
        UserError: a file cannot be written, or the export gives other predictions than the model.
    """
    try:
        with _temporary_folder(folder) as temporary:
            export_format.write(serving, temporary)
            exported = export_format.load(temporary)
            with exported.session:
                verify(exported, serving)
            config_file.write(temporary, config)
            _replace_export(temporary, folder)
    except tf.errors.OpError as error:
        reason = first_line(error)
        raise UserError(f"cannot write the export {folder}: {reason}") from error


@contextlib.contextmanager
def _temporary_folder(folder: str) -> Iterator[str]:
    """Yields the name of a folder beside `folder`, and removes it at the end with its content."""
    temporary = f"{folder}.{os.getpid()}.tmp"
    try:
        yield temporary
    finally:
        if tf.io.gfile.exists(temporary):
            tf.io.gfile.rmtree(temporary)


def _replace_export(source: str, folder: str) -> None:
    """Moves the files of `source` into `folder`, in place of an earlier export of any format.

    Files of the folder that belong to no export stay.
    """
    for name in _exported_names():
        _remove(posixpath.join(folder, name))
    for subfolder, _, names in tf.io.gfile.walk(source):
        target = folder + subfolder.rstrip("/").removeprefix(source)
        tf.io.gfile.makedirs(target)
        for name in names:  # one by one, as not every file system renames folders
            tf.io.gfile.rename(posixpath.join(subfolder, name), posixpath.join(target, name))


def _exported_names() -> list[str]:
    """Returns the names of all files and folders that an export of any format may consist of."""
    of_formats = [formats.load_format(name).file_names for name in formats.NAMES]
    return [config_file.FILE_NAME, *(name for names in of_formats for name in names)]


def _remove(path: str) -> None:
    """Removes a file, or a folder with its content, if there is one."""
    if not tf.io.gfile.exists(path):
        return
    if tf.io.gfile.isdir(path):
        tf.io.gfile.rmtree(path)
    else:
        tf.io.gfile.remove(path)
