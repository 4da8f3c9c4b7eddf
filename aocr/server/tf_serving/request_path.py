"""Parses the paths of TensorFlow Serving's REST."""

from __future__ import annotations

import re
import urllib.parse

from aocr.server.errors import invalid_argument
from aocr.server.models.model_versions import RequestPath

_MODEL = r"/v1/models/([^/:]+)"

_VERSION = r"(?:/versions/(\d+)|/labels/([^/:]+))?"

_POST = re.compile(f"{_MODEL}{_VERSION}:(classify|regress|predict)", re.IGNORECASE | re.ASCII)

_GET = re.compile(rf"/v1/models(?:/([^/:]+))?{_VERSION}(?:/(metadata))?", re.IGNORECASE | re.ASCII)

_LARGEST_VERSION = 2**63 - 1


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
