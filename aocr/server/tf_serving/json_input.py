"""Parses the JSON of a request as TensorFlow Serving does, within limits.

Where Python's parser differs from that one: what follows the first value is ignored; of equal keys
the first one counts; strings must be valid Unicode.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

import numpy as np
import tensorflow as tf

from aocr.server.errors import RestError, invalid_argument, unimplemented

MAX_DEPTH = 64
"""Largest number of nested lists and objects. A request for this model needs five."""

SHOWN_CHARACTERS = 256
"""Largest number of characters of a value in an error."""

_STRING_OR_BRACKET = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{]|[\]}]', re.DOTALL)


class JsonObject(dict):
    """Holds the members of an object; of those with equal keys, the first.

    Attributes:
        member_count: number of members, equal keys counted each.
    """

    member_count = 0


def parse_body(body: bytes) -> JsonObject:
    """Returns the object that a body holds.

    Raises:
        RestError: it is not JSON, nested too deeply, or not an object.
    """
    if not body:
        raise _parse_error("The document is empty.", 0)
    _check_depth(body)
    try:
        text = body.decode("utf-8-sig")
        start = len(text) - len(text.lstrip(" \t\r\n"))
        value, _ = json.JSONDecoder(object_pairs_hook=_object).raw_decode(text, start)
    except json.JSONDecodeError as error:
        reason = "Invalid value." if error.msg == "Expecting value" else f"{error.msg}."
        if error.pos >= len(text):
            reason = "The document is empty." if not text.strip() else reason
        raise _parse_error(reason, error.pos) from error
    except (ValueError, RecursionError) as error:  # not UTF-8; a number of too many digits
        raise _parse_error("Invalid encoding or value in string.", 0) from error
    if not isinstance(value, JsonObject):
        raise invalid_argument(f"JSON Value: {shown(value)} Is not object")
    return value


def shown(value: Any) -> str:
    """Returns a value as JSON, cut after `SHOWN_CHARACTERS`."""
    text = ""
    for chunk in json.JSONEncoder(ensure_ascii=True).iterencode(value):
        text += chunk[:SHOWN_CHARACTERS]
        if len(text) >= SHOWN_CHARACTERS:
            return text[:SHOWN_CHARACTERS]
    return text


def kind_of(value: Any) -> str:
    """Returns the type of a value as TensorFlow Serving names it."""
    if value is None or isinstance(value, bool):
        return {None: "Null", False: "False", True: "True"}[value]
    for kinds, name in ((dict, "Object"), (list, "Array"), (str, "String")):
        if isinstance(value, kinds):
            return name
    return "Number"


def _check_depth(body: bytes) -> None:
    """Refuses what Python's parser could overflow its stack with."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:  # counting them is fast
        return
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(body):
        first = body[match.start()]
        if first in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise invalid_argument(
                    f"JSON Parse error: more than {MAX_DEPTH} nested lists and objects."
                )
        elif first in b"]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> JsonObject:
    found = JsonObject()
    for key, value in pairs:
        found.setdefault(key, value)
    found.member_count = len(pairs)
    return found


def _parse_error(reason: str, offset: int) -> RestError:
    return invalid_argument(f"JSON Parse error: {reason} at offset: {offset}")


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
        value: the value, from JSON.
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
