"""Reads lists with an image and its text on each line, which other tools write."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator

from aocr.data.sources.annotations import Annotation
from aocr.data.sources.common import BESIDE, IGNORED, Request, lines_of, located, rejected

_ICDAR = re.compile(r'\s*(?P<name>[^,"]+?)\s*,\s*"(?P<text>.*)"\s*')


def read_tab(path: str, request: Request) -> Iterator[Annotation]:
    """Reads `path<TAB>text` without quoting: PaddleOCR's, clovaai's and dddd_trainer's lists.

    A path may be a JSON list of images of one text, as PaddleOCR has it.
    """
    for number, line in lines_of(path):
        columns = line.split("\t")
        if len(columns) != 2 or not columns[0]:
            yield rejected(number, f"{len(columns) - 1} tabs, where one has to be", line)
            continue
        for name in _names(columns[0]):
            yield Annotation(number, located(request, path, name, BESIDE), columns[1], line=line)


def has_several_images(line: str) -> bool:
    """Returns whether a line is a JSON list of images, a tab and their text."""
    column, tab, _ = line.partition("\t")
    return bool(tab) and _names(column) != [column]


def _names(column: str) -> list[str]:
    if column.startswith("["):
        try:
            names = json.loads(column)
        except (ValueError, RecursionError):
            names = None
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            return names
    return [column]


def is_icdar_word(line: str) -> bool:
    """Returns whether a line is `NAME, "TEXT"`."""
    return bool(_ICDAR.fullmatch(line))


def read_icdar_words(path: str, request: Request) -> Iterator[Annotation]:
    """Reads `word_1.png, "Tiredness"`; within the quotes `\\"` is a quote."""
    for number, line in lines_of(path):
        match = _ICDAR.fullmatch(line)
        if not match:
            yield rejected(number, 'not NAME, "TEXT"', line)
        elif match["text"] == IGNORED:
            yield rejected(number, f"marked as unreadable ({IGNORED})", line)
        else:
            name = located(request, path, match["name"], BESIDE)
            yield Annotation(number, name, match["text"].replace('\\"', '"'), line=line)


def read_mjsynth(path: str, request: Request) -> Iterator[Annotation]:
    """Reads MJSynth's `./3000/7/182_slinking_71711.jpg 71711`: the text is in the file's name."""
    for number, line in lines_of(path):
        name = line.split(" ")[0]
        pieces = os.path.splitext(os.path.basename(name))[0].split("_")
        if len(pieces) != 3:
            yield rejected(number, "not NUMBER_TEXT_NUMBER", line)
        else:
            yield Annotation(number, located(request, path, name), pieces[1], line=line)


def read_iam(path: str, request: Request) -> Iterator[Annotation]:
    """Reads IAM's `lines.txt` and `words.txt`.

    The images are in the folders `lines` or `words`, beside the list or above it. A word marked
    `err` is left out, because its box may be wrong; a line marked so is read.
    """
    for number, line in lines_of(path):
        if line.startswith("#"):
            continue
        columns = line.split(" ", 8)
        name = columns[0].split("-")
        is_word = len(name) == 4
        if len(columns) != 9 or len(name) not in (3, 4) or columns[1] not in ("ok", "err"):
            yield rejected(number, "not a line of IAM's lines.txt or words.txt", line)
        elif is_word and columns[1] == "err":
            yield rejected(number, "marked err: the box may be wrong", line)
        else:
            form = f"{name[0]}-{name[1]}"
            folder = "words" if is_word else "lines"
            image = f"{name[0]}/{form}/{columns[0]}.png"
            found = located(request, path, image, (folder, f"../{folder}", ""))
            text = columns[8] if is_word else columns[8].replace("|", " ")
            yield Annotation(number, found, text, line=line)
