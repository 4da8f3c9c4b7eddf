"""Writes tensors as the JSON of an answer, as TensorFlow Serving does."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable

import numpy as np

from aocr.server.errors import invalid_argument
from aocr.server.models.served_model import Tensors
from aocr.server.tf_serving.json_input import BASE64_KEY

BYTES_SUFFIX = "_bytes"
"""Strings of outputs with such a name are written in base64."""


def answer_of(outputs: Tensors, rows: bool) -> bytes:
    """Returns the answer to a request.

    Args:
        outputs: at least one tensor, by the keys of the signature's outputs.
        rows: whether the request had the form of rows.

    Raises:
        RestError: the outputs cannot be written as rows.
    """
    if not outputs:
        raise invalid_argument("Cannot convert empty tensor map to JSON")
    text = _rows(outputs) if rows else _columns(outputs)
    return text.encode(errors="replace")


def _columns(outputs: Tensors) -> str:
    columns = {name: _nested(outputs[name], _writer(name)) for name in sorted(outputs)}
    return f'{{\n    "outputs": {_only_or_object(columns, 1)}\n}}'


def _rows(outputs: Tensors) -> str:
    size = _batch_size(outputs)
    names = sorted(outputs)
    rows = []
    for number in range(size):
        row = {name: _nested(outputs[name][number], _writer(name)) for name in names}
        rows.append(" " * 8 + _only_or_object(row, 2))
    listed = "[\n" + ",\n".join(rows) + "\n    ]" if rows else "[]"
    return f'{{\n    "predictions": {listed}\n}}'


def _batch_size(outputs: Tensors) -> int:
    size = None
    for name in sorted(outputs):
        shape = outputs[name].shape
        if not shape:
            raise invalid_argument(f"Tensor name: {name} has no shape information ")
        if size not in (None, shape[0]):
            raise invalid_argument(
                f"Tensor name: {name} has inconsistent batch size: {shape[0]} expecting: {size}"
            )
        size = shape[0]
    return size or 0


def _only_or_object(values: dict[str, str], level: int) -> str:
    """Returns the only value; an object of several ones."""
    if len(values) == 1:
        return next(iter(values.values()))
    indent = " " * 4 * level
    members = (f"{indent}    {json.dumps(name)}: {value}" for name, value in values.items())
    return "{\n" + ",\n".join(members) + f"\n{indent}}}"


def _nested(tensor: np.ndarray, write: Callable[[object], str]) -> str:
    if not np.ndim(tensor):
        return write(tensor[()] if isinstance(tensor, np.ndarray) else tensor)
    return "[" + ", ".join(_nested(each, write) for each in tensor) + "]"


def _writer(name: str) -> Callable[[object], str]:
    """Returns a function that writes one element of an output."""
    return _write_bytes if name.endswith(BYTES_SUFFIX) else _write


def _write_bytes(value: object) -> str:
    if not isinstance(value, bytes):
        return _write(value)
    return json.dumps({BASE64_KEY: base64.b64encode(value).decode()})


def _write(value: object) -> str:
    if isinstance(value, bytes):
        return json.dumps(value.decode(errors="replace"), ensure_ascii=False)
    if isinstance(value, str | bool | np.bool_):
        return json.dumps(value if isinstance(value, str) else bool(value), ensure_ascii=False)
    if isinstance(value, int | np.integer):
        return str(int(value))
    return decimal(value)  # type: ignore[arg-type]


def decimal(value: float | np.floating) -> str:
    """Returns a number with six digits if they suffice, else with all that its type has."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    kind = type(value) if isinstance(value, np.floating) else np.float64
    text = f"{float(value):.6g}"
    if kind(text) != value:
        text = f"{float(value):.{9 if kind is np.float32 else 17}g}"
    return text if "." in text or "e" in text else f"{text}.0"
