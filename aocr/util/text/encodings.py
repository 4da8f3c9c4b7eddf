"""Decodes text that comes from outside: files and stdin, in UTF-8 or as a byte order mark says.

Everything that a user writes for aocr in a text file passes here: annotations, charsets, lexicons,
words, keys, lists of names.
"""

from __future__ import annotations

import codecs
import itertools
import logging
import unicodedata
from collections.abc import Iterable, Iterator

from aocr.util.errors import UserError
from aocr.util.paths.checks import kind_of_special_file, read_bytes

UTF_8, UTF_8_WITH_MARK = "utf-8", "utf-8-sig"

_MARKS = (
    (codecs.BOM_UTF8, UTF_8_WITH_MARK),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks, and the encodings of Python that read them."""

_UTF_8S = (UTF_8, UTF_8_WITH_MARK)

_LOOKED_AT_BYTES = 64
"""Number of bytes by which UTF-16 without a mark is recognized."""


def encoding_of(start: bytes) -> str:
    """Returns the encoding, in Python's terms, of a text that begins with these bytes.

    Without a byte order mark it is UTF-8.

    Args:
        start: the first four bytes or more.

    Raises:
        ValueError: they look like UTF-16 without a mark, which is not guessed.
    """
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    start = start[:_LOOKED_AT_BYTES]
    low, high = start[::2], start[1::2]
    for zeros, others, name in ((high, low, "UTF-16LE"), (low, high, "UTF-16BE")):
        is_text = 0 not in others and len(set(others)) > 3
        if is_text and zeros.count(0) >= 0.9 * len(others):
            raise ValueError(f"it looks like {name} without its byte order mark; {_cure(name)}")
    return UTF_8


def decode_text(content: bytes) -> str:
    """Returns the text in a file's bytes, without its byte order mark.

    Raises:
        ValueError: says in which line it is not in its encoding, and what to do.
    """
    encoding = encoding_of(content)
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(_problem(content, error)) from error


def _problem(content: bytes, error: UnicodeDecodeError) -> str:
    """Returns what is wrong with bytes that are not in their encoding."""
    encoding = encoding_of(content)
    if encoding not in _UTF_8S:
        return _contradiction(encoding, error)
    return not_utf_8(content[: error.start].count(b"\n") + 1, content[error.start])


def not_utf_8(line: int, byte: int) -> str:
    """Returns what is wrong with a line that holds a byte which is not UTF-8."""
    return (
        f"line {line}: it is not UTF-8 (cannot decode the byte 0x{byte:02x}); {_cure('ENCODING')}"
    )


def _contradiction(encoding: str, error: UnicodeDecodeError) -> str:
    name = encoding.upper()
    problem = f"it begins with the byte order mark of {name}, but is not {name} ({error.reason})"
    return f"{problem}; save it again, as UTF-8"


def _cure(name: str) -> str:
    return f"convert the file to UTF-8, for example by: iconv -f {name} -t UTF-8"


def read_text(flag: str, path: str) -> str:
    """Returns the text in a file, local or remote, or in a local pipe.

    Args:
        flag: the flag that names the file, for messages.
        path: the file.

    Raises:
        UserError: it cannot be read, is a device, or is not in its encoding.
    """
    if kind_of_special_file(path) == "a device":
        raise UserError(f"{flag}={path}: it is a device; give the name of a text file")
    try:
        return decode_text(read_bytes(path))
    except OSError as error:
        raise UserError(f"{flag}={path}: {error.strerror}") from error
    except ValueError as error:
        separator = ", " if str(error).startswith("line ") else ": "
        raise UserError(f"{flag}={path}{separator}{error}") from error


def in_utf_8(path: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Returns the bytes of a text in UTF-8 without a byte order mark, as they arrive.

    Bytes of UTF-8 pass as they are, right or wrong. A text in another encoding is named in the log.

    Args:
        path: the name of the text, for messages.
        chunks: its bytes; the first four of them or more come together.

    Raises:
        UserError: it is not in the encoding of its mark, or looks like UTF-16 without one.
    """
    parts = iter(chunks)
    first = next(parts, b"")
    try:
        encoding = encoding_of(first)
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error
    whole = itertools.chain([first.removeprefix(codecs.BOM_UTF8)], parts)
    return whole if encoding in _UTF_8S else _converted(path, encoding, whole)


def _converted(path: str, encoding: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    logging.info("%s: read as %s, by its byte order mark.", path, encoding.upper())
    try:
        for text in codecs.iterdecode(chunks, encoding):
            yield text.encode()
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: {_contradiction(encoding, error)}") from error


def nfc(text: str) -> str:
    """Returns text in the Unicode normal form NFC, in which labels are."""
    return unicodedata.normalize("NFC", text)
