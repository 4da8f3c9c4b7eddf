"""Weights of one model to begin another with, also one of another charset."""

from __future__ import annotations

import logging

import numpy as np
import tensorflow as tf

from aocr.charset import FIRST_CHARACTER_ID
from aocr.model import checkpoints
from aocr.model.tensor_names import MOVING_MEAN, MOVING_VARIANCE, VOCABULARY_AXES


def begin_with(
    opened: tf.compat.v1.Session, path: str, their_characters: str, our_characters: str
) -> None:
    """Gives a model the weights of another, as far as they fit, and says which did not.

    What belongs to a symbol is matched by character. What the other model lacks stays as it was
    initialised. The optimizer's state and the global step are not taken.

    Args:
        opened: a session on the graph of our model, initialised.
        path: a checkpoint of the other model.
        their_characters: its charset.
        our_characters: ours.

    Raises:
        UserError: the checkpoint is not whole.
    """
    reader = checkpoints.open_checkpoint(path)
    shapes = reader.get_variable_to_shape_map()
    taken, fresh = [], []
    with opened.graph.as_default():
        for variable in _of_the_model():
            name = variable.op.name
            theirs = reader.get_tensor(name) if name in shapes else None
            if theirs is not None and name in VOCABULARY_AXES:
                axis = VOCABULARY_AXES[name]
                theirs = _by_character(
                    theirs, opened.run(variable), axis, their_characters, our_characters
                )
            if theirs is None or list(theirs.shape) != variable.shape.as_list():
                fresh.append(name)
            else:
                variable.load(theirs, opened)
                taken.append(name)
    _log(path, taken, fresh, their_characters, our_characters)


def _of_the_model() -> list[tf.Variable]:
    """All variables but the step and what the optimizer keeps."""
    names = {v.op.name for v in tf.compat.v1.trainable_variables()}
    averages = (MOVING_MEAN, MOVING_VARIANCE)
    return [
        variable
        for variable in tf.compat.v1.global_variables()
        if variable.op.name in names or variable.op.name.endswith(averages)
    ]


def _by_character(
    theirs: np.ndarray, ours: np.ndarray, axis: int, their_characters: str, our_characters: str
) -> np.ndarray | None:
    """Our values, with theirs for each symbol that both have; None if other axes differ."""
    theirs, ours = np.moveaxis(theirs, axis, 0), np.moveaxis(ours, axis, 0).copy()
    if theirs.shape[1:] != ours.shape[1:]:
        return None
    ours[:FIRST_CHARACTER_ID] = theirs[:FIRST_CHARACTER_ID]
    places = {c: n for n, c in enumerate(their_characters, FIRST_CHARACTER_ID)}
    for n, character in enumerate(our_characters, FIRST_CHARACTER_ID):
        if character in places:
            ours[n] = theirs[places[character]]
    return np.moveaxis(ours, 0, axis)


def _log(path: str, taken: list[str], fresh: list[str], theirs: str, ours: str) -> None:
    logging.info("Beginning with %i variables of %s.", len(taken), path)
    if fresh:
        logging.info("Fresh, as they do not fit or are not there: %s.", ", ".join(fresh))
    new = "".join(c for c in ours if c not in theirs)
    if new:
        logging.info("Fresh, as the other model does not know them: the characters %r.", new)
    lost = "".join(c for c in theirs if c not in ours)
    if lost:
        logging.info("Not taken, as this model does not know them: the characters %r.", lost)
