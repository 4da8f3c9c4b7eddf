"""`MODEL_DIR/config.json`: what a model was trained for, so that no flag has to be repeated."""

from __future__ import annotations

import logging
import os
import posixpath
from collections.abc import Mapping

import tensorflow as tf

from aocr.config import Config
from aocr.util.errors import UserError

FILE_NAME = "config.json"

FLAGS = {
    "characters": "the charset (--charset, --full-ascii)",
    "channels": "the number of channels (--color)",
}
"""How a person knows those fields of `Config` that are not named like their flag."""


def of_trained_model(model_dir: str, explicit: Mapping[str, object]) -> Config:
    """The config of the model in a directory.

    Args:
        model_dir: with a checkpoint.
        explicit: fields of `Config` that were given as flags. A directory of 0.7.6 has no
            config file: there they decide, with the defaults.

    Raises:
        UserError: a flag contradicts the file, or the file cannot be read.
    """
    stored = read(model_dir)
    if stored is None:
        logging.info("%s has no %s: the flags say what the model is.", model_dir, FILE_NAME)
        return Config(**explicit)  # type: ignore[arg-type]
    for name, value in explicit.items():
        trained_with = getattr(stored, name)
        if value != trained_with:
            flag = FLAGS.get(name, "--" + name.replace("_", "-"))
            raise UserError(
                f"{flag} is {value!r}, but the model in {model_dir} was trained with "
                f"{trained_with!r}: leave the flag out, or name another --model-dir"
            )
    return stored


def read(folder: str) -> Config | None:
    """The config file of a model directory or an export, None where there is none.

    Raises:
        UserError: it is there, but cannot be understood.
    """
    path = posixpath.join(folder, FILE_NAME)
    if not tf.io.gfile.exists(path):
        return None
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            return Config.from_json(file.read().decode())
    except (tf.errors.OpError, ValueError) as error:
        raise UserError(f"cannot use {path}: {error}") from error


def write(folder: str, config: Config) -> None:
    """Writes the config file, whole or not at all.

    Raises:
        UserError: it cannot be written.
    """
    path = posixpath.join(folder, FILE_NAME)
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        tf.io.gfile.makedirs(folder)
        with tf.io.gfile.GFile(temporary, "wb") as file:
            file.write(config.to_json().encode())
        tf.io.gfile.rename(temporary, path, overwrite=True)
    except tf.errors.OpError as error:
        raise UserError(f"cannot write {path}: {error.message}") from error
