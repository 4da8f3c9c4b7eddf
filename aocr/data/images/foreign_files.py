"""Names what a file is that is not a readable image, with what to do about it."""

from __future__ import annotations

import base64
import binascii
import codecs
import re

_TO_PNG = "convert it to PNG or JPEG"
_UNPACK = "unpack it"

_BINARY = tuple(
    (re.compile(pattern, re.DOTALL), name, cure)
    for pattern, name, cure in (
        (rb".{4}ftyp.{0,48}?avi[fs]", "an AVIF image", _TO_PNG),
        (rb".{4}ftyp(hei|hev|mif1|msf1)", "a HEIC (HEIF) photo", _TO_PNG),
        (rb".{4}ftypcrx", "a RAW photo", _TO_PNG),
        (rb".{4}ftyp|\x1aE\xdf\xa3|RIFF.{4}AVI ", "a video", "save a picture of it as PNG"),
        (rb"\xff\x0a|\0{3}\x0cJXL ", "a JPEG XL image", _TO_PNG),
        (rb"8BPS|gimp xcf", "a picture of Photoshop or GIMP", "export it as PNG"),
        (
            rb"v/1\x01|#\?RADIANCE|AT&TFORM|.{128}DICM",
            "an OpenEXR, HDR, DjVu or DICOM image",
            _TO_PNG,
        ),
        (rb".{0,1000}?%PDF-", "a PDF document", "convert its pages to PNG, as with pdftoppm -png"),
        (rb"%!PS|\xc5\xd0\xd3\xc6", "PostScript or EPS", "draw it as PNG, as with Ghostscript"),
        (rb"\xd7\xcd\xc6\x9a|\x01\0{3}.{36} EMF", "a WMF or EMF drawing", "draw it as PNG"),
        (rb"\xd0\xcf\x11\xe0|\{\\rtf", "an office document", "save its pictures as PNG"),
        (rb"\x1f\x8b", "gzip data", _UNPACK),
        (rb"PK[\x03\x05]", "a ZIP archive or an office document", _UNPACK),
        (rb"BZh|\xfd7zXZ|\x28\xb5\x2f\xfd|\x1f\x9d", "bzip2, xz or zstd data", _UNPACK),
        (rb"7z\xbc\xaf|Rar!|.{257}ustar", "a 7z, RAR or tar archive", _UNPACK),
        (rb"\x93NUMPY|\x89HDF|\x80[\x02-\x05]", "an array or pickle of Python", "save it as PNG"),
        (rb"SQLite format 3", "an SQLite database", "write its images to files"),
        (rb"--[^\r\n]+\r?\nContent-", "a form (multipart)", "send the bytes of the image alone"),
        (rb"version https://git-lfs", "a pointer of Git LFS", "fetch the image: git lfs pull"),
        (rb"\0+\Z|\s+\Z", "only zero bytes or blanks", "copy it again"),
    )
)
"""The beginning of files of each kind, what messages call it, and the cure."""

_TEXT = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), name, cure)
    for pattern, name, cure in (
        (
            r"data:",
            "a data URI",
            "decode the base64 text that follows the comma, or send it as b64",
        ),
        (r"<.*<svg\b|<svg\b", "an SVG drawing", "draw it as PNG, as with rsvg-convert"),
        (
            r"(<.*)?<(!doctype html|html|head|body)\b",
            "an HTML (web) page, perhaps an error message",
            "download the image itself",
        ),
        (r"<[?!/a-z]", "XML text", "give the image itself"),
        (r"[\[{].*[\]}]\s*\Z", "JSON text", "give the bytes of the image itself"),
    )
)
"""Patterns of the beginning of texts of each kind, what messages call it, and the cure."""

_IMAGES = re.compile(
    rb"\x89PNG|\xff\xd8\xff|GIF8|BM|RIFF.{4}WEBP|II\*\0|MM\0\*|\0{3}\x0cjP  |P[1-6]\s", re.DOTALL
)
"""Matches the beginning of images."""

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}\Z")

_SEEN_BYTES = 4096
_SHOWN_CHARACTERS = 40


def describe(encoded: bytes) -> str:
    """Returns what a file is that is not an image, and the cure, or "" if it is of no known kind.

    Args:
        encoded: the file; not empty.
    """
    start = encoded[:_SEEN_BYTES]
    known = _match(_BINARY, start)
    if known:
        return known
    text = _text_of(start)
    if text:
        whole = len(encoded) <= _SEEN_BYTES
        return _match(_TEXT, text) or _base64_kind(text) or _plain(text, whole)
    if _IMAGES.match(start):
        return "it begins as an image, but its header is damaged: copy it again"
    if _is_tfrecords(encoded):
        return "it is TFRecords: 'aocr test' and 'aocr inspect' read them"
    return ""


def _match(kinds: tuple, start) -> str:
    found = (f"it is {name}: {cure}" for pattern, name, cure in kinds if pattern.match(start))
    return next(found, "")


def _text_of(start: bytes) -> str:
    """Returns the text that a file begins with, in UTF-8, UTF-16 or Latin-1; "" if it is none."""
    is_utf_16 = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    decoder = codecs.getincrementaldecoder("utf-16" if is_utf_16 else "utf-8-sig")()
    try:
        text = decoder.decode(start).strip()
    except UnicodeError:
        text = start.decode("latin-1").strip()
    return text if all(c.isprintable() or c.isspace() for c in text) else ""


def _base64_kind(text: str) -> str:
    """Returns what text is if it is base64 of an image, or of a file of a known kind; else ""."""
    joined = "".join(text.strip("\"'").split())
    if not _BASE64.match(joined):
        return ""
    beginning = joined.rstrip("=")
    beginning = beginning[: len(beginning) // 4 * 4].replace("-", "+").replace("_", "/")
    try:
        content = base64.b64decode(beginning)
    except binascii.Error:
        return ""
    what = "an image" if _IMAGES.match(content) else _match(_BINARY, content).partition(":")[0][6:]
    if not what:
        return ""
    return (
        f"it is base64 text of {what}, not its bytes: decode it, as with base64 -d; "
        'in JSON send {"b64": "..."}'
    )


def _plain(text: str, whole: bool) -> str:
    shown = text.splitlines()[0][:_SHOWN_CHARACTERS]
    what = "the text" if whole and shown == text else "text that begins"
    return f"it is {what} {shown!r}: give the image itself"


def _is_tfrecords(encoded: bytes) -> bool:
    """Returns whether the beginning is that of a record: its length, a checksum, an Example."""
    length = int.from_bytes(encoded[:8], "little")
    return 2 <= length <= len(encoded) - 16 and encoded[12:13] == b"\n"
