"""Finds out in which form a source is, by what it holds; where it may be two, it stops."""

from __future__ import annotations

import codecs
import csv
import io
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import tensorflow as tf

from aocr.data.records.framing import masked_crc32c
from aocr.data.records.shards import REPORT_SUFFIX
from aocr.data.sources import boxes, containers, lists, tables, tesseract_boxes
from aocr.data.sources.annotations import Annotations, label_of_name
from aocr.data.sources.common import (
    BESIDE,
    IMAGE_FIELDS,
    LABEL_FIELDS,
    Request,
    lines_of,
    located,
    text_of,
)
from aocr.data.sources.folder_texts import LIST_SUFFIXES, pair_of, refuse_lists
from aocr.data.sources.formats import LIST, NAMES
from aocr.util.errors import UserError, first_line
from aocr.util.paths.checks import IMAGE_SUFFIXES, is_utf8
from aocr.util.paths.files import names_in
from aocr.util.text.characters import quoted, visible_text
from aocr.util.text.encodings import encoding_of

START_BYTES, LINES = 64 * 1024, 50
"""Bytes and lines of a text that are looked at."""

DEPTH = 3
"""Folders below a source in which a database is looked for."""


class Found(NamedTuple):
    """Holds what a source was taken for.

    Attributes:
        format: a key of `FORMATS`.
        reason: why; empty for aocr's own lists and folders.
        path: what to read, if it is not the source itself.
    """

    format: str
    reason: str = ""
    path: str = ""


def detect(source: Annotations, request: Request) -> Found:
    """Returns what a source is.

    Raises:
        UserError: it can be read in two ways that differ; says both.
    """
    path = source.path
    if not is_utf8(path):
        return Found(LIST)
    try:
        if tf.io.gfile.isdir(path):
            found = _folder(path)
            return _list_in(source, request) if found.format == NAMES else found
        if not tf.io.gfile.exists(path):
            return Found(LIST)
        with tf.io.gfile.GFile(path, "rb") as file:
            start = file.read(START_BYTES)
    except tf.errors.OpError as error:
        raise UserError(f"cannot read {path}: {first_line(error)}") from error
    return _binary(path, start) or _text(source, start, request)


def _binary(path: str, start: bytes) -> Found | None:
    if start.startswith(b"ARROW1"):
        return Found("ketos", "it is an Arrow file")
    if start.startswith(b"PAR1"):
        return Found("parquet", "it is a Parquet file")
    if os.path.basename(path) == "data.mdb":
        return Found("lmdb", "it is an LMDB database")
    if start[257:262] == b"ustar" or path.endswith(containers.ENDINGS):
        return Found("webdataset", "it is a tar archive")
    if len(start) > 12 and masked_crc32c(start[:8]) == int.from_bytes(start[8:12], "little"):
        return Found("tfrecord", "it is a TFRecord file")
    return None


def _text(source: Annotations, start: bytes, request: Request) -> Found:
    """Looks at the first lines of a text; what is no text stays to be refused as a list."""
    text = _decoded(start)
    if text.lstrip().startswith("<"):
        return _xml(text) or Found(LIST)
    lines = [line.rstrip("\r") for line in text.split("\n") if line.strip()]
    if len(start) == START_BYTES and len(lines) > 1:
        lines.pop()  # it is cut
    lines = lines[:LINES]
    if not lines:
        return Found(LIST)
    for look in (_json, _ppocrlabel, _iam, _tesseract_boxes, _icdar_words, _icdar_boxes):
        found = look(source.path, lines)
        if found and (look in (_json, _ppocrlabel) or not _is_list(source, lines)):
            return found
    return (
        _table(source, lines, request)
        or _names_of_mjsynth(source.path, lines)
        or _tabs(source, lines, request)
    )


def _decoded(start: bytes) -> str:
    """Returns the text that a file begins with, perhaps cut; empty if it is no text."""
    try:
        decoder = codecs.getincrementaldecoder(encoding_of(start))()
        return decoder.decode(start, final=len(start) < START_BYTES)
    except ValueError:  # XML names its encoding itself
        return start.decode("latin-1") if start.lstrip().startswith(b"<") else ""


def _is_list(source: Annotations, lines: Sequence[str]) -> bool:
    """Returns whether images are where lines say that are read as aocr's own."""
    return source.delimiter == "space" and any(_exists(source, _native(line)[0]) for line in lines)


def _native(line: str) -> tuple[str, str]:
    """Returns the path and the label of a line of aocr's own lists."""
    path, *label = re.split(r"\s", line, maxsplit=1)
    return path, "".join(label)


def _xml(text: str) -> Found | None:
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    roots = re.findall(r"<(?:\w+:)?(\w+)[\s>/]", text)
    root = next((name for name in roots if name.lower() not in ("xml",)), "")
    forms = {"PcGts": "page", "alto": "alto", "annotations": "cvat"}
    if root in forms:
        return Found(forms[root], f"its root is <{root}>")
    if root == "html" and "ocr_page" in text:
        return Found("hocr", "it has an ocr_page")
    return None


def _json(path: str, lines: Sequence[str]) -> Found | None:
    if not lines[0].lstrip().startswith(("{", "[")):
        return None
    try:
        first = json.loads(lines[0])
    except (ValueError, RecursionError):
        first = None
    if isinstance(first, dict) and lines[1:]:
        return Found("jsonl", "it has a JSON object on each line")
    try:
        whole = json.loads(text_of(path))
    except RecursionError as error:
        raise UserError(f"{path}: JSON of too many levels: it is no list of images") from error
    except ValueError:
        if isinstance(first, dict):
            return Found("jsonl", "it has a JSON object on each line")
        return None
    if isinstance(whole, dict):
        if "data_list" in whole:
            return Found("mmocr", "it has a data_list")
        if whole == first and _has_known_columns([*whole]):
            return Found("jsonl", "it has a JSON object on each line")
        if whole and all(isinstance(value, str) for value in whole.values()):
            return Found("doctr", "it is a JSON object of names and texts")
    first_of_all = whole[0] if isinstance(whole, list) and whole else None
    if isinstance(first_of_all, dict) and {"annotations", "data"} <= set(first_of_all):
        return Found("label-studio", "it is a list of tasks with annotations")
    raise UserError(f"{path}: JSON of no known form: give --format, or write 'path label' lines")


def _ppocrlabel(path: str, lines: Sequence[str]) -> Found | None:
    del path
    columns = [line.partition("\t")[2] for line in lines]
    if all(each.startswith("[") for each in columns) and '"transcription"' in "".join(columns):
        return Found("ppocrlabel", 'its lines have JSON with "transcription" behind a tab')
    return None


def _iam(path: str, lines: Sequence[str]) -> Found | None:
    del path
    rows = [line for line in lines if not line.startswith("#")]
    is_iam = re.compile(r"[a-z]\d\d-\d{3}[a-z]?(-\d\d){1,2} (ok|err) .+").fullmatch
    if rows and all(map(is_iam, rows)):
        return Found("iam", "its lines are those of IAM's lines.txt or words.txt")
    return None


def _icdar_words(path: str, lines: Sequence[str]) -> Found | None:
    del path
    if all(map(lists.is_icdar_word, lines)):
        return Found("icdar-words", 'its lines are NAME, "TEXT"')
    return None


def _tesseract_boxes(path: str, lines: Sequence[str]) -> Found | None:
    if path.endswith(tesseract_boxes.ENDING) and all(map(tesseract_boxes.is_box, lines)):
        return Found("tesseract-boxes", "its lines are characters and boxes")
    return None


def _icdar_boxes(path: str, lines: Sequence[str]) -> Found | None:
    name = os.path.basename(path)
    if name.startswith("gt_") and all(map(boxes.is_icdar_box, lines)):
        return Found("icdar-boxes", "its lines are corners and texts")
    return None


def _table(source: Annotations, lines: Sequence[str], request: Request) -> Found | None:
    """Recognizes a header by the names of its columns."""
    delimiter = tables.delimiter_of(lines[0], request)
    try:
        header = next(csv.reader(io.StringIO(lines[0]), delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None
    asked = {request.image_column, request.label_column} - {""}
    if len(header) < 2 or not (_has_known_columns(header) or asked & {*header}):
        return None
    if _is_list(source, lines[:1]):
        return None
    if header == tables.EASYOCR and delimiter == ",":
        _refuse_two(source.path, "csv", "easyocr", _differing_line(source.path, delimiter))
    if delimiter == "\t" and len(header) == 2 and source.delimiter == "space":
        _refuse_two(source.path, "csv", "tab", _differing_line(source.path, delimiter))
    return Found("csv", f"its first line names the columns {', '.join(header)}")


def _has_known_columns(names: Sequence[str]) -> bool:
    """Returns whether names are those that columns of images and of labels usually have."""
    known = {each.strip().lower() for each in names}
    return not known.isdisjoint(IMAGE_FIELDS) and not known.isdisjoint(LABEL_FIELDS)


def _differing_line(path: str, delimiter: str) -> tuple[str, str, str] | None:
    """Returns a line whose text is another one without the quoting of CSV, and both texts."""
    for number, line in lines_of(path):
        plain = line.partition(delimiter)[2]
        if number == 1 or '"' not in line:
            continue
        try:
            row = next(csv.reader([line], delimiter=delimiter, strict=True), [])
        except csv.Error:
            row = []
        if len(row) != 2 or row[1] != plain:
            text = quoted(row[1]) if len(row) == 2 else "no pair"
            return line, text, quoted(plain)
    return None


def _names_of_mjsynth(path: str, lines: Sequence[str]) -> Found | None:
    match = [re.fullmatch(r"\./\d+/\d+/\d+_([^_/]+)_(\d+)\.\w+ (\d+)", line) for line in lines]
    if not all(each and each[2] == each[3] for each in match) or not match[0]:
        return None
    if not os.path.basename(path).startswith("annotation"):
        both = lines[0], quoted(match[0][3]), quoted(match[0][1])
        _refuse_two(path, LIST, "mjsynth", both)
    return Found("mjsynth", "its texts are in the names, whose numbers are behind them")


def _tabs(source: Annotations, lines: Sequence[str], request: Request) -> Found:
    """Decides where a tab and a blank may both end the path, by the images that are there."""
    if source.delimiter != "space":
        return Found(LIST)
    several = [line for line in lines if lists.has_several_images(line)]
    if several and not _exists(source, _native(several[0])[0]):
        return Found("tab", "a tab ends its paths, and one is a JSON list of them")
    both = [line for line in lines if " " in line.partition("\t")[0] and "\t" in line]
    if not both or not all("\t" in line for line in lines):
        return Found(LIST)
    by_blank = [_exists(source, _native(line)[0]) for line in both]
    paths = [line.partition("\t")[0] for line in both]
    by_tab = [tf.io.gfile.exists(located(request, source.path, p, BESIDE)) for p in paths]
    if any(by_tab) and not any(by_blank):
        return Found("tab", "a tab ends its paths, which have blanks")
    if any(by_blank) and not any(by_tab):
        return Found(LIST)
    path, _, text = both[0].partition("\t")
    native = _native(both[0])
    readings = f"{native[0]} -> {quoted(native[1])}", f"{path} -> {quoted(text)}"
    _refuse_two(source.path, LIST, "tab", (both[0], *readings))
    return Found(LIST)


def _exists(source: Annotations, path: str) -> bool:
    folders = [source.base_dir] if source.base_dir else ["", os.path.dirname(source.path)]
    paths = [os.path.join(folder, path) for folder in folders if path]
    return any(tf.io.gfile.exists(each) and not tf.io.gfile.isdir(each) for each in paths)


def _refuse_two(path: str, one: str, other: str, differing: tuple[str, str, str] | None) -> None:
    """Raises UserError if two forms read something differently: the thing, and both readings."""
    if differing:
        what, first, second = differing
        raise UserError(
            f"{path}: it can be read in two ways: {visible_text(what)} is {first} as {one}, and "
            f"{second} as {other}: give --format={one} or --format={other}"
        )


def _folder(path: str) -> Found:
    names = sorted(name for name in names_in(path) if not name.startswith("."))
    known = {
        "dataset_info.json": ("saved-dataset", "it has a dataset_info.json"),
        "dataset_dict.json": ("saved-dataset", "it has a dataset_dict.json"),
        "annotations.xml": ("cvat", "it has an annotations.xml"),
        "labels.json": ("doctr", "it has a labels.json"),
    }
    for name, (form, reason) in known.items():
        if name in names:
            return Found(form, reason)
    if "Label.txt" in names:
        return Found("ppocrlabel", "it has a Label.txt", os.path.join(path, "Label.txt"))
    for look in (_tables_in, _databases_in, _transcribed_lines_in, _pages_in):
        if found := look(path, names):
            return found
    return _image_names(path, names)


def _tables_in(path: str, names: Sequence[str]) -> Found | None:
    for held in _names_below(path, names, depth=1):
        if any(name in tables.METADATA for name in held):
            return Found("imagefolder", "it has a table of metadata")
        if any(name.endswith(".parquet") for name in held):
            return Found("parquet", "it has Parquet files")
    return None


def _may_be_folder(name: str) -> bool:
    return "." not in name and is_utf8(name)


def _databases_in(path: str, names: Sequence[str]) -> Found | None:
    if any("data.mdb" in held for held in _names_below(path, names, DEPTH)):
        return Found("lmdb", "it has an LMDB database")
    return None


def _names_below(path: str, names: Sequence[str], depth: int) -> Iterator[Sequence[str]]:
    yield names
    for name in filter(_may_be_folder, names):
        folder = os.path.join(path, name)
        if depth and tf.io.gfile.isdir(folder):
            yield from _names_below(folder, names_in(folder), depth - 1)


def _transcribed_lines_in(path: str, names: Sequence[str]) -> Found | None:
    """Recognizes tesstrain's lines, which get `.box` files that are made of their texts."""
    del path
    pair = pair_of(names, (".gt.txt",))
    if pair and not any(name.endswith((".xml", ".hocr")) for name in names):
        return Found("pairs", f"{pair[1]} is beside {pair[0]}")
    return None


def _pages_in(path: str, names: Sequence[str]) -> Found | None:
    if any(name.endswith(tesseract_boxes.ENDING) for name in names):
        return Found("tesseract-boxes", "it has .box files")
    if any(name.endswith(".hocr") for name in names):
        return Found("hocr", "it has hOCR files")
    for name in [name for name in names if name.endswith(".xml")][:LINES]:
        if found := _xml(_start_of(os.path.join(path, name))):
            return found._replace(reason=f"of {name}, {found.reason.removeprefix('its ')}")
    lists_of_boxes = [n for n in names if n.startswith("gt_") and n.endswith(".txt")]
    if lists_of_boxes:
        lines = _start_of(os.path.join(path, lists_of_boxes[0])).splitlines()
        if lines and all(boxes.is_icdar_box(line) for line in lines if line.strip()):
            return Found("icdar-boxes", f"{lists_of_boxes[0]} has corners and texts")
    return None


def _start_of(path: str) -> str:
    with tf.io.gfile.GFile(path, "rb") as file:
        return _decoded(file.read(START_BYTES))


def _list_in(source: Annotations, request: Request) -> Found:
    """Looks at the one list of a folder whose images are elsewhere; else its names are labels."""
    names = [name for name in names_in(source.path) if not name.startswith(".")]
    names = [name for name in names if not name.endswith(REPORT_SUFFIX)]
    lists_of_images = [name for name in names if name.endswith(LIST_SUFFIXES)]
    if len(lists_of_images) != 1 or any(n.lower().endswith(IMAGE_SUFFIXES) for n in names):
        return Found(NAMES)
    path = os.path.join(source.path, lists_of_images[0])
    found = detect(source._replace(path=path), request)
    reason = found.reason or "it has no images, and this list"
    return Found(found.format, reason, found.path or path)


def _with_id(stems: Sequence[str]) -> str:
    """Returns the pattern of `12_HELLO`; `12_345` is one if the names are counted in front."""
    numbers = [re.fullmatch(r"(\d+)_(\d+)", stem) for stem in stems]
    pairs = [match.groups() for match in numbers if match]
    first = sorted(int(number) for number, _ in pairs if number.isdecimal() and len(number) < 10)
    is_counted = first in (list(range(len(stems))), list(range(1, len(stems) + 1)))
    if len(first) > 1 and is_counted and len({label for _, label in pairs}) > 1:
        return r"\d+_\d+"
    return r"\d+_(?!\d+$).+"


def _image_names(path: str, names: Sequence[str]) -> Found:
    if pair := pair_of(names):
        return Found("pairs", f"{pair[1]} is beside {pair[0]}")
    refuse_lists(path, names)
    images = [name for name in names if name.lower().endswith(IMAGE_SUFFIXES)]
    stems = [os.path.splitext(name)[0] for name in images]
    ways: dict[str, tuple[str, Callable[[str], str]]] = {
        "id-label": (_with_id(stems), lambda stem: stem.partition("_")[2]),
        "label-id": (r".+_[0-9a-fA-F]{8,}", lambda stem: stem.rpartition("_")[0]),
    }
    for form, (pattern, label) in ways.items():
        if stems and all(re.fullmatch(pattern, stem) for stem in stems):
            name = next(
                (n for n in images if label_of_name(n) != label(os.path.splitext(n)[0])), ""
            )
            if name:
                both = quoted(label_of_name(name)), quoted(label(os.path.splitext(name)[0]))
                _refuse_two(path, NAMES, form, (name, *both))
    return Found(NAMES)
