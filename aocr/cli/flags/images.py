"""Turns the arguments of a command into names of image files: folders and glob patterns, too."""

from __future__ import annotations

import glob
import logging
import os
from collections.abc import Iterable

from aocr.util.errors import UserError
from aocr.util.paths.checks import is_remote
from aocr.util.text.plurals import counted

IMAGE_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".dib", ".tif", ".tiff", ".webp"),
    *(".jp2", ".j2k", ".ppm", ".pgm", ".pbm", ".pnm", ".ico"),
)
"""Ends of the names of those files in a folder that are read."""

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
