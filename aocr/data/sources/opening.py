"""Opens sources in the form that is asked for or found."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import tensorflow as tf

from aocr.data.sources.annotations import STDIN, Annotation, Annotations, Rejection, Source
from aocr.data.sources.common import Request
from aocr.data.sources.formats import AUTO, FORMATS, LIST, NAMES
from aocr.util.errors import UserError, first_line
from aocr.util.paths.checks import kind_of_special_file


class FormSource(NamedTuple):
    """Reads a source in one form, see `Source`.

    Attributes:
        path: the file or folder.
        format: a key of `FORMATS`.
        request: how it is read.
    """

    path: str
    format: str
    request: Request

    @property
    def unit(self) -> str:
        """The noun for an annotation."""
        return FORMATS[self.format].unit

    @property
    def base_dir(self) -> str:
        """The folder that relative paths start from, if it is given."""
        return self.request.base_dir

    @property
    def delimiter(self) -> str:
        """The separator of columns, a key of `DELIMITERS`."""
        return self.request.delimiter

    def read(self) -> Iterator[Annotation]:
        """Yields the annotations in order.

        Raises:
            UserError: the source cannot be read.
        """
        if self.path != STDIN and not tf.io.gfile.exists(self.path):
            raise UserError(f"no source {self.path}: no such file or folder")
        module, _, function = FORMATS[self.format].function.partition(".")
        read = getattr(importlib.import_module(f"{__package__}.{module}"), function)
        try:
            yield from map(_checked, read(self.path, self.request))
        except tf.errors.OpError as error:
            raise UserError(f"cannot read {self.path}: {first_line(error)}") from error

    def estimate_count(self) -> int | None:
        """Returns None: most forms tell the number of annotations only at their end."""
        return None

    def beside(self, annotation: Annotation) -> str:
        """Returns an empty path: each form looks where its own images are."""
        del annotation
        return ""


def _checked(annotation: Annotation) -> Annotation:
    """Rejects a text that is no line, which the lists of aocr cannot hold."""
    ends = [end for end in ("\n", "\r", "\0") if end in annotation.label]
    if annotation.rejection or not ends:
        return annotation
    reason = "NUL character in the text" if ends == ["\0"] else "a text of several lines"
    return annotation._replace(rejection=Rejection(reason, annotation.label))


class Sources(NamedTuple):
    """Reads several sources, one after the other, see `Source`.

    Attributes:
        sources: the sources.
    """

    sources: tuple[Source, ...]

    @property
    def path(self) -> str:
        """The names of the sources."""
        return " ".join(each.path for each in self.sources)

    @property
    def unit(self) -> str:
        """The noun for an annotation."""
        return "annotation"

    @property
    def base_dir(self) -> str:
        """The folder that relative paths start from, if it is given."""
        return self.sources[0].base_dir

    @property
    def delimiter(self) -> str:
        """The separator of columns, a key of `DELIMITERS`."""
        return self.sources[0].delimiter

    def read(self) -> Iterator[Annotation]:
        """Yields the annotations of all sources, numbered on, each with its place."""
        number = 0
        for source in self.sources:
            for annotation in source.read():
                number += 1
                place = annotation.place or f"{source.path}, {source.unit} {annotation.number}"
                yield annotation._replace(number=number, place=place)

    def estimate_count(self) -> int | None:
        """Returns the number of annotations and blank lines; None if a source does not tell it."""
        counts = [source.estimate_count() for source in self.sources]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    def beside(self, annotation: Annotation) -> str:
        """Returns where an image is beside its list, by the source that the place names."""
        for source in self.sources:
            if annotation.place.startswith(f"{source.path}, "):
                return source.beside(annotation)
        return ""


def open_sources(paths: Sequence[str], form: str, request: Request) -> Source:
    """Returns what reads the annotations, and logs what each source was taken for.

    Args:
        paths: the sources, at least one.
        form: a key of `FORMATS`, or `AUTO`.
        request: how they are read.

    Raises:
        UserError: a source is not there, or can be read in two ways that differ.
    """
    opened = tuple(_open(path, form, request) for path in paths)
    return opened[0] if len(opened) == 1 else Sources(opened)


def _open(path: str, form: str, request: Request) -> Source:
    plain = Annotations(path, request.delimiter, request.base_dir)
    if form == AUTO and not (path == STDIN or kind_of_special_file(path)):
        from aocr.data.sources.detection import detect

        found = detect(plain, request)
        form, path = found.format, found.path or path
        plain = plain._replace(path=path)
        if found.reason:
            logging.info("%s: read as %s: %s.", path, form, found.reason)
    if form in (AUTO, LIST, NAMES):
        if request.part and (path == STDIN or tf.io.gfile.exists(path)):
            raise UserError(f"{path}: --split={request.part} is for sources that have such parts")
        return plain
    if request.part and not FORMATS[form].has_parts:
        raise UserError(f"{path}: --split={request.part}: a source of --format={form} has no parts")
    return FormSource(path, form, request)
