"""`MODEL_DIR/config.json`: keeps a model's config, so that no flag has to be repeated."""

from __future__ import annotations

import dataclasses
import logging
import posixpath
from collections.abc import Mapping

import tensorflow as tf

from aocr import config_json
from aocr.config import CHANGEABLE_FIELDS, Config
from aocr.util.errors import UserError, first_line
from aocr.util.paths.files import write_atomically

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
            return config_json.loads(file.read().decode())
    except config_json.UnsupportedModelError as error:
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
        write_atomically(path, config_json.dumps(config).encode())
    except tf.errors.OpError as error:
        raise UserError(f"cannot write {path}: {first_line(error)}") from error
