"""Lists the paths that a command reads and writes, so that they can be checked before it starts."""

from __future__ import annotations

import contextlib
import glob
import os
from collections.abc import Iterable

from aocr.cli.flags.images import IMAGE_SUFFIXES
from aocr.data.records.shards import PATTERN
from aocr.util.paths.checks import NamedPath, is_remote, named

MODEL_FILES = ("checkpoint", "best", "best.json", "config.json", "*.ckpt-*")
"""Matches the files of a model directory that a log must not be appended to."""

STDIN = "/dev/stdin"
"""The name of stdin, through which a shell may pass a file that is also an output."""


def dataset_inputs(name: str, paths: Iterable[str]) -> list[NamedPath]:
    """Returns the TFRecord files of a flag or argument; a folder stands for its `*.tfrecords`."""
    return [
        NamedPath(name, path if not _is_folder(path) else _below(path, PATTERN)) for path in paths
    ]


def image_inputs(paths: Iterable[str]) -> list[NamedPath]:
    """Returns image files; a folder stands for its image files, and may hold the log."""
    names = (
        name for path in paths for name in (_image_files_in(path) if _is_folder(path) else [path])
    )
    return named("image", names)


def _image_files_in(folder: str) -> list[str]:
    """Returns the paths of the files in a local folder that have the suffix of an image."""
    with contextlib.suppress(PermissionError), os.scandir(folder) as entries:
        return [entry.path for entry in entries if entry.name.lower().endswith(IMAGE_SUFFIXES)]
    return []  # reading the folder will say why


def model_inputs(name: str, folder: str | None) -> list[NamedPath]:
    """Returns the files of a model directory; None gives none."""
    if folder is None or not _is_folder(folder):
        return []
    return [NamedPath(name, _below(folder, pattern)) for pattern in MODEL_FILES]


def annotation_inputs(path: str) -> list[NamedPath]:
    """Returns an annotation file.

    A folder gives none: it may hold the log and the output. The builder compares its images.
    """
    return [] if _is_folder(path) else [NamedPath("annotations", STDIN if path == "-" else path)]


def _below(folder: str, pattern: str) -> str:
    return os.path.join(glob.escape(folder), pattern)


def _is_folder(path: str) -> bool:
    return not is_remote(path) and os.path.isdir(path)
