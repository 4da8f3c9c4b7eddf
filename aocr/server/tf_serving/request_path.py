"""Parses the paths of TensorFlow Serving's REST."""

from __future__ import annotations

import re
import urllib.parse
from typing import NamedTuple

from aocr.server.errors import invalid_argument

_API = re.compile(r"/v1/.*", re.IGNORECASE | re.DOTALL)
_MODEL = r"/v1/models/([^/:]+)"
_VERSION = r"(?:/versions/(\d+)|/labels/([^/:]+))?"
_POST = re.compile(f"{_MODEL}{_VERSION}:(classify|regress|predict)", re.IGNORECASE | re.ASCII)
_GET = re.compile(rf"/v1/models(?:/([^/:]+))?{_VERSION}(?:/(metadata))?", re.IGNORECASE | re.ASCII)

_LARGEST_VERSION = 2**63 - 1


class RequestPath(NamedTuple):
    """Holds what a path names.

    Attributes:
        model: name of the model; empty if it is missing.
        version: number of a version, or None.
        label: label of a version, or empty.
        verb: `predict`, `classify` or `regress` of a POST, else empty.
        metadata: whether a GET asks for the metadata instead of the status.
    """

    model: str
    version: int | None = None
    label: str = ""
    verb: str = ""
    metadata: bool = False


def is_api_path(path: str) -> bool:
    """Returns whether a path, as it was sent, belongs to the REST API."""
    return bool(_API.fullmatch(path))


def parse_path(method: str, path: str) -> RequestPath:
    """Returns what a path names.

    Args:
        method: the HTTP method.
        path: the path as it was sent, with its percent escapes, without a query.

    Raises:
        RestError: there is no such path for this method.
    """
    pattern = {"POST": _POST, "GET": _GET}.get(method)
    match = pattern.fullmatch(path) if pattern else None
    if not match:
        raise invalid_argument(f"Malformed request: {method} {path}")
    model, version, label, last = (group or "" for group in match.groups())
    if version and int(version[:20]) > _LARGEST_VERSION:
        raise invalid_argument(f"Failed to convert version: {version} to numeric.")
    return RequestPath(
        model=urllib.parse.unquote(model, errors="replace"),
        version=int(version) if version else None,
        label=urllib.parse.unquote(label, errors="replace"),
        verb=last.lower() if method == "POST" else "",
        metadata=bool(last) and method == "GET",
    )
