"""Lists what a command reads, so that it can be checked before it starts; finds image files."""

from __future__ import annotations

import contextlib
import glob
import logging
import os
from collections.abc import Iterable

from aocr.data.records.shards import PATTERN
from aocr.util.errors import UserError
from aocr.util.paths.checks import IMAGE_SUFFIXES, NamedPath, is_remote, named
from aocr.util.text.plurals import counted

MODEL_FILES = (
    *("checkpoint", "best", "best.json", "config.json", "records.json", "trained-images.npy"),
    "*.ckpt-*",
)
"""Matches the files of a model directory that a log must not be appended to."""

STDIN = "/dev/stdin"
"""The name of stdin, through which a shell may pass a file that is also an output."""


def dataset_inputs(name: str, paths: Iterable[str]) -> list[NamedPath]:
    """Returns the TFRecord files of a flag or argument; a folder stands for its `*.tfrecords`."""
    return [
        NamedPath(name, path if not _is_local_folder(path) else _below(path, PATTERN))
        for path in paths
    ]


def image_inputs(paths: Iterable[str]) -> list[NamedPath]:
    """Returns image files; a folder stands for its image files, and may hold the log."""
    names = (
        name
        for path in paths
        for name in (_image_files_in(path) if _is_local_folder(path) else [path])
    )
    return named("image", names)


def _image_files_in(folder: str) -> list[str]:
    """Returns the paths of the files in a local folder that have the suffix of an image."""
    with contextlib.suppress(PermissionError), os.scandir(folder) as entries:
        return [entry.path for entry in entries if entry.name.lower().endswith(IMAGE_SUFFIXES)]
    return []  # reading the folder will say why


def model_inputs(name: str, folder: str | None) -> list[NamedPath]:
    """Returns the files of a model directory; None gives none."""
    if folder is None or not _is_local_folder(folder):
        return []
    return [NamedPath(name, _below(folder, pattern)) for pattern in MODEL_FILES]


def annotation_inputs(path: str) -> list[NamedPath]:
    """Returns an annotation file.

    A folder gives none: it may hold the log and the output. The builder compares its images.
    """
    return (
        [] if _is_local_folder(path) else [NamedPath("annotations", STDIN if path == "-" else path)]
    )


def _below(folder: str, pattern: str) -> str:
    return os.path.join(glob.escape(folder), pattern)


def _is_local_folder(path: str) -> bool:
    return not is_remote(path) and os.path.isdir(path)


_NAMED_FILES = 3


def image_files(arguments: Iterable[str]) -> list[str]:
    """Returns the image files that arguments stand for.

    A folder stands for its image files, by their suffixes, and a glob pattern for what it matches,
    both sorted by name. A pattern that is itself the name of a file is that file. Whatever else
    does not exist stays as it is, so that reading it says so.

    Raises:
        UserError: a folder holds no image file.
    """
    return [name for argument in arguments for name in _expand(argument)]


def _expand(argument: str) -> list[str]:
    if _is_folder(argument):
        return _images_in(argument)
    if glob.has_magic(argument) and (is_remote(argument) or not os.path.lexists(argument)):
        return sorted(_matches(argument)) or [argument]
    return [argument]


def _images_in(folder: str) -> list[str]:
    names = [name for name in sorted(_names_in(folder)) if not name.startswith(".")]
    images = [name for name in names if name.lower().endswith(IMAGE_SUFFIXES)]
    if not images:
        raise UserError(f"{folder} holds no image files: name a folder of images")
    if others := [name for name in names if name not in set(images)]:
        count = counted(len(others), "file has", "files have")
        named = ", ".join(others[:_NAMED_FILES]) + (", ..." if len(others) > _NAMED_FILES else "")
        logging.warning("%s: %s no image's suffix: left out: %s", folder, count, named)
    return [os.path.join(folder, name) for name in images]


def _is_folder(path: str) -> bool:
    if not is_remote(path):
        return "\0" not in path and os.path.isdir(path)
    import tensorflow as tf  # slow to import, and most paths are local

    return tf.io.gfile.isdir(path)


def _names_in(folder: str) -> list[str]:
    if not is_remote(folder):
        return os.listdir(folder)
    import tensorflow as tf

    return [name.rstrip("/") for name in tf.io.gfile.listdir(folder)]


def _matches(pattern: str) -> list[str]:
    if not is_remote(pattern):
        return glob.glob(pattern)
    import tensorflow as tf

    return tf.io.gfile.glob(pattern)
