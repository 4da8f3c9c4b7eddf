"""Finds a file whose name looks like one that is not there."""

from __future__ import annotations

import functools
import os
import unicodedata
from typing import NamedTuple

from aocr.util.paths.checks import is_remote
from aocr.util.text.characters import is_hidden, visible_text

CASE, FORM, HIDDEN, ENDING = "case", "form", "hidden", "ending"
"""The ways in which names may differ: case, Unicode form, invisible characters, ending."""


class Alike(NamedTuple):
    """Names a file that is there.

    Attributes:
        path: its path.
        differences: how it differs from the path that was looked for, from the constants above.
    """

    path: str
    differences: frozenset[str]


class AlikeFinder:
    """Looks for local files; lists each folder once, and only where a name is not there."""

    @functools.cached_property
    def _folders(self) -> dict[str, dict[str, list[str]]]:
        return {}

    def find(self, root: str, path: str) -> Alike | None:
        """Returns the file that a path below a folder may mean, or None.

        Args:
            root: the folder; empty for the working directory.
            path: the path, relative or absolute, with / between its parts.
        """
        differences = frozenset[str]()
        parts = os.path.join(root, path).split("/")
        found = "/" if not parts[0] else ""
        for number, part in enumerate(parts):
            if part in ("", "."):
                continue
            name = part
            if part != ".." and not os.path.lexists(os.path.join(found, part)):
                name = self._name_like(found, part, number == len(parts) - 1)
                differences |= _differences(part, name)
            if not name:
                return None
            found = os.path.join(found, name)
        return Alike(found, differences) if os.path.isfile(found) else None

    def hint(self, path: str) -> str:
        """Returns which local file a path may mean, as " (there is a.png)"; empty for none."""
        if is_remote(path) or "\0" in path:
            return ""
        found = self.find("", path) or self.find("", path.replace("\\", "/"))
        return f" (there is {visible_text(found.path)})" if found else ""

    def _name_like(self, folder: str, name: str, is_last: bool) -> str:
        names = self._names_in(folder)
        key = _key(name)
        stem = os.path.splitext(key)[0]
        found = names.get(key, [])
        if not found and is_last and len(same := names.get(stem + ".*", [])) == 1:
            found = same
        return found[0] if found else ""

    def _names_in(self, folder: str) -> dict[str, list[str]]:
        """Returns the names in a folder by their keys, and by their stems with `.*` after them."""
        if folder not in self._folders:
            names: dict[str, list[str]] = {}
            try:
                listed = sorted(os.listdir(folder or "."))
            except (OSError, ValueError):
                listed = []
            for name in listed:
                key = _key(name)
                names.setdefault(key, []).append(name)
                names.setdefault(os.path.splitext(key)[0] + ".*", []).append(name)
            self._folders[folder] = names
        return self._folders[folder]


def _visible(name: str) -> str:
    return "".join(c for c in name if not is_hidden(c)).strip()


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", _visible(name).casefold())


def _differences(given: str, found: str) -> frozenset[str]:
    """Returns how two names differ that have the same key, or the same but for their endings."""
    if not found:
        return frozenset()
    if _key(given) != _key(found):
        return frozenset([ENDING])
    seen, there = _visible(given), _visible(found)
    forms = [unicodedata.normalize("NFC", name) for name in (seen, there)]
    different = {
        HIDDEN: (seen, there) != (given, found),
        FORM: seen.casefold() != there.casefold(),
        CASE: forms[0] != forms[1],
    }
    return frozenset(name for name, differs in different.items() if differs)
