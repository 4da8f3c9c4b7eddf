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
_MOST_DIGITS = 18
IMAGES = (b"image-%09d", b"image_hr-%09d")
"""Keys of the images; the second are TextZoom's sharp ones."""


def read_lmdb(path: str, request: Request) -> Iterator[Annotation]:
    """Reads `num-samples`, `image-%09d` and `label-%09d`, in all databases below a folder."""
    if is_remote(path):
        raise UserError(f"{path}: an LMDB database is mapped into memory: copy it to this machine")
    number = 0
    for folder in databases(path):
        inside = os.path.relpath(folder, os.path.dirname(os.path.abspath(path)))
        if request.part and request.part not in map(part_of_name, inside.split(os.sep)):
            continue
        for annotation in _read_database(folder):
            number += 1
            place = f"{folder}, sample {annotation.number}"
            yield annotation._replace(number=number, place=place)


def databases(path: str) -> list[str]:
    """Returns the folders of the databases at or below a path."""
    if not os.path.isdir(path):
        if os.path.basename(path) != FILE_NAME:
            raise UserError(f"{path}: give the folder of an LMDB database, or its {FILE_NAME}")
        return [os.path.dirname(path) or "."]
    return [os.path.dirname(each) for each in files_below(path) if each.endswith(f"/{FILE_NAME}")]


def _read_database(folder: str) -> Iterator[Annotation]:
    lmdb = needed("lmdb", folder)
    try:
        with (
            lmdb.open(folder, readonly=True, lock=False, readahead=False) as database,
            database.begin(buffers=False) as reader,
        ):
            _check_whole(database, folder)
            count = _count(reader, folder)
            if count > database.stat()["entries"]:
                raise UserError(f"{folder}: num-samples is {count}, but it holds fewer entries")
            for number in range(1, count + 1):
                yield _sample(reader, folder, number)
    except lmdb.Error as error:
        raise UserError(f"cannot read {folder}: {error}") from error


def _check_whole(database: Any, folder: str) -> None:
    """Raises UserError if the file is cut: to read what is missing would end the process."""
    needed_bytes = (database.info()["last_pgno"] + 1) * database.stat()["psize"]
    size = os.path.getsize(os.path.join(folder, FILE_NAME))
    if size < needed_bytes:
        raise UserError(f"{folder}: {FILE_NAME} breaks off: it has {size} of {needed_bytes} bytes")


def _count(reader: Any, folder: str) -> int:
    value = reader.get(COUNT)
    if value is None or not value.isdigit() or len(value) > _MOST_DIGITS:
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
