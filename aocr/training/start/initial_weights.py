"""Sets the first weights of a training run: new ones, a checkpoint, or those of another model."""

from __future__ import annotations

import logging
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from aocr.charset import FIRST_CHARACTER_ID
from aocr.config import Config
from aocr.model import config_file
from aocr.model.variable_names import MOVING_MEAN, MOVING_VARIANCE, VOCABULARY_AXES
from aocr.model.weights import checkpoints
from aocr.model.weights.checkpoints import name_to_read
from aocr.model.weights.files import CheckpointReader
from aocr.training.options import Run
from aocr.training.start import time_plan
from aocr.training.update import weight_averages
from aocr.util.text.plurals import counted


def load_matching_weights(
    session: tf.compat.v1.Session,
    checkpoint: str,
    source_characters: str,
    target_characters: str,
) -> None:
    """Loads the weights of another model as far as they fit, and logs which do not.

    Rows and columns that belong to a symbol are matched by character. Variables that the other
    model lacks keep their values. Where it has the average of a variable, the average is loaded.
    The optimizer's state and the global step are not loaded.

    Args:
        session: a session on the graph of the target model, with initialized variables.
        checkpoint: path of a checkpoint of the source model.
        source_characters: charset of the source model.
        target_characters: charset of the target model.

    Raises:
        UserError: the checkpoint is not whole.
    """
    reader = CheckpointReader(checkpoint)
    charsets = _Charsets(source_characters, target_characters)
    loaded, fresh = [], []
    with session.graph.as_default():
        for variable in _model_variables():
            name = variable.op.name
            stored = name_to_read(name, reader.shapes)
            source = reader.read(stored) if stored in reader.shapes else None
            if source is not None and name in VOCABULARY_AXES:
                axis = VOCABULARY_AXES[name]
                source = _match_symbols(source, session.run(variable), axis, charsets)
            if source is None or list(source.shape) != variable.shape.as_list():
                fresh.append(name)
            else:
                variable.load(source, session)
                loaded.append(name)
    logging.info("Initialized %s from %s.", counted(len(loaded), "variable"), checkpoint)
    _log_differences(fresh, charsets)


class _Charsets(NamedTuple):
    """Holds the characters of both models."""

    source: str
    target: str


def _model_variables() -> list[tf.Variable]:
    """Returns the trainable variables and the moving averages of batch norm."""
    names = {v.op.name for v in tf.compat.v1.trainable_variables()}
    averages = (MOVING_MEAN, MOVING_VARIANCE)
    return [
        variable
        for variable in tf.compat.v1.global_variables()
        if variable.op.name in names or variable.op.name.endswith(averages)
    ]


def _match_symbols(
    source: np.ndarray, target: np.ndarray, axis: int, charsets: _Charsets
) -> np.ndarray | None:
    """Returns the target with the source's values for each symbol that both models have.

    Returns None if the arrays differ in another axis than that of the symbols.
    """
    source, target = np.moveaxis(source, axis, 0), np.moveaxis(target, axis, 0).copy()
    if source.shape[1:] != target.shape[1:]:
        return None
    target[:FIRST_CHARACTER_ID] = source[:FIRST_CHARACTER_ID]
    source_ids = {c: n for n, c in enumerate(charsets.source, FIRST_CHARACTER_ID)}
    for target_id, character in enumerate(charsets.target, FIRST_CHARACTER_ID):
        if character in source_ids:
            target[target_id] = source[source_ids[character]]
    return np.moveaxis(target, 0, axis)


def _log_differences(fresh: list[str], charsets: _Charsets) -> None:
    """Logs which variables and characters the models do not share."""
    if fresh:
        names = ", ".join(fresh)
        logging.info("Keeping fresh values of what is missing there or does not fit: %s.", names)
    new = "".join(c for c in charsets.target if c not in charsets.source)
    if new:
        count = counted(len(new), "character")
        logging.info("Keeping fresh values of %s that the other model lacks: %r.", count, new)
    unused = "".join(c for c in charsets.source if c not in charsets.target)
    if unused:
        count = counted(len(unused), "character")
        logging.info("Ignoring %s that this model lacks: %r.", count, unused)


def initialize_weights(session: tf.compat.v1.Session, run: Run, config: Config) -> None:
    """Sets the session's variables to their values at the start of a run.

    The values are those of the checkpoint to resume from, or else fresh ones, of which a model
    given by `--init-from` replaces those that fit.

    Args:
        session: a session on the training graph.
        run: the checkpoint and the model of `--init-from`.
        config: the config of the session's model.

    Raises:
        UserError: a checkpoint cannot be used.
    """
    if run.checkpoint:
        if run.init_from:
            logging.info("Ignoring --init-from: %s has a checkpoint.", run.model_dir)
        averages = weight_averages.names(session.graph)
        may_lack = [*averages, *time_plan.VARIABLES]
        lacking = checkpoints.restore_training(session, run.checkpoint, may_lack)
        fresh = [name for name in averages if name in lacking]
        weight_averages.start(session, fresh)
        weight_averages.log_change(run.checkpoint, averages, fresh)
        return
    logging.info("Created model with fresh parameters.")
    session.run(tf.compat.v1.global_variables_initializer())
    if run.init_from:
        _load_other_model(session, run.init_from, config)
    weight_averages.start(session, weight_averages.names(session.graph))


def _load_other_model(session: tf.compat.v1.Session, model_dir: str, config: Config) -> None:
    """Loads what fits of the model in a directory, in which a training may run."""
    source = config_file.read(model_dir) or config

    def load(checkpoint: str) -> None:
        load_matching_weights(session, checkpoint, source.characters, config.characters)

    checkpoints.read_while_replaced(load, checkpoints.find_checkpoint(model_dir), None)
