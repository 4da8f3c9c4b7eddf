"""Converts JSON values to numbers and bytes of a tensor's type, as TensorFlow Serving does."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import numpy as np
import tensorflow as tf

from aocr.server.errors import RestError, invalid_argument, unimplemented
from aocr.server.tf_serving.json_input import JsonObject, kind_of, shown

BASE64_KEY = "b64"

_WHITESPACE = b" \t\n\v\f\r"


def is_base64(value: Any) -> bool:
    """Returns whether a value is an object with the one key `b64` and a string."""
    return (
        isinstance(value, JsonObject)
        and value.member_count == 1
        and isinstance(value.get(BASE64_KEY), str)
    )


def leaf(value: Any, dtype: tf.DType) -> Any:
    """Returns a value that is not a list as an element of a tensor.

    Args:
        value: from JSON.
        dtype: type of the tensor.

    Raises:
        RestError: it is of another type.
    """
    if dtype == tf.string:
        return _bytes_of(value)
    if isinstance(value, dict):
        raise _type_error(value, dtype)
    if dtype.is_floating:
        return _float_of(value, dtype)
    if dtype == tf.bool:
        if not isinstance(value, bool):
            raise _type_error(value, dtype)
        return value
    if dtype.is_integer and not dtype.is_quantized:
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not (is_whole and dtype.min <= value <= dtype.max):
            raise _type_error(value, dtype)
        return value
    raise unimplemented(f"Conversion of JSON Value: {shown(value)} to type: {dtype.name}")


def _float_of(value: Any, dtype: tf.DType) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _type_error(value, dtype)
    try:
        number = float(value)
    except OverflowError:
        number = float("inf") if value > 0 else float("-inf")
    with np.errstate(over="ignore"):  # too large for the type: infinity
        return dtype.as_numpy_dtype(number)


def _bytes_of(value: Any) -> bytes:
    if isinstance(value, dict):
        if not is_base64(value):
            raise invalid_argument(
                f"JSON Value: {shown(value)} not formatted correctly for base64 data"
            )
        return decode_base64(value[BASE64_KEY])
    if not isinstance(value, str):
        raise _type_error(value, tf.string)
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        raise invalid_argument(
            "JSON Parse error: The surrogate pair in string is invalid."
        ) from error


def decode_base64(text: str) -> bytes:
    """Returns the bytes that a base64 text stands for; padding and whitespace may be there or not.

    Raises:
        RestError: it is not base64.
    """
    try:
        encoded = text.encode("ascii").translate(None, _WHITESPACE)
        data = encoded.rstrip(b"=")
        padding = len(encoded) - len(data)
        missing = -len(data) % 4
        if missing == 3 or padding not in (0, missing):
            raise ValueError("wrong length")
        return base64.b64decode(data + b"=" * missing, validate=True)
    except (ValueError, binascii.Error) as error:
        raise invalid_argument("Unable to base64 decode") from error


def _type_error(value: Any, dtype: tf.DType) -> RestError:
    return invalid_argument(
        f"JSON Value: {shown(value)} Type: {kind_of(value)} is not of expected type: {dtype.name}"
    )
