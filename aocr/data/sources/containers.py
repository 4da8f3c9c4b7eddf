"""Reads files that hold many images with their texts: tar archives and TFRecords."""

from __future__ import annotations

import os
import tarfile
import zlib
from collections.abc import Iterator

import tensorflow as tf

from aocr.data.images.files import MAX_FILE_BYTES
from aocr.data.records import files, schema
from aocr.data.sources.annotations import Annotation, open_list
from aocr.data.sources.common import LABEL_FIELDS, Request, field_named, json_of, rejected
from aocr.util.errors import UserError, first_line
from aocr.util.paths.checks import IMAGE_SUFFIXES
from aocr.util.text.encodings import decode_text

ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
"""Ends of the names of archives."""

TEXT_ENDINGS = ("gt.txt", "txt", "text")


def read_tfrecords(path: str, request: Request) -> Iterator[Annotation]:
    """Reads the records that `aocr dataset` writes, of this version or of 0.7.6."""
    del request
    for number, record in enumerate(files.read(files.expand([path])), start=1):
        label = schema.text_of(record.label)
        yield Annotation(number, record.full_name, label, encoded=record.image)


def read_webdataset(path: str, request: Request) -> Iterator[Annotation]:
    """Reads a tar archive whose members of one name, up to its first dot, are one sample.

    Links and other things that are no files are not followed.
    """
    for number, (key, members) in enumerate(_samples(path), start=1):
        image, text = _image(members), _text(members, request, f"{path}#{key}")
        if image is None or isinstance(text, Exception):
            reason = "not one image in the sample" if image is None else str(text)
            yield rejected(number, reason, ", ".join(members), f"{path}#{key}")
        else:
            yield Annotation(number, f"{path}#{key}", text, encoded=image)


class _Member(tarfile.TarInfo):
    """Reports a damaged header, at which `tarfile` itself ends without a word."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> tarfile.TarInfo:  # type: ignore[override]
        """Reads the next member.

        Raises:
            tarfile.ReadError: the archive breaks off, or is damaged.
        """
        try:
            return super().fromtarfile(archive)
        except (tarfile.TruncatedHeaderError, tarfile.InvalidHeaderError) as error:  # type: ignore[attr-defined]
            raise tarfile.ReadError(f"{error} at byte {archive.offset}") from error  # type: ignore[attr-defined]


def _samples(path: str) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Yields the key of each sample and its members by the rest of their names."""
    key, members = "", dict[str, bytes]()
    try:
        with (
            open_list(path) as file,
            tarfile.open(fileobj=file, mode="r|*", tarinfo=_Member) as archive,
        ):
            for member in archive:
                if not member.isfile():
                    if not member.isdir():
                        raise UserError(f"{path}: {member.name} is no file, but a link or a device")
                    continue
                if member.size > MAX_FILE_BYTES:
                    raise UserError(f"{path}: {member.name} has {member.size} bytes")
                folder, name = os.path.split(member.name)
                first, _, ending = name.partition(".")
                if os.path.join(folder, first) != key and members:
                    yield key, members
                    members = {}
                key = os.path.join(folder, first)
                if ending.lower() in members:
                    raise UserError(f"{path}: {member.name} is in it twice")
                content = archive.extractfile(member)
                members[ending.lower()] = content.read() if content else b""
    except (tarfile.TarError, tf.errors.OpError, OSError, EOFError, zlib.error) as error:
        raise UserError(f"cannot read {path}: {first_line(error)}") from error
    if members:
        yield key, members


def _image(members: dict[str, bytes]) -> bytes | None:
    """Returns the one image of a sample, or None."""
    images = [name for name in members if f".{name}".endswith(IMAGE_SUFFIXES)]
    return members[images[0]] if len(images) == 1 else None


def _text(members: dict[str, bytes], request: Request, place: str) -> str | Exception:
    """Returns the text of a sample, or what is wrong with it."""
    try:
        for name in TEXT_ENDINGS:
            if name in members and not request.label_column:
                return decode_text(members[name]).strip("\r\n")
        if "json" in members:
            fields = json_of(decode_text(members["json"]), place)
            if not isinstance(fields, dict):
                raise ValueError("not a JSON object")
            name = field_named(list(fields), request.label_column, LABEL_FIELDS, "--label-column")
            if isinstance(fields[name], str):
                return fields[name]
    except (ValueError, UserError) as error:
        return error
    return ValueError("no text in the sample")
