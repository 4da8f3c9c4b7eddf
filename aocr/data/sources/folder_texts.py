"""Finds texts beside the images of a folder, whose labels are then not the images' names."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence

import tensorflow as tf

from aocr.data.records.shards import REPORT_SUFFIX
from aocr.util.errors import UserError
from aocr.util.paths.checks import IMAGE_SUFFIXES
from aocr.util.text.characters import escape
from aocr.util.text.encodings import decode_text

PAIR_SUFFIXES = (".gt.txt", ".txt")
"""Ends of the names of files with the text of the image beside them."""

LIST_SUFFIXES = (".txt", ".csv", ".tsv", ".json", ".jsonl", ".lst")
"""Ends of the names of files that may list images."""

_LOOKED_AT_BYTES, _LOOKED_AT_LINES, _MOST_LISTS = 4096, 5, 10

_NAME = re.compile(r"[^\s,;:\"'{}\[\]]+")


def refuse_lists(folder: str, names: Sequence[str]) -> None:
    """Refuses a folder of numbered images with a list of their texts.

    The numbers would become the labels. Where the names are no numbers, the list is named in a
    warning.

    Args:
        folder: the folder.
        names: the names of its visible files.

    Raises:
        UserError: names the list, and what to do.
    """
    names = [name for name in names if not name.endswith(REPORT_SUFFIX)]
    if found := next((name for name in _lists(names) if _lists_images(folder, name, names)), ""):
        path = escape(os.path.join(folder, found))
        problem = (
            f"{folder}: {path} lists its images, but labels of a folder are the names of its "
            f"images: give the list instead, 'aocr dataset {path}'; or, if the names of the images "
            "are the labels, --format=names"
        )
        if all(map(_has_number, _images(names))):
            raise UserError(problem)
        logging.warning("%s", problem)


def pair_of(
    names: Sequence[str], suffixes: Sequence[str] = PAIR_SUFFIXES
) -> tuple[str, str] | None:
    """Returns the first image with a text of its name, up to its last or its first dot."""
    texts: dict[str, str] = {}
    for name in names:
        for suffix in suffixes:
            if name.endswith(suffix):
                texts.setdefault(name.removesuffix(suffix), name)
    for name in _images(names):
        for stem in (os.path.splitext(name)[0], name.partition(".")[0]):
            if stem in texts:
                return name, texts[stem]
    return None


def _images(names: Sequence[str]) -> list[str]:
    return [name for name in names if name.lower().endswith(IMAGE_SUFFIXES)]


def _has_number(name: str) -> bool:
    return any(map(str.isdigit, os.path.splitext(name)[0]))


def _lists(names: Sequence[str]) -> list[str]:
    return [name for name in names if name.endswith(LIST_SUFFIXES)][:_MOST_LISTS]


def _lists_images(folder: str, name: str, names: Sequence[str]) -> bool:
    """Returns whether one of the first lines of a file names an image of its folder."""
    try:
        with tf.io.gfile.GFile(os.path.join(folder, name), "rb") as file:
            start = file.read(_LOOKED_AT_BYTES)
        text = decode_text(start[: start.rfind(b"\n") + 1] or start)
    except (tf.errors.OpError, ValueError):
        return False
    lines = text.splitlines()[:_LOOKED_AT_LINES]
    listed = (re.split(r"[/\\]", word)[-1] for line in lines for word in _NAME.findall(line))
    return not set(_images(names)).isdisjoint(listed)
