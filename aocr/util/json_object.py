"""Parses and checks the JSON objects that settings are stored in. Failures are ValueErrors."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

PROGRAM = "aocr"
"""Key of the version of the program that wrote a file, and the program's name."""

_VERSION = re.compile(r"(\d{1,9})\.(\d{1,9})")
"""Matches the part of a version that changes when the meaning of a file changes."""


def parse_object(text: str) -> dict[str, Any]:
    """Returns a JSON object.

    Raises:
        ValueError: the text is not JSON, is not an object, or has a key twice.
    """
    try:
        facts = json.loads(text, object_pairs_hook=_without_repetition)
    except RecursionError as error:
        raise ValueError("its lists or objects are nested too deeply") from error
    if not isinstance(facts, dict):
        raise ValueError("it is not a JSON object")
    return facts


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    facts = dict(pairs)
    if len(facts) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"it has {repeated} more than once")
    return facts


def check_version(facts: Mapping[str, Any], own: str) -> None:
    """Refuses an object of a later version, which may mean something else.

    Args:
        facts: the object; without a version it is accepted.
        own: the version of this program.

    Raises:
        ValueError: the version is later than this, or is no version.
    """
    written_by = facts.get(PROGRAM, own)
    version = _VERSION.match(written_by) if isinstance(written_by, str) else None
    if not version:
        raise ValueError(f"its {PROGRAM} is {written_by!r:.80}, which is not a version")
    if _numbers(version) > _numbers(_VERSION.match(own)):
        later = f"{written_by!r:.80}, a later version than this, {own}"
        raise ValueError(f"its {PROGRAM} is {later}: update {PROGRAM}")


def _numbers(version: re.Match | None) -> tuple[int, ...]:
    return tuple(map(int, version.groups())) if version else ()


def check_keys(facts: Mapping[str, Any], known: Collection[str]) -> None:
    """Refuses an object with a key that this program does not know.

    Raises:
        ValueError: names the first such key, and who wrote it.
    """
    for name, value in facts.items():
        if name not in known:
            writer = f"{PROGRAM} {facts.get(PROGRAM, '(unknown version)')!s:.80}"
            raise ValueError(f"its key {name!r:.80} ({value!r:.80}) is unknown; {writer} wrote it")
