"""Chooses the config and the initial weights of a training run."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

import tensorflow as tf

from aocr.config import Config
from aocr.data.bucket_widths import choose_bucket_widths
from aocr.data.charset_file import characters_of
from aocr.data.dataset_scan import scan
from aocr.data.record_files import expand
from aocr.model import checkpoints, config_file
from aocr.training import warm_start, weight_averages
from aocr.training.run import Run


def choose_config(
    run: Run, given: dict[str, Any], learned: frozenset[str] = frozenset(), drop_wide: bool = False
) -> Config:
    """Returns the config of the model to train.

    A run that resumes from a checkpoint takes the config of that model. A new model takes the
    given fields; the others come from the model of `--init-from`, or are the defaults.

    Args:
        run: names the checkpoint, the dataset, and the model of `--init-from`.
        given: the fields of `Config` that were given as flags.
        learned: the fields of `Config` that a new model takes from the dataset: `characters`, those
            of the labels, sorted by code point, and `bucket_widths`, those that need the least
            padding.
        drop_wide: whether images wider than `max_width` are left out.

    Raises:
        UserError: a flag contradicts the model that is resumed, the model of `--init-from` has no
            checkpoint, the labels have no characters, or flags contradict each other.
    """
    if run.checkpoint:
        config = config_file.of_trained_model(run.model_dir, given)
    else:
        if "characters" in learned:
            given = given | {"characters": characters_of(expand(run.dataset))}
        source = _source_config(run.init_from) if run.init_from else None
        config = dataclasses.replace(source or Config(), **given)
        if "bucket_widths" in learned:
            config = _with_bucket_widths(config, run, drop_wide)
    return config_file.checked(config)


def _with_bucket_widths(config: Config, run: Run, drop_wide: bool) -> Config:
    """Returns a config with the bucket widths that fit the training images, and logs them."""
    widths = scan(expand(run.dataset), config).trainable(drop_wide)
    chosen = choose_bucket_widths(widths, config.image_width)
    shown = ",".join(map(str, chosen)) or "none, because the images are of similar widths"
    logging.info("Bucket widths that fit the training images: %s.", shown)
    return dataclasses.replace(config, bucket_widths=chosen)


def _source_config(model_dir: str) -> Config | None:
    """Returns the stored config of the model of `--init-from`, None if it has none.

    Raises:
        UserError: the model has no checkpoint.
    """
    checkpoints.find_checkpoint(model_dir)  # fails before anything is written
    return config_file.read(model_dir)


def initialize_weights(session: tf.compat.v1.Session, run: Run, config: Config) -> None:
    """Sets the session's variables to their values at the start of a run.

    The values are those of the checkpoint to resume from, or else fresh ones, of which a model
    given by `--init-from` replaces those that fit.

    Args:
        session: a session on the training graph.
        run: names the checkpoint and the model of `--init-from`.
        config: the config of the session's model.

    Raises:
        UserError: a checkpoint cannot be used.
    """
    if run.checkpoint:
        if run.init_from:
            logging.info("Ignoring --init-from: %s has a checkpoint.", run.model_dir)
        averages = weight_averages.names(session.graph)
        lacking = checkpoints.restore_training(session, run.checkpoint, averages)
        weight_averages.start(session, lacking)
        weight_averages.log_change(run.checkpoint, averages, lacking)
        return
    logging.info("Created model with fresh parameters.")
    session.run(tf.compat.v1.global_variables_initializer())
    if run.init_from:
        source = config_file.read(run.init_from) or config
        checkpoint = checkpoints.find_checkpoint(run.init_from)
        warm_start.load_matching_weights(session, checkpoint, source.characters, config.characters)
    weight_averages.start(session, weight_averages.names(session.graph))
