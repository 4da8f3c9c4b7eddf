"""`MODEL_DIR/config.json`: keeps a model's config, so that no flag has to be repeated."""

from __future__ import annotations

import dataclasses
import json
import logging
import posixpath
import re
from collections.abc import Collection, Mapping
from typing import Any

import tensorflow as tf

from aocr import __version__
from aocr.charset import Charset
from aocr.config import BACKBONES, CHANGEABLE_FIELDS, CLASSIC_RESIZE, DECODERS, IMAGE_HEIGHT, Config
from aocr.util.errors import UserError, first_line
from aocr.util.options import options_of, values_from_json
from aocr.util.paths.files import write_atomically

PROGRAM = "aocr"
"""Key of the version of the program that wrote a file, and the program's name."""

REMOVED, NOT_THERE = "rectify", "none"
"""Key of what models of development versions could have, and its value in those that lack it."""

_VERSION = re.compile(r"(\d{1,9})\.(\d{1,9})")
"""Matches the part of a version that changes when the meaning of a file changes."""


class UnsupportedModelError(ValueError):
    """Says that a file is in order, but that its model has a part that was removed."""


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


def dumps(config: Config) -> str:
    """Returns the fields as indented JSON, with the resulting image size for human readers."""
    facts = {
        "aocr": __version__,
        "architecture": architecture(config.backbone, config.decoder),
        **dataclasses.asdict(config),
        "preparation": _preparation(config),
    }
    return json.dumps(facts, indent=2, ensure_ascii=False) + "\n"


def loads(text: str) -> Config:
    """Returns the config that `dumps` wrote.

    Raises:
        UnsupportedModelError: the model has a part that was removed.
        ValueError: the text is not JSON, or a key or value is missing or not permitted.
    """
    facts = parse_object(text)
    _check_architecture(facts)
    check_version(facts, __version__)
    _check_removed(facts)
    names = {each.name for each in options_of(Config)}
    check_keys(facts, {"aocr", "architecture", "preparation", REMOVED} | names)
    config = Config(**values_from_json(Config, facts))
    Charset(config.characters)  # raises ValueError if it is empty or repeats a character
    config.check()
    expected = _preparation(config)
    if (given := facts.get("preparation", expected)) != expected:
        sizes = f"max_width={config.max_width} and max_height={config.max_height}"
        raise ValueError(f"its preparation is {given!r:.80}, but {sizes} lead to {expected}")
    return config


def architecture(backbone: object, decoder: object) -> str:
    """Returns the name of a network, as `config.json` and the log state it."""
    return f"{backbone} CNN, bidirectional LSTM, {decoder} decoder"


def _check_architecture(facts: dict[str, Any]) -> None:
    """Raises a ValueError if an object is not the config of a model, or contradicts itself."""
    backbone, decoder = (facts.get(n, getattr(Config, n)) for n in ("backbone", "decoder"))
    expected = architecture(backbone, decoder)
    are_known = backbone in BACKBONES and decoder in DECODERS  # the check of values says if not
    if "architecture" not in facts or (are_known and facts["architecture"] != expected):
        raise ValueError(f'it does not say "architecture": "{expected}"')


def _check_removed(facts: Mapping[str, Any]) -> None:
    """Raises an `UnsupportedModelError` for a model that straightens images: `--rectify=tps`."""
    value = facts.get(REMOVED)
    if value not in (None, NOT_THERE):
        writer = facts.get(PROGRAM, "1.0.0.dev0")
        raise UnsupportedModelError(
            f"its {REMOVED} is {value!r:.80}, but --{REMOVED} was removed: train the model again "
            f"without it, or read it with the aocr {writer!s:.80} that it was trained with"
        )


def _preparation(config: Config) -> dict[str, object]:
    """Returns the preparation of images, as `config.json` states it for human readers."""
    is_classic = config.resize == CLASSIC_RESIZE
    resize = "TensorFlow 1 bicubic" if is_classic else "antialiased, to the full height"
    return {"height": IMAGE_HEIGHT, "width": config.image_width, "resize": resize}


FILE_NAME = "config.json"

FLAGS = {
    "characters": "the charset (--charset, --full-ascii)",
    "channels": "the number of channels (--color)",
}
"""Names of the fields of `Config` whose flags are named differently, for messages."""


def flag_of(name: str) -> str:
    """Returns how messages name a field of `Config`: by its flag."""
    return FLAGS.get(name, "--" + name.replace("_", "-"))


def of_trained_model(model_dir: str, explicit: Mapping[str, object]) -> Config:
    """Returns the config of the model in a directory.

    Args:
        model_dir: a directory with a checkpoint.
        explicit: the fields of `Config` that were given as flags. They and the defaults make the
            config if the directory has no config file, as directories of 0.7.6 have none.

    Raises:
        UserError: a flag contradicts the file, or the file cannot be read.
    """
    stored = read(model_dir)
    if stored is None:
        logging.info("%s has no %s: the flags say what the model is.", model_dir, FILE_NAME)
        return checked(Config(**explicit))  # type: ignore[arg-type]
    for name, value in explicit.items():
        trained_with = getattr(stored, name)
        if value != trained_with and name not in CHANGEABLE_FIELDS:
            raise UserError(
                f"{flag_of(name)} is {value!r}, but the model in {model_dir} was trained with "
                f"{trained_with!r}: leave the flag out, or name another --model-dir"
            )
    changed = {name: explicit[name] for name in CHANGEABLE_FIELDS if name in explicit}
    return checked(dataclasses.replace(stored, **changed))  # type: ignore[arg-type]


def exists(folder: str) -> bool:
    """Returns whether a model directory or an export has a config file."""
    return bool(tf.io.gfile.exists(posixpath.join(folder, FILE_NAME)))


def read(folder: str) -> Config | None:
    """Reads the config file of a model directory or an export; returns None if there is none.

    Raises:
        UserError: the file cannot be read or understood.
    """
    path = posixpath.join(folder, FILE_NAME)
    if not tf.io.gfile.exists(path):
        return None
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            return loads(file.read().decode())
    except UnsupportedModelError as error:
        raise UserError(f"cannot use {path}: {error}") from error
    except (tf.errors.OpError, ValueError) as error:
        cure = "correct it, or restore it from a copy"
        raise UserError(f"cannot use {path}: {first_line(error)}: {cure}") from error


def checked(config: Config) -> Config:
    """Returns a config made of flags.

    Raises:
        UserError: flags that are permitted each by itself contradict each other.
    """
    try:
        config.check()
    except ValueError as error:
        raise UserError(f"flags of the model: {error}: change one of them") from error
    return config


def write(folder: str, config: Config) -> None:
    """Writes the config file, completely or not at all. Creates the folder if it does not exist.

    Raises:
        UserError: the file cannot be written.
    """
    path = posixpath.join(folder, FILE_NAME)
    try:
        tf.io.gfile.makedirs(folder)
        write_atomically(path, dumps(config).encode())
    except tf.errors.OpError as error:
        raise UserError(f"cannot write {path}: {first_line(error)}") from error
