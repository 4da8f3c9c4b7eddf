"""Lists the forms of labelled images by the names that `--format` takes, without TensorFlow.

Each form is one entry of `FORMATS` and one function of its module, which yields annotations.
"""

from __future__ import annotations

from typing import NamedTuple

AUTO, LIST, NAMES = "auto", "list", "names"
"""Names of forms: the one to be found, and aocr's own lists and folders."""

PARTS = ("train", "validation", "test")
"""The parts of a divided source, by the names that `--split` takes."""

WRITTEN = ("list", "paddle", "clovaai-lmdb", "gt-txt", "imagefolder")
"""The forms that records are written back in, by the names that `--to` takes."""

DELIMITERS = {"space": " ", "tab": "\t", "comma": ",", "semicolon": ";"}
"""The separators of columns by the names that `--delimiter` takes."""


class Format(NamedTuple):
    """Describes a form.

    Attributes:
        function: module and function that read it; empty for aocr's own lists and folders.
        unit: noun for an annotation.
        has_parts: whether `--split=train` and the like can choose a part of it.
    """

    function: str
    unit: str
    has_parts: bool = False


FORMATS = {
    LIST: Format("", "line"),
    NAMES: Format("", "file"),
    "tab": Format("lists.read_tab", "line"),
    "csv": Format("tables.read_csv", "line"),
    "easyocr": Format("tables.read_easyocr", "line"),
    "jsonl": Format("tables.read_json_lines", "line"),
    "mmocr": Format("tables.read_mmocr", "image"),
    "doctr": Format("tables.read_doctr", "image"),
    "icdar-words": Format("lists.read_icdar_words", "line"),
    "mjsynth": Format("lists.read_mjsynth", "line"),
    "iam": Format("lists.read_iam", "line"),
    "pairs": Format("names.read_pairs", "file"),
    "id-label": Format("names.read_id_label", "file"),
    "label-id": Format("names.read_label_id", "file"),
    "imagefolder": Format("tables.read_image_folder", "row", has_parts=True),
    "parquet": Format("arrow.read_parquet", "row", has_parts=True),
    "saved-dataset": Format("arrow.read_saved", "row", has_parts=True),
    "ketos": Format("arrow.read_ketos", "line", has_parts=True),
    "lmdb": Format("lmdb_databases.read_lmdb", "sample", has_parts=True),
    "webdataset": Format("containers.read_webdataset", "sample"),
    "tfrecord": Format("containers.read_tfrecords", "record"),
    "page": Format("page_xml.read_page", "line"),
    "alto": Format("page_xml.read_alto", "line"),
    "hocr": Format("page_xml.read_hocr", "line"),
    "ppocrlabel": Format("boxes.read_ppocrlabel", "region"),
    "icdar-boxes": Format("boxes.read_icdar_boxes", "region"),
    "tesseract-boxes": Format("tesseract_boxes.read_tesseract_boxes", "line"),
    "label-studio": Format("boxes.read_label_studio", "region"),
    "cvat": Format("boxes.read_cvat", "region"),
}
"""The forms by the names that `--format` takes."""
