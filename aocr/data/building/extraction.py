"""Writes the records of datasets back as images and labels, for people and other tools."""

from __future__ import annotations

import contextlib
import csv
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from aocr.data.images.files import SIGNATURES
from aocr.data.records import files, schema
from aocr.data.sources.common import needed
from aocr.util.errors import UserError
from aocr.util.paths.checks import is_remote
from aocr.util.text.characters import quoted
from aocr.util.text.plurals import counted

ENDINGS = {"PNG": ".png", "JPEG": ".jpg", "BMP": ".bmp", "GIF": ".gif"}
LMDB_BYTES = 2**40
"""Largest size of a database; the file has the size of what it holds."""


class Pair(NamedTuple):
    """Holds a record: its number from 1, the image file and the label."""

    number: int
    image: bytes
    label: str

    @property
    def name(self) -> str:
        """The name of the image file; its number is its name."""
        ending = next((ENDINGS[n] for n, s in SIGNATURES.items() if self.image.startswith(s)), "")
        return f"{self.number:09}{ending}"


Write = Callable[[Pair], str]
"""Writes a pair, and returns why it cannot be written; empty if it was."""


def extract(datasets: Sequence[str], folder: str, form: str) -> int:
    """Writes all records of datasets into a new folder.

    Args:
        datasets: TFRecord files, globs of them, or datasets of several files.
        folder: the folder to make.
        form: a key of `WRITERS`.

    Returns:
        The number of pairs written.

    Raises:
        UserError: the folder holds something, or a dataset cannot be read.
    """
    if is_remote(folder):
        raise UserError(f"{folder}: extract into a folder of this machine, and copy it from there")
    paths = files.expand(datasets)
    os.makedirs(folder, exist_ok=True)
    if os.listdir(folder):
        raise UserError(f"{folder}: it is not empty: give a new folder, so that nothing is mixed")
    written = 0
    with WRITERS[form](folder) as write:
        for number, record in enumerate(files.read(paths), start=1):
            pair = Pair(number, record.image, schema.text_of(record.label))
            if problem := write(pair):
                logging.error("%s: %s: %s", record.full_name, problem, quoted(pair.label))
            written += not problem
    logging.info("%s holds %s.", folder, counted(written, "pair"))
    if not written:
        raise UserError(f"{' '.join(datasets)}: no record was written to {folder}")
    return written


def _save(folder: str, name: str, content: bytes) -> None:
    with open(os.path.join(folder, name), "wb") as file:
        file.write(content)


@contextlib.contextmanager
def _lines(folder: str, list_name: str, separator: str) -> Iterator[Write]:
    """Writes `images/NAME` and a list with a line for each."""
    os.mkdir(os.path.join(folder, "images"))
    with open(os.path.join(folder, list_name), "w", encoding="utf-8", newline="\n") as file:

        def write(pair: Pair) -> str:
            if any(end in pair.label for end in ("\n", "\r", *separator.strip(" "))):
                return "a label that a line of the list cannot hold"
            _save(os.path.join(folder, "images"), pair.name, pair.image)
            file.write(f"images/{pair.name}{separator}{pair.label}\n")
            return ""

        yield write


def _list(folder: str) -> contextlib.AbstractContextManager[Write]:
    return _lines(folder, "annotations.txt", " ")


def _paddle(folder: str) -> contextlib.AbstractContextManager[Write]:
    return _lines(folder, "rec_gt.txt", "\t")


@contextlib.contextmanager
def _pairs(folder: str) -> Iterator[Write]:
    """Writes `NAME.png` and `NAME.gt.txt`."""

    def write(pair: Pair) -> str:
        if not pair.label or "\n" in pair.label or "\r" in pair.label:
            return "a label that a text beside the image cannot hold"
        _save(folder, pair.name, pair.image)
        _save(folder, f"{pair.number:09}.gt.txt", pair.label.encode())
        return ""

    yield write


@contextlib.contextmanager
def _image_folder(folder: str) -> Iterator[Write]:
    """Writes images and `metadata.csv` beside them."""
    with open(os.path.join(folder, "metadata.csv"), "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["file_name", "text"])

        def write(pair: Pair) -> str:
            _save(folder, pair.name, pair.image)
            rows.writerow([pair.name, pair.label])
            return ""

        yield write


@contextlib.contextmanager
def _lmdb(folder: str) -> Iterator[Write]:
    """Writes `num-samples`, `image-%09d` and `label-%09d`, without gaps."""
    lmdb: Any = needed("lmdb", folder)
    with lmdb.open(folder, map_size=LMDB_BYTES) as database, database.begin(write=True) as writer:
        count = 0

        def write(pair: Pair) -> str:
            nonlocal count
            count += 1
            writer.put(b"image-%09d" % count, pair.image)
            writer.put(b"label-%09d" % count, pair.label.encode())
            return ""

        yield write
        writer.put(b"num-samples", b"%d" % count)


WRITERS: dict[str, Callable[[str], contextlib.AbstractContextManager[Write]]] = {
    "list": _list,
    "paddle": _paddle,
    "clovaai-lmdb": _lmdb,
    "gt-txt": _pairs,
    "imagefolder": _image_folder,
}
"""The forms by the names that `--to` takes (`formats.WRITTEN`)."""
