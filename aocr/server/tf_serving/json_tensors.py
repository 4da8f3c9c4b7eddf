"""Converts the JSON of a `predict` request to tensors and answers to JSON, as TensorFlow Serving.

There are two forms. Columns: `{"inputs": ...}`, a tensor or an object of tensors. Rows:
`{"instances": [...]}`, where each element is one item of a batch.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from aocr.server.errors import RestError, invalid_argument
from aocr.server.models.served_model import Tensors
from aocr.server.tf_serving.json_input import BASE64_KEY, JsonObject, is_base64, leaf, shown

INSTANCES, INPUTS, SIGNATURE_NAME = "instances", "inputs", "signature_name"

InputTypes = Mapping[str, tf.DType]
"""The types of a signature's inputs, by their keys."""


class PredictRequest(NamedTuple):
    """Holds the tensors of a request.

    Attributes:
        tensors: by the keys of the signature's inputs.
        rows: whether they came as rows; the answer has the form of the request.
    """

    tensors: Tensors
    rows: bool


MAX_RANK = 16
"""Axes of the largest tensor. Those of a model have four, and NumPy cannot iterate over 33."""


def signature_name_of(document: JsonObject) -> str:
    """Returns the name of the signature that a request asks for; empty for the default.

    Raises:
        RestError: the name is not a string.
    """
    name = document.get(SIGNATURE_NAME, "")
    if not isinstance(name, str):
        raise invalid_argument(
            f"JSON Value: {shown(document)} not formatted correctly. "
            "'signature_name' key must be a string value."
        )
    return name


def tensors_of(document: JsonObject, types: InputTypes) -> PredictRequest:
    """Returns the tensors of a request.

    Args:
        document: the request.
        types: the types of the signature's inputs.

    Raises:
        RestError: the request has not the form that it should have.
    """
    if INSTANCES in document and INPUTS in document:
        raise _format_error(
            document,
            f"Not formatted correctly expecting only one of '{INPUTS}' or '{INSTANCES}' keys to "
            "exist ",
        )
    if INSTANCES in document:
        rows = document[INSTANCES]
        if not isinstance(rows, list):
            raise _format_error(document, f"Expecting '{INSTANCES}' to be an list/array")
        if not rows:
            raise _format_error(document, f"No values in '{INSTANCES}' array")
        return PredictRequest(_from_rows(rows, types), rows=True)
    if INPUTS in document:
        return PredictRequest(_from_columns(document[INPUTS], types), rows=False)
    raise invalid_argument(f"Missing '{INPUTS}' or '{INSTANCES}' key")


def _from_columns(value: Any, types: InputTypes) -> Tensors:
    if not _is_named(value):
        if len(types) > 1:
            raise invalid_argument(
                "inputs is a plain value/list, but expecting an object as multiple input tensors "
                "required as per tensorinfo_map"
            )
        value = {next(iter(types)): value}
    for name in types:
        if name not in value:
            raise invalid_argument(f"Missing named input: {name} in 'inputs' object.")
    return {name: _tensor(value[name], dtype) for name, dtype in types.items()}


def _from_rows(rows: list, types: InputTypes) -> Tensors:
    if not isinstance(rows[0], dict) and len(types) > 1:
        raise invalid_argument(
            "instances is a plain list, but expecting list of objects as multiple input tensors "
            "required as per tensorinfo_map"
        )
    named = _is_named(rows[0])
    items: dict[str, list[np.ndarray]] = {name: [] for name in types}
    for number, row in enumerate(rows):
        if _is_named(row) != named:
            got = "object but got list" if named else "value/list but got object"
            raise invalid_argument(f"Expecting {got} at item {number} of input list")
        members = row if named else {next(iter(types)): row}
        for name, value in members.items():
            _add_item(items, types, name, value, f"{number} key: {name}" if named else f"{number}")
        if named and set(row) != set(types):
            raise invalid_argument(
                f"Failed to process element: {number} of 'instances' list. JSON object: "
                f"{shown(row)} keys must be equal to: {','.join(sorted(types))}"
            )
    return {name: np.stack(each) for name, each in items.items()}


def _add_item(
    items: dict[str, list[np.ndarray]], types: InputTypes, name: str, value: Any, place: str
) -> None:
    """Adds the item of one row, which must have the shape of the items before."""
    try:
        if name not in types:
            raise invalid_argument(f"JSON object: does not have named input: {name}")
        item = _tensor(value, types[name])
        first = items[name][0] if items[name] else item
        if item.size != first.size:
            raise invalid_argument(f"Expecting tensor size: {first.size} but got: {item.size}")
        if item.shape != first.shape:
            raise invalid_argument(f"Expecting shape {_shape(first)} but got: {_shape(item)}")
    except RestError as error:
        raise RestError(
            error.status,
            f"Failed to process element: {place} of 'instances' list. Error: "
            f"INVALID_ARGUMENT: {error.message}",
        ) from error
    items[name].append(item)


def _tensor(value: Any, dtype: tf.DType) -> np.ndarray:
    """Returns a scalar, a list or nested lists as a tensor."""
    shape: list[int] = []
    first = value
    while isinstance(first, list):
        shape.append(len(first))
        first = first[0] if first else None
    leaves: list[Any] = []
    if len(shape) > MAX_RANK:
        raise invalid_argument(f"Tensor of more than {MAX_RANK} nested lists.")
    _collect(value, 0, shape, leaves, dtype)
    tensor = np.empty(len(leaves), object if dtype == tf.string else dtype.as_numpy_dtype)
    tensor[:] = leaves
    return tensor.reshape(shape)


def _collect(value: Any, level: int, shape: list[int], leaves: list, dtype: tf.DType) -> None:
    """Appends the leaves of nested lists, which must have the shape of their first elements."""
    rank = len(shape)
    if not isinstance(value, list):
        if level != rank:
            raise invalid_argument(
                f"JSON Value: {shown(value)} found at incorrect level: {level + 1} in the JSON "
                f"DOM. Expected at level: {rank}"
            )
        leaves.append(leaf(value, dtype))
        return
    if level >= rank:
        raise invalid_argument(f"Encountered list at unexpected level: {level} expected < {rank}")
    if len(value) != shape[level]:
        raise invalid_argument(
            f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: "
            f"{shape[level]}"
        )
    for each in value:
        _collect(each, level + 1, shape, leaves, dtype)


def _is_named(value: Any) -> bool:
    """Returns whether a value is an object of named tensors, and not one of bytes."""
    return isinstance(value, dict) and not is_base64(value)


def _shape(tensor: np.ndarray) -> str:
    return f"[{','.join(map(str, tensor.shape))}]"


def _format_error(document: JsonObject, problem: str) -> RestError:
    return invalid_argument(f"JSON Value: {shown(document)} {problem}")


BYTES_SUFFIX = "_bytes"
"""Strings of outputs with such a name are written in base64."""


def answer_of(outputs: Tensors, rows: bool) -> bytes:
    """Returns the answer to a request.

    Args:
        outputs: the tensors, at least one, by the keys of the signature's outputs.
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
