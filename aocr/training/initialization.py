"""Chooses the config and the first weights of a training run."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

import tensorflow as tf

from aocr.config import Config
from aocr.data.charset_file import characters_of
from aocr.data.record_files import expand
from aocr.model import checkpoints, config_file
from aocr.training import warm_start
from aocr.training.run import Run
from aocr.util.errors import UserError


def config_of(run: Run, given: dict[str, Any], learn_charset: bool) -> Config:
    """What the model in a directory is, or for a new one what the flags and the data say.

    Args:
        run: its labels give the charset if it is to be learnt; where it begins with the weights
            of another model, that gives what no flag says.
        given: fields of `Config` that were given as flags.
        learn_charset: take the characters of the labels, in the order of their code points.

    Raises:
        UserError: a flag contradicts the model, no label has a character, or a bucket is wider
            than the images.
    """
    if run.checkpoint():
        return _checked(config_file.of_trained_model(run.model_dir, given))
    if learn_charset:
        given = given | {"characters": characters_of(expand(run.dataset))}
    other = config_file.read(run.init_from) if run.init_from else None
    return _checked(dataclasses.replace(other or Config(), **given))


def _checked(config: Config) -> Config:
    """The same; each of its buckets is to be narrower than the images."""
    if config.bucket_widths and config.bucket_widths[-1] >= config.image_width:
        raise UserError(
            f"--bucket-widths: {config.bucket_widths[-1]} is not less than the "
            f"{config.image_width} pixels that --max-width={config.max_width} "
            f"--max-height={config.max_height} come to: leave it out"
        )
    return config


def begin(opened: tf.compat.v1.Session, run: Run, config: Config) -> None:
    """Gives the session's variables the weights of the newest checkpoint, of another model, or
    fresh ones.

    Raises:
        UserError: a checkpoint cannot be used.
    """
    checkpoint = run.checkpoint()
    if checkpoint:
        if run.init_from:
            logging.info("--init-from is passed over: %s has a checkpoint.", run.model_dir)
        checkpoints.restore(opened, checkpoint)
        return
    logging.info("Created model with fresh parameters.")
    opened.run(tf.compat.v1.global_variables_initializer())
    if run.init_from:
        other = config_file.read(run.init_from) or config
        path = checkpoints.find_checkpoint(run.init_from)
        warm_start.begin_with(opened, path, other.characters, config.characters)
