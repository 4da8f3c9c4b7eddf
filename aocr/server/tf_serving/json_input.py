"""Parses the JSON of a request as TensorFlow Serving does, within limits.

Where Python's parser differs from that one: what follows the first value is ignored; of equal keys
the first one counts; strings must be valid Unicode.
"""

from __future__ import annotations

import json
import re
from typing import Any

from aocr.server.errors import RestError, invalid_argument

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
