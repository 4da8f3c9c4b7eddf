"""Reads Arrow and Parquet files: Hugging Face's `datasets`, and what Kraken compiles."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from aocr.data.sources.annotations import Annotation
from aocr.data.sources.common import (
    IMAGE_FIELDS,
    LABEL_FIELDS,
    Request,
    field_named,
    files_below,
    located,
    needed,
    rejected,
)
from aocr.data.sources.tables import part_of_name
from aocr.util.errors import UserError, first_line
from aocr.util.paths.checks import is_remote

ROWS = 256
"""Rows that are read at a time."""

INFO = "dataset_info.json"
"""The file beside the Arrow files of `Dataset.save_to_disk`."""


def read_parquet(path: str, request: Request) -> Iterator[Annotation]:
    """Reads Parquet files with a column of images, as bytes or as their paths, and one of texts."""
    needed("pyarrow", path)
    import pyarrow.parquet as parquet

    def batches(file: Any) -> Iterator[Any]:
        return parquet.ParquetFile(file).iter_batches(ROWS)

    yield from _read_files(path, ".parquet", batches, request)


def read_saved(path: str, request: Request) -> Iterator[Annotation]:
    """Reads the folder that `Dataset.save_to_disk` or `DatasetDict.save_to_disk` writes."""
    pyarrow = needed("pyarrow", path)
    yield from _read_files(path, ".arrow", lambda file: pyarrow.ipc.open_stream(file), request)


def _read_files(path: str, ending: str, batches: Any, request: Request) -> Iterator[Annotation]:
    """Reads the files of a folder, or one; their parts are in their names or their folders'."""
    paths = [path]
    if tf.io.gfile.isdir(path):
        paths = [each for each in files_below(path) if each.endswith(ending)]
    number = 0
    for file in paths:
        inside = os.path.relpath(file, path) if file != path else os.path.basename(file)
        if request.part and request.part not in map(part_of_name, inside.split(os.sep)):
            continue
        for row in _rows(file, batches, request):
            number += 1
            place = f"{file}, row {row.number}"
            yield row._replace(number=number, place=place)


def _rows(file: str, batches: Any, request: Request) -> Iterator[Annotation]:
    import pyarrow

    number = 0
    try:
        with _opened(file) as opened:
            for batch in batches(opened):
                image, label = _columns(batch.schema, request, file)
                pairs = zip(batch[image].to_pylist(), batch[label].to_pylist(), strict=True)
                for value, text in pairs:
                    number += 1
                    yield _row(number, value, text, file, request)
    except (pyarrow.ArrowException, tf.errors.OpError, OSError) as error:
        raise UserError(f"cannot read {file}: {first_line(error)}") from error


def _opened(path: str) -> Any:
    """Opens a file; a local one is mapped into memory, of a remote one the whole is read."""
    import pyarrow

    if not is_remote(path):
        return pyarrow.memory_map(path)
    with tf.io.gfile.GFile(path, "rb") as file:
        return pyarrow.BufferReader(file.read())


def _columns(schema: Any, request: Request, file: str) -> tuple[str, str]:
    """Returns the names of the columns of images and texts; that of images may be known by type."""
    import pyarrow

    structs = [field.name for field in schema if pyarrow.types.is_struct(field.type)]
    texts = [field.name for field in schema if _is_text(field.type)]
    try:
        image = request.image_column
        if not image and len(structs) == 1:
            image = structs[0]
        image = field_named(schema.names, image, IMAGE_FIELDS, "--image-column")
        others = [name for name in texts if name != image]
        label = request.label_column
        if not label and len(others) == 1:
            label = others[0]
        return image, field_named(others, label, LABEL_FIELDS, "--label-column")
    except ValueError as error:
        raise UserError(f"{file}: {error}") from error


def _is_text(kind: Any) -> bool:
    import pyarrow

    if pyarrow.types.is_dictionary(kind):
        kind = kind.value_type
    return pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind)


def _row(number: int, value: Any, text: Any, file: str, request: Request) -> Annotation:
    encoded, path = value, ""
    if isinstance(value, dict):
        encoded, path = value.get("bytes"), value.get("path") or ""
        if not isinstance(path, str):
            path = ""
    elif isinstance(value, str):
        encoded, path = None, value
    name = path or f"{file}#{number}"
    if not isinstance(text, str):
        return rejected(number, "no text", repr(text), name)
    if isinstance(encoded, bytes) and encoded:
        return Annotation(number, name, text, encoded=encoded)
    if not path:
        return rejected(number, "neither an image nor its path", name, name)
    return Annotation(number, located(request, file, path), text)


def read_ketos(path: str, request: Request) -> Iterator[Annotation]:
    """Reads the lines that `ketos compile` writes; their parts are columns of their own."""
    pyarrow = needed("pyarrow", path)
    number = used = 0
    try:
        with _opened(path) as opened:
            file = pyarrow.ipc.open_file(opened)
            for batch in map(file.get_batch, range(file.num_record_batches)):
                is_asked = _are_of_part(batch, request.part)
                for line, is_used in zip(batch["lines"].to_pylist(), is_asked, strict=True):
                    number += 1
                    if is_used:
                        used += 1
                        name = f"{path}#{number}"
                        yield _ketos_line(number, name, line)
    except (pyarrow.ArrowException, tf.errors.OpError, OSError, KeyError, TypeError) as error:
        raise UserError(f"{path}: not what ketos compile writes: {first_line(error)}") from error
    if number and not used:
        raise UserError(
            f"{path}: no line of it is marked as {request.part}: leave out --split={request.part}"
        )


def _ketos_line(number: int, name: str, line: Any) -> Annotation:
    if not isinstance(line["text"], str) or not isinstance(line["im"], bytes):
        return rejected(number, "no text or no image of it", repr(line["text"]), name)
    return Annotation(number, name, line["text"], encoded=line["im"])


def _are_of_part(batch: Any, part: str) -> list[bool]:
    if not part:
        return [True] * len(batch)
    return batch[part].to_pylist() if part in batch.schema.names else [False] * len(batch)
