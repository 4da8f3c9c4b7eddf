"""Finds out what a path holds: checkpoints, an export, or numbered versions of an export."""

from __future__ import annotations

import posixpath
from typing import NamedTuple

import tensorflow as tf

from aocr.exports.folder import version_number
from aocr.exports.formats import GRAPH_FILES
from aocr.model import config_file
from aocr.model.weights import pretrained
from aocr.model.weights.files import LATEST
from aocr.util.errors import UserError, first_line
from aocr.util.paths.files import names_in

CHECKPOINTS, SAVEDMODEL, FROZENGRAPH = KINDS = ("checkpoints", "savedmodel", "frozengraph")
"""The kinds of models: a model directory, and the formats of an export that aocr reads with."""


class ModelSource(NamedTuple):
    """Says where a model is.

    Attributes:
        kind: one of `KINDS`.
        folder: the model directory, or the folder of the export.
        version: the number that is the folder's name, else 1.
        versions_folder: the folder that holds the numbered versions; empty if there is none.
    """

    kind: str
    folder: str
    version: int = 1
    versions_folder: str = ""

    @property
    def name(self) -> str:
        """The name of the folder, or of that above a numbered version; not its path."""
        parts = posixpath.abspath(self.folder).split("/")
        return next((part for part in reversed(parts) if version_number(part) is None), "/")


def find_model(name: str) -> ModelSource:
    """Finds a model: in a model directory, an export, or the newest of its numbered versions.

    Args:
        name: path of the model, or the name of one that comes with aocr.

    Raises:
        UserError: there is no model.
    """
    folder = pretrained.folder_of(name).rstrip("/") or "/"
    try:
        kind = _kind_of(folder)
        if kind:
            number = version_number(posixpath.basename(folder))
            return ModelSource(kind, folder, 1 if number is None else number)
        versions = exported_versions(folder)
    except tf.errors.OpError as error:
        raise UserError(f"cannot read a model from {name}: {first_line(error)}") from error
    if not versions:
        raise UserError(
            f"{name} holds no model: name a model directory, an export, or a folder with numbered "
            "versions of an export"
        )
    return version_source(folder, max(versions))


def version_source(versions_folder: str, version: int) -> ModelSource:
    """Returns the source of one version of an export."""
    for name in names_in(versions_folder):  # a version may be named 00000002
        if version_number(name) == version:
            folder = posixpath.join(versions_folder, name)
            return ModelSource(SAVEDMODEL, folder, version, versions_folder)
    raise UserError(f"{versions_folder} has no version {version} any more")


def exported_versions(folder: str) -> list[int]:
    """Returns the numbers of the SavedModels below a folder, in no order."""
    if not tf.io.gfile.isdir(folder):
        return []
    found = []
    for name in names_in(folder):
        number = version_number(name)
        if number is not None and tf.io.gfile.exists(
            posixpath.join(folder, name, GRAPH_FILES[SAVEDMODEL])
        ):
            found.append(number)
    return found


def _kind_of(folder: str) -> str:
    """Returns the kind of the model that a folder itself holds; empty if it holds none."""
    present = [
        kind
        for kind, name in GRAPH_FILES.items()
        if tf.io.gfile.exists(posixpath.join(folder, name))
    ]
    if readable := [kind for kind in present if kind in KINDS]:
        return readable[0]
    if present and not tf.io.gfile.exists(posixpath.join(folder, LATEST)):
        raise UserError(
            f"{folder} holds {GRAPH_FILES[present[0]]}, which is for other programs: name the "
            "model directory, a SavedModel or a frozen graph"
        )
    for name in (LATEST, config_file.FILE_NAME):
        if tf.io.gfile.exists(posixpath.join(folder, name)):
            return CHECKPOINTS
    return ""
