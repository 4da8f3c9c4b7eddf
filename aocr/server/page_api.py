"""Loads the page for people, with headers that forbid it all resources from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
import re
from typing import NamedTuple

_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


class Page(NamedTuple):
    """Holds the page and the headers that it is sent with."""

    html: bytes
    headers: dict[str, str]


def load_page() -> Page:
    """Returns the page in the package."""
    text = importlib.resources.files("aocr.server").joinpath("page/index.html").read_text("utf-8")
    policy = (
        "default-src 'none'; connect-src 'self'; img-src 'self' blob: data:; media-src blob:; "
        f"script-src {_hashes(_SCRIPT, text)}; style-src {_hashes(_STYLE, text)}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }
    return Page(text.encode(), headers)


def _hashes(pattern: re.Pattern[str], text: str) -> str:
    """Returns the sources that permit exactly the scripts or styles in the page."""
    digests = [hashlib.sha256(content.encode()).digest() for content in pattern.findall(text)]
    return " ".join(f"'sha256-{base64.b64encode(each).decode()}'" for each in digests)
