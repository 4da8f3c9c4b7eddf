"""Finds the models that come with aocr, by their names.

This module does not import TensorFlow, so that the command line can be read without it.
"""

from __future__ import annotations

import logging
import os

import aocr
from aocr.util.errors import UserError

LATIN = "latin"
"""Reads digits, both cases and ASCII punctuation. `predict` uses it where there is no other."""

NAMES = (LATIN,)

FOLDER = os.path.join(os.path.dirname(os.path.abspath(aocr.__file__)), "pretrained")
"""Has a model directory for each name."""

_STATE_FILE = "checkpoint"


def is_name(model_dir: str | None) -> bool:
    """Returns whether the value of a flag means a model that comes with aocr.

    A folder of that name in the working directory wins.
    """
    return model_dir in NAMES and not os.path.isdir(model_dir)


def is_installed(name: str) -> bool:
    """Returns whether this installation has the weights of a model that comes with aocr."""
    return os.path.isfile(os.path.join(FOLDER, name, _STATE_FILE))


def folder_of(model_dir: str) -> str:
    """Returns the folder of a model; logs which it is if the name could mean two.

    Args:
        model_dir: a folder, which is returned unchanged, or one of `NAMES`.

    Raises:
        UserError: this installation lacks the weights of the model.
    """
    if not is_name(model_dir):
        if model_dir in NAMES:
            logging.info(
                "%s is a folder here: it is read, and not the model of this name that comes with "
                "aocr.",
                model_dir,
            )
        return model_dir
    folder = os.path.join(FOLDER, model_dir)
    if not is_installed(model_dir):
        raise UserError(
            f"the model {model_dir} comes with aocr, but {folder} has no weights: install aocr "
            f"again, or for a folder of yours write ./{model_dir}"
        )
    return folder
