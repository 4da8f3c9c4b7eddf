"""Reads LMDB databases in the layout of clovaai's tools, which most word sets are given out in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from aocr.data.sources.annotations import Annotation
from aocr.data.sources.common import Request, files_below, needed, rejected
from aocr.data.sources.tables import part_of_name
from aocr.util.errors import UserError
from aocr.util.paths.checks import is_remote

FILE_NAME = "data.mdb"
COUNT = b"num-samples"
IMAGES = (b"image-%09d", b"image_hr-%09d")
"""Keys of the images; the second are TextZoom's sharp ones."""


def read_lmdb(path: str, request: Request) -> Iterator[Annotation]:
    """Reads `num-samples`, `image-%09d` and `label-%09d`, in all databases below a folder."""
    if is_remote(path):
        raise UserError(f"{path}: an LMDB database is mapped into memory: copy it to this machine")
    number = 0
    for folder in databases(path):
        if request.part and request.part not in map(part_of_name, folder.split(os.sep)):
            continue
        for annotation in _read_database(folder):
            number += 1
            place = f"{folder}, sample {annotation.number}"
            yield annotation._replace(number=number, place=place)


def databases(path: str) -> list[str]:
    """Returns the folders of the databases at or below a path."""
    if os.path.basename(path) == FILE_NAME:
        return [os.path.dirname(path) or "."]
    return [os.path.dirname(each) for each in files_below(path) if each.endswith(f"/{FILE_NAME}")]


def _read_database(folder: str) -> Iterator[Annotation]:
    lmdb = needed("lmdb", folder)
    try:
        with (
            lmdb.open(folder, readonly=True, lock=False, readahead=False) as database,
            database.begin(buffers=False) as reader,
        ):
            for number in range(1, _count(reader, folder) + 1):
                yield _sample(reader, folder, number)
    except lmdb.Error as error:
        raise UserError(f"cannot read {folder}: {error}") from error


def _count(reader: Any, folder: str) -> int:
    value = reader.get(COUNT)
    if value is None or not value.isdigit():
        which = "num-samples is missing" if value is None else f"num-samples is {value[:20]!r}"
        if reader.get(b"total_number"):
            which = "it holds texts only, whose images are elsewhere"
        raise UserError(f"{folder}: not a database of images and labels: {which}")
    return int(value)


def _sample(reader: Any, folder: str, number: int) -> Annotation:
    name = f"{folder}#{number}"
    image = next((v for key in IMAGES if (v := reader.get(key % number)) is not None), None)
    label = reader.get(b"label-%09d" % number)
    if image is None or label is None:
        return rejected(number, f"no {'label' if image else 'image'} of this number", name, name)
    try:
        return Annotation(number, name, label.decode(), encoded=image)
    except UnicodeDecodeError:
        return rejected(number, "not UTF-8", str(label), name)
