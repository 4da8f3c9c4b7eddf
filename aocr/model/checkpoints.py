"""Sessions and checkpoints: the one place that opens, restores and saves."""

from __future__ import annotations

import logging
import posixpath

import tensorflow as tf

from aocr.util.errors import UserError, first_line

LATEST, BEST = "checkpoint", "best"
"""State files of a model directory: they name its newest and its best checkpoint."""

STEP = "Variable"
"""The global step's name in every checkpoint."""


def latest_checkpoint(model_dir: str, state_file: str = LATEST) -> str | None:
    """The newest checkpoint of the directory, None where there is none.

    Args:
        model_dir: the directory.
        state_file: `LATEST`, or `BEST` for the best checkpoint.

    Raises:
        UserError: the state file names a checkpoint that is not there.
    """
    state = tf.train.get_checkpoint_state(model_dir, state_file)
    if state is None:
        return None
    path = state.model_checkpoint_path
    if not tf.compat.v1.train.checkpoint_exists(path):
        beside = posixpath.join(model_dir, posixpath.basename(path))  # the directory was moved
        if not tf.compat.v1.train.checkpoint_exists(beside):
            raise UserError(f"{model_dir}/{state_file} names {path}, which is not there")
        path = beside
    return path


def find_checkpoint(model_dir: str, which: str | None = None) -> str:
    """The checkpoint that a person asks for.

    Args:
        model_dir: the directory.
        which: `best`, `latest`, the number of a step, or a path; None for the best where there is
            one and else the latest.

    Raises:
        UserError: there is no such checkpoint.
    """
    if which is None:
        path = latest_checkpoint(model_dir, BEST) or latest_checkpoint(model_dir)
        cure = "train a model there, or name another with --model-dir"
    elif which in ("best", "latest"):
        path = latest_checkpoint(model_dir, BEST if which == "best" else LATEST)
        cure = "train with --validation" if which == "best" else "train a model there"
    else:
        candidates = [which]
        if which.isdigit():
            names = (f"model.ckpt-{which}", f"best.ckpt-{which}")
            candidates = [posixpath.join(model_dir, name) for name in names]
        path = next(filter(tf.compat.v1.train.checkpoint_exists, candidates), None)
        cure = "give best, latest, the number of a saved step, or a path without its last suffix"
    if path is None:
        asked = f" --checkpoint={which}" if which else ""
        raise UserError(f"no checkpoint{asked} in {model_dir}: {cure}")
    return path


def restore(session: tf.compat.v1.Session, path: str) -> None:
    """Restores all variables of the session's graph from a checkpoint.

    Raises:
        UserError: the checkpoint is broken, or of a model with other flags.
    """
    with session.graph.as_default():
        variables = tf.compat.v1.global_variables()
        _check_variables(path, variables)
        logging.info("Reading model parameters from %s", path)
        tf.compat.v1.train.Saver(variables).restore(session, path)


def open_checkpoint(path: str) -> tf.train.CheckpointReader:
    """A reader of a checkpoint's values.

    Raises:
        UserError: it is not whole.
    """
    try:
        return tf.compat.v1.train.NewCheckpointReader(path)
    except (tf.errors.OpError, ValueError) as error:
        raise UserError(f"{path} is not a whole checkpoint: {first_line(error)}") from error


def step_of(path: str | None) -> int:
    """The global step of a checkpoint; 0 for none."""
    reader = open_checkpoint(path) if path else None
    if reader is None or not reader.has_tensor(STEP):
        return 0
    return int(reader.get_tensor(STEP))


def _check_variables(path: str, variables: list[tf.Variable]) -> None:
    """Compares names and shapes before TensorFlow does, to say it in one line."""
    stored = open_checkpoint(path).get_variable_to_shape_map()
    cure = (
        "was the model trained with other flags (--max-width, --full-ascii, --color, --use-gru, "
        "--attn-num-layers, --attn-num-hidden, --target-embedding-size, --optimizer)?"
    )
    for variable in variables:
        name, shape = variable.op.name, variable.shape.as_list()
        if name not in stored:
            raise UserError(f"{path} holds no {name}: {cure}")
        if stored[name] != shape:
            raise UserError(f"{name} is {stored[name]} in {path} but {shape} here: {cure}")


class Checkpoints:
    """Writes `MODEL_DIR/<name>.ckpt-<step>` and the state file; keeps the last few.

    Create it within the graph, once all variables stand.
    """

    def __init__(
        self, model_dir: str, keep: int, name: str = "model", state_file: str = LATEST
    ) -> None:
        """Makes the directory.

        Raises:
            UserError: it cannot be made.
        """
        try:
            tf.io.gfile.makedirs(model_dir)
        except tf.errors.OpError as error:
            raise UserError(f"--model-dir={model_dir}: {first_line(error)}") from error
        self._model_dir, self._state_file = model_dir, state_file
        self._prefix = posixpath.join(model_dir, f"{name}.ckpt")
        self._saver = tf.compat.v1.train.Saver(save_relative_paths=True, max_to_keep=keep)

    def count_former(self) -> None:
        """Counts the checkpoints that are there among those to keep."""
        state = tf.train.get_checkpoint_state(self._model_dir, self._state_file)
        if state is not None:
            self._saver.recover_last_checkpoints(state.all_model_checkpoint_paths)

    def save(self, session: tf.compat.v1.Session, step: int) -> None:
        """Writes one. It appears when it is complete.

        Raises:
            UserError: it could not be written, for lack of room say.
        """
        try:
            self._saver.save(
                session,
                self._prefix,
                global_step=step,
                latest_filename=self._state_file,
                write_meta_graph=False,
            )
        except (tf.errors.OpError, ValueError) as error:
            reason = first_line(error)
            raise UserError(
                f"cannot write the checkpoint {self._prefix}-{step}: {reason}; "
                "those before it are as they were"
            ) from error
