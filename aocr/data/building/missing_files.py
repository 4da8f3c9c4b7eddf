"""Explains why image files are not found: where they are, or how their names are written there."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from typing import NamedTuple

from aocr.data.images.files import NO_SUCH_FILE
from aocr.data.sources.annotations import (
    NO_COLUMNS,
    STDIN,
    Annotation,
    Rejection,
    Source,
)
from aocr.data.sources.formats import DELIMITERS
from aocr.util.paths import alike
from aocr.util.paths.alike import Alike, AlikeFinder
from aocr.util.paths.checks import is_remote
from aocr.util.text.characters import visible_text

_MOST_BLANKS, _MOST_FOLDERS = 12, 8
"""Numbers of blanks that a path may have, and of folders that are left out of one."""

DIFFERENCES = {
    alike.CASE: ("in another case", "write each name in the case that it has"),
    alike.FORM: ("in another Unicode form", "write each name in the form, NFC or NFD, that it has"),
    alike.HIDDEN: ("without invisible characters", "take these out"),
    alike.ENDING: ("with another ending", "write the endings of the names"),
}
"""The ways in which names may differ from those in the list, each with its cure."""


NO_FOLDER = "the folder is not there: give --base-dir, or correct the paths in the list"
"""The cause where nothing is found because of a folder."""


class _Reading(NamedTuple):
    """Holds a way to read the path of a line.

    Attributes:
        path: the path.
        phrase: how it differs from what the line says; empty for the line's path.
        cure: what to do.
    """

    path: str
    phrase: str = ""
    cure: str = ""


class MissingFiles:
    """Explains why the files of annotations are not found.

    Args:
        source: the annotations.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._finder = AlikeFinder()
        self._roots = list(_roots(source))

    def explain(self, annotation: Annotation, rejection: Rejection) -> Rejection:
        """Returns a rejection with its cause, if that can be found."""
        is_missing = rejection.reason in (NO_SUCH_FILE, NO_COLUMNS) and not rejection.detail
        if not is_missing or not annotation.line or is_remote(annotation.path):
            return rejection
        places = list(itertools.product(_readings(annotation, self._source.delimiter), self._roots))
        for find in (_exact, self._finder.find):
            for reading, root in places:
                if found := find(root.path, reading.path):
                    return _explained(rejection, found, [reading[1:], root[1:]])
        if rejection.reason == NO_COLUMNS:
            return rejection
        return rejection._replace(cause=_missing_folder(annotation.path))


def _exact(root: str, path: str) -> Alike | None:
    """Returns the file of just this path below a folder, or None."""
    found = os.path.join(root, path)
    return Alike(found, frozenset()) if os.path.isfile(found) else None


def _roots(source: Source) -> Iterator[_Reading]:
    """Yields the folders that paths may start from, each once."""
    folder = "" if source.path == STDIN or is_remote(source.path) else os.path.dirname(source.path)
    yield _Reading(source.base_dir)
    if source.base_dir:
        yield _Reading("", "from the working directory", "leave --base-dir out")
    if folder and folder != source.base_dir:
        cure = f"give --base-dir={folder}" if source.base_dir else ""
        yield _Reading(folder, "beside the list", cure)


def _readings(annotation: Annotation, delimiter: str) -> Iterator[_Reading]:
    """Yields the ways to read the path of a line, the most likely first."""
    path, line = annotation.written, annotation.line
    if not annotation.rejection:
        yield _Reading(path)
    for name, character in DELIMITERS.items():
        column = line.partition(character)[0].strip("\"'")
        if name != delimiter and column and column != line:
            yield _Reading(column, f"if a {name} ends the path", f"give --delimiter={name}")
    if annotation.rejection:  # there is no path
        return
    if delimiter == "space":
        yield from _with_blanks(line)
    if len(plain := path.strip("\"',;")) < len(path):
        yield _Reading(plain, "without the quotes or signs around it", "take these out")
    yield from _with_slashes(path)


def _with_slashes(path: str) -> Iterator[_Reading]:
    """Yields a path with / for \\, and without its first folders."""
    slashed, phrase, cure = path.replace("\\", "/"), "", ""
    if slashed != path:
        phrase, cure = r"with / for \ ", r"write / for \ in the list"
        yield _Reading(slashed, phrase, cure)
        phrase, cure = f"{phrase}and ", f"{cure}, and "
    parts = slashed.lstrip("/").split("/")
    for number in range(1, min(len(parts), _MOST_FOLDERS)):
        less = f"{phrase}without the first folder{'s' if number > 1 else ''} of its path"
        yield _Reading("/".join(parts[number:]), less, f"{cure}leave these folders out of the list")


def _with_blanks(line: str) -> Iterator[_Reading]:
    """Yields the paths that go on after the first blank of a line."""
    pieces = line.split(" ")
    for number in range(2, min(len(pieces), _MOST_BLANKS) + 1):
        path = " ".join(pieces[:number])
        phrase = "if the path goes on after its first blank"
        if number < len(pieces):
            cure = "write a tab between path and label, and give --delimiter=tab"
            yield _Reading(path, phrase, cure)
        for name, character in (("tab", "\t"), ("comma", ",")):
            if character in pieces[number - 1]:
                yield _Reading(path.partition(character)[0], phrase, f"give --delimiter={name}")


def _explained(rejection: Rejection, found: Alike, steps: list[tuple[str, str]]) -> Rejection:
    """Returns a rejection with what leads from the path in the line to the file that was found."""
    steps += [DIFFERENCES[each] for each in sorted(found.differences)]
    phrases = [phrase.strip() for phrase, _ in steps if phrase]
    cures = [cure for _, cure in steps if cure]
    cause = f"the file is there {' and '.join(phrases)}: {'; '.join(cures)}"
    return rejection._replace(detail=f"there is {visible_text(found.path)}", cause=cause)


def _missing_folder(path: str) -> str:
    """Returns the cause of a file whose folder is not there."""
    folder = os.path.dirname(path)
    if not folder or os.path.isdir(folder):
        return ""
    return NO_FOLDER
