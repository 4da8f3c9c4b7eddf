"""Reads tables and JSON whose columns or fields have names."""

from __future__ import annotations

import csv
import itertools
import os
from collections.abc import Iterator, Mapping
from typing import Any

import tensorflow as tf

from aocr.data.sources.annotations import Annotation
from aocr.data.sources.common import (
    BESIDE,
    IMAGE_FIELDS,
    LABEL_FIELDS,
    Request,
    field_named,
    json_of,
    lines_of,
    located,
    raw_lines,
    rejected,
    text_of,
)
from aocr.data.sources.formats import DELIMITERS
from aocr.util.errors import UserError
from aocr.util.paths.checks import is_utf8
from aocr.util.paths.files import names_in

METADATA = ("metadata.csv", "metadata.jsonl")
"""The tables of an image folder of Hugging Face's `datasets`; a parquet file is one of its own."""


EASYOCR = ["filename", "words"]
"""The names of the columns of EasyOCR's lists."""


def delimiter_of(header: str, request: Request) -> str:
    """Returns the sign between columns: the one asked for, or the header's most frequent one."""
    if request.delimiter != "space":
        return DELIMITERS[request.delimiter]
    return max(",;\t", key=header.count)


def read_csv(path: str, request: Request) -> Iterator[Annotation]:
    """Reads a CSV or TSV file whose first line names its columns; quoting as in CSV."""
    lines = raw_lines(path)
    first = next(lines, "")
    rows = csv.reader(
        itertools.chain([first], lines), delimiter=delimiter_of(first, request), strict=True
    )
    try:
        header = next(rows, [])
        columns = _columns(header, request, path)
        for row in rows:
            if not row:
                continue
            if len(row) != len(header):
                yield rejected(rows.line_num, f"not {len(header)} columns", ",".join(row))
                continue
            name, label = (row[header.index(column)] for column in columns)
            yield Annotation(rows.line_num, located(request, path, name, BESIDE), label)
    except csv.Error as error:
        raise UserError(f"{path}, line {rows.line_num}: wrong CSV: {error}") from error


def read_easyocr(path: str, request: Request) -> Iterator[Annotation]:
    """Reads EasyOCR's `filename,words`: cut at the first comma, and quotes belong to the text."""
    for number, line in lines_of(path):
        name, comma, words = line.partition(",")
        if number == 1:
            if [name, words.strip()] != EASYOCR:
                raise UserError(f"{path}, line 1: not {','.join(EASYOCR)}, the header of EasyOCR")
            continue
        if comma:
            yield Annotation(number, located(request, path, name, BESIDE), words, line=line)
        else:
            yield rejected(number, "no comma in the line", line)


def _columns(names: list[str], request: Request, path: str) -> tuple[str, str]:
    try:
        image = field_named(names, request.image_column, IMAGE_FIELDS, "--image-column")
        others = [name for name in names if name != image]
        return image, field_named(others, request.label_column, LABEL_FIELDS, "--label-column")
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error


def read_json_lines(path: str, request: Request) -> Iterator[Annotation]:
    """Reads a JSON object a line, with fields for the image and its text, as MMOCR has them."""
    for number, line in lines_of(path):
        row = json_of(line, f"{path}, line {number}")
        if not isinstance(row, dict):
            raise UserError(f"{path}, line {number}: not a JSON object")
        yield _of_fields(number, row, path, request)


def _of_fields(number: int, row: Mapping[str, Any], path: str, request: Request) -> Annotation:
    columns = _columns(list(row), request, f"{path}, line {number}")
    name, label = (row[column] for column in columns)
    if not isinstance(name, str) or not isinstance(label, str):
        return rejected(number, "an image or a text that is no string", f"{name}: {label}")
    return Annotation(number, located(request, path, name, BESIDE), label)


def read_mmocr(path: str, request: Request) -> Iterator[Annotation]:
    """Reads MMOCR's JSON: `data_list` with an `img_path` and `instances` that have a `text`."""
    found = json_of(text_of(path), path)
    rows = found.get("data_list") if isinstance(found, dict) else None
    if not isinstance(rows, list):
        raise UserError(f"{path}: no data_list of MMOCR in it")
    for number, row in enumerate(rows, start=1):
        try:
            name, texts = row["img_path"], [each["text"] for each in row["instances"]]
        except (KeyError, TypeError):
            yield rejected(number, "no img_path, or no text in its instances", str(row))
            continue
        if len(texts) != 1 or not isinstance(texts[0], str) or not isinstance(name, str):
            yield rejected(number, f"{len(texts)} instances, where one text has to be", str(row))
        else:
            yield Annotation(number, located(request, path, name, BESIDE), texts[0])


def read_doctr(path: str, request: Request) -> Iterator[Annotation]:
    """Reads docTR's `labels.json`: `{"img_1.jpg": "text"}`, with the images in `images`."""
    file = os.path.join(path, "labels.json") if tf.io.gfile.isdir(path) else path
    found = json_of(text_of(file), file)
    if not isinstance(found, dict):
        raise UserError(f"{file}: not a JSON object of names and texts")
    for number, (name, label) in enumerate(found.items(), start=1):
        if isinstance(label, str):
            yield Annotation(number, located(request, file, name, ("images", "")), label)
        else:
            yield rejected(number, "a text that is no string", f"{name}: {label}")


PART_WORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}
"""The words for the parts, one of `formats.PARTS`, in the names of folders and files."""


def part_of_name(name: str) -> str:
    """Returns the part that the name of a folder or file says; empty for none."""
    words = "".join(c if c.isalpha() else " " for c in name.lower()).split()
    for part, names in PART_WORDS.items():
        if any(word in names for word in words):
            return part
    return ""


def read_image_folder(path: str, request: Request) -> Iterator[Annotation]:
    """Reads an image folder of Hugging Face's `datasets`: `metadata.csv` or `.jsonl` in it.

    The parts are folders of their own. The names of images do not matter.
    """
    folders = [path, *_folders(path)]
    number = 0
    for folder in folders:
        if request.part and part_of_name(os.path.basename(folder)) != request.part:
            continue
        for name in METADATA:
            file = os.path.join(folder, name)
            if tf.io.gfile.exists(file):
                read = read_csv if name.endswith(".csv") else read_json_lines
                for annotation in read(file, request):
                    number += 1
                    place = f"{file}, line {annotation.number}"
                    yield annotation._replace(number=number, place=place)


def _folders(path: str) -> list[str]:
    """Returns the paths of a folder's own folders, sorted."""
    paths = (os.path.join(path, name) for name in sorted(names_in(path)) if is_utf8(name))
    return [each for each in paths if tf.io.gfile.isdir(each)]
