"""Reads Tesseract's `.box` files: characters with their boxes, or lines as `WordStr`."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import tensorflow as tf

from aocr.config import MAX_PIXELS
from aocr.data.images.files import ImageFileError, read_file, read_header
from aocr.data.sources.annotations import Annotation, Rejection
from aocr.data.sources.common import Request, files_below, lines_of, located
from aocr.data.sources.regions import Region, cut_out
from aocr.util.errors import UserError
from aocr.util.paths.checks import IMAGE_SUFFIXES

ENDING = ".box"
LINE = "WordStr"

_NUMBER = r" (-?\d{1,9})"
_BOX = re.compile(rf"(.+?){_NUMBER * 4} (\d{{1,9}})(?: #(.*))?", re.DOTALL)


class Box(NamedTuple):
    """Holds a row: what it stands for, and left, bottom, right and top, from the bottom left."""

    text: str
    corners: tuple[float, float, float, float]


def is_box(line: str) -> bool:
    """Returns whether a line is a row of a `.box` file."""
    return bool(_BOX.fullmatch(line))


def read_tesseract_boxes(path: str, request: Request) -> Iterator[Annotation]:
    """Reads the lines of a `.box` file, or of all of a folder, beside their images.

    Characters are lines up to a row of a tab, as tesstrain and Tesseract write it. Boxes count from
    the bottom of the page.
    """
    files = [path]
    if tf.io.gfile.isdir(path):
        files = [each for each in files_below(path) if each.endswith(ENDING)]
    number = 1
    for file in files:
        image = _image_beside(file, request)
        try:
            height = read_header(read_file(image), MAX_PIXELS).height
        except ImageFileError as error:
            yield Annotation(number, image, "", Rejection(error.reason, image), place=file)
            number += 1
            continue
        regions = [_region(boxes, height, f"{file}, line {n}") for n, boxes in _lines(file)]
        yield from cut_out(image, regions, request, number)
        number += len(regions)


def _image_beside(file: str, request: Request) -> str:
    stem = os.path.basename(file).removesuffix(ENDING)
    places = [located(request, file, stem + ending) for ending in IMAGE_SUFFIXES]
    return next((each for each in places if tf.io.gfile.exists(each)), places[0])


def _lines(file: str) -> Iterator[tuple[int, list[Box]]]:
    """Yields the number of the last row of each line, and the line's boxes."""
    boxes: list[Box] = []
    number = 0
    for number, row in lines_of(file):
        match = _BOX.fullmatch(row)
        if not match:
            raise UserError(f"{file}, line {number}: not CHARACTER LEFT BOTTOM RIGHT TOP PAGE")
        if int(match[6]):
            raise UserError(f"{file}, line {number}: page {match[6]}: give an image for each page")
        left, bottom, right, top = map(float, match.groups()[1:5])
        if match[1] == "\t":
            if boxes:  # not behind a WordStr, which is a line already
                yield number, boxes
            boxes = []
        elif match[1] == LINE and match[7] is not None:
            yield number, [Box(match[7], (left, bottom, right, top))]
        else:
            boxes.append(Box(match[1], (left, bottom, right, top)))
    if boxes:
        raise UserError(
            f"{file}, line {number}: its last characters have no end of a line, a row of a tab: "
            "which of them are a line is not known"
        )


def _region(boxes: Sequence[Box], height: int, place: str) -> Region:
    text = "".join(box.text for box in boxes).strip()
    left, bottom, _, _ = map(min, zip(*(box.corners for box in boxes), strict=True))
    _, _, right, top = map(max, zip(*(box.corners for box in boxes), strict=True))
    is_rtl = any(unicodedata.bidirectional(c) in ("R", "AL") for c in text)
    problem = "text from right to left, which box files hold as it is shown" if is_rtl else ""
    return Region([(left, height - top), (right, height - bottom)], text, place, problem=problem)
