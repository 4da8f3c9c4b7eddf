"""`aocr.json` beside an export: what it was made from, and what was measured.

One folder may hold exports in several formats; the file has an entry for each.
"""

from __future__ import annotations

import json
import logging
import math
import platform
import posixpath
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tensorflow as tf

from aocr import __version__
from aocr.charset import Charset
from aocr.config import Config
from aocr.exports import formats
from aocr.exports.verification import Verification
from aocr.model import config_file
from aocr.model.weights import checkpoints
from aocr.util.errors import first_line
from aocr.util.paths.files import names_in, write_atomically

if TYPE_CHECKING:
    from aocr.model.search.text_search import Search

FILE_NAME = "aocr.json"
EXPORTS = "exports"
BYTES = "bytes"

BEST_VALIDATION = "best.json"
MEASURES = ("exact_match", "character_error_rate")
"""The measures of `best.json` in a model directory, which `aocr train --validation` writes."""


_STEP = re.compile(r"\.ckpt-(\d+)$")


class Origin(NamedTuple):
    """Holds where the weights of an export come from, and which texts it looks for.

    Attributes:
        checkpoint: name of the checkpoint.
        step: its global step.
        validation: its measures on the validation set, by their names; empty if unknown.
        search: the texts that the export looks for; None for greedy decoding.
    """

    checkpoint: str = ""
    step: int = 0
    validation: dict[str, float] = {}  # noqa: RUF012
    search: Search | None = None


def origin_of(checkpoint: str) -> Origin:
    """Returns what is known of a checkpoint.

    Args:
        checkpoint: its path.

    Raises:
        UserError: the checkpoint is damaged.
    """
    folder, name = posixpath.split(checkpoint)
    step = checkpoints.step_of(checkpoint)
    if not step and (
        in_name := _STEP.search(name)
    ):  # a model that comes with aocr has weights only
        step = int(in_name[1])
    return Origin(name, step, _validation(posixpath.join(folder, BEST_VALIDATION), step))


def _validation(path: str, step: int) -> dict[str, float]:
    """Returns the measures in a file `best.json`, if they are those of the weights of a step."""
    if not tf.io.gfile.exists(path):
        return {}
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            facts = json.loads(file.read())
        if facts["step"] != step:
            return {}
        measures = {name: float(facts[name]) for name in MEASURES}
    except (tf.errors.OpError, ValueError, TypeError, KeyError) as error:
        logging.warning("%s is not used: %s", path, first_line(error))
        return {}
    return {name: value for name, value in measures.items() if math.isfinite(value)}


def describe(
    folder: str, name: str, config: Config, origin: Origin, verification: Verification
) -> dict[str, Any]:
    """Returns the content of the file for one export.

    Args:
        folder: the folder of the export, so that its files can be measured.
        name: the name of its format.
        config: the config of the model.
        origin: the origin of the weights.
        verification: how the export compares with the model.
    """
    entry = {
        "checkpoint": origin.checkpoint,
        "step": origin.step,
        "search": origin.search and _search_facts(origin.search),
        "validation": origin.validation or None,
        "verification": verification._asdict(),
        "versions": {
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "numpy": np.__version__,
        },
        BYTES: _sizes(folder, name),
    }
    return {
        "aocr": __version__,
        "config": json.loads(config_file.dumps(config)),
        "charset": list(Charset(config.characters).symbols),
        EXPORTS: {name: entry},
    }


def _search_facts(search: Search) -> dict[str, Any]:
    """Returns the flags of a search; the lexicon by its name, without the folder."""
    return {
        "lexicon": posixpath.basename(search.lexicon) or None,
        "pattern": search.pattern,
        "top": search.top,
        "beam_width": search.beam_width,
        "renormalize": search.renormalize,
    }


def with_sizes(facts: dict[str, Any], folder: str, name: str) -> dict[str, Any]:
    """Returns the content of the file with the sizes of the files of a format in a folder."""
    entry = {**facts[EXPORTS][name], BYTES: _sizes(folder, name)}
    return {**facts, EXPORTS: {**facts[EXPORTS], name: entry}}


def _sizes(folder: str, name: str) -> dict[str, int]:
    """Returns the sizes of the files of a format in bytes; a folder has that of all its files."""
    paths = {each: posixpath.join(folder, each) for each in formats.load_format(name).file_names}
    return {each: _size(path) for each, path in paths.items() if tf.io.gfile.exists(path)}


def _size(path: str) -> int:
    if not tf.io.gfile.isdir(path):
        return tf.io.gfile.stat(path).length
    return sum(_size(posixpath.join(path, name)) for name in names_in(path))


def merged(source: str, folder: str, name: str) -> dict[str, Any]:
    """Returns the content of the file for an export and for those of other formats beside it.

    Args:
        source: folder of the export.
        folder: folder that it is about to be moved into.
        name: the name of its format.
    """
    facts = read(source)
    for other, entry in read(folder).get(EXPORTS, {}).items():
        graph = posixpath.join(folder, formats.GRAPH_FILES.get(other, ""))
        if other != name and other in formats.NAMES and tf.io.gfile.exists(graph):
            facts[EXPORTS][other] = entry
    return facts


def read(folder: str) -> dict[str, Any]:
    """Reads the file of a folder; returns an empty dictionary if there is none, or a damaged one.

    Raises:
        tf.errors.OpError: the file cannot be read.
    """
    path = posixpath.join(folder, FILE_NAME)
    if not tf.io.gfile.exists(path):
        return {}
    with tf.io.gfile.GFile(path, "rb") as file:
        content = file.read()
    try:
        facts = json.loads(content)
        if isinstance(facts[EXPORTS], dict):
            return facts
    except (ValueError, TypeError, KeyError):  # the same as other content
        pass
    logging.warning("%s is damaged, and is replaced.", path)
    return {}


def write(folder: str, facts: dict[str, Any]) -> None:
    """Writes the file, completely or not at all.

    Raises:
        tf.errors.OpError: the file cannot be written.
    """
    content = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
    write_atomically(posixpath.join(folder, FILE_NAME), content.encode())
