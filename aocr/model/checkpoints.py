"""Finds, restores and writes the checkpoints of a model directory."""

from __future__ import annotations

import logging
import posixpath

import tensorflow as tf

from aocr.model.tensor_names import GLOBAL_STEP
from aocr.util.errors import UserError, first_line

LATEST, BEST = "checkpoint", "best"
"""State files of a model directory: they name its newest and its best checkpoint."""


def latest_checkpoint(model_dir: str, state_file: str = LATEST) -> str | None:
    """Returns the path of the checkpoint that a state file names; None if there is no state file.

    Args:
        model_dir: the directory.
        state_file: `LATEST`, or `BEST` for the best checkpoint.

    Raises:
        UserError: the state file names a checkpoint that does not exist.
    """
    state = tf.train.get_checkpoint_state(model_dir, state_file)
    if state is None:
        return None
    path = state.model_checkpoint_path
    if not tf.compat.v1.train.checkpoint_exists(path):
        beside = posixpath.join(model_dir, posixpath.basename(path))  # the directory was moved
        if not tf.compat.v1.train.checkpoint_exists(beside):
            raise UserError(f"{model_dir}/{state_file} names {path}, which does not exist")
        path = beside
    return path


def find_checkpoint(model_dir: str, which: str | None = None) -> str:
    """Returns the path of the checkpoint that a user asks for.

    Args:
        model_dir: the directory.
        which: `best`, `latest`, the number of a step, or a path. None: the best checkpoint if
            there is one, else the latest.

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
        path = _checkpoint_of_step_or_path(model_dir, which)
        cure = "give best, latest, the number of a saved step, or a path without its last suffix"
    if path is None:
        flag = f" --checkpoint={which}" if which else ""
        raise UserError(f"no checkpoint{flag} in {model_dir}: {cure}")
    return path


def _checkpoint_of_step_or_path(model_dir: str, which: str) -> str | None:
    """Returns the first existing checkpoint of a step's number, or of a path; None if none does."""
    candidates = [which]
    if which.isdigit():
        names = f"model.ckpt-{which}", f"best.ckpt-{which}"
        candidates = [posixpath.join(model_dir, name) for name in names]
    return next(filter(tf.compat.v1.train.checkpoint_exists, candidates), None)


def restore(session: tf.compat.v1.Session, path: str) -> None:
    """Restores all variables of the session's graph from a checkpoint.

    Raises:
        UserError: the checkpoint is damaged, or of a model that was trained with other flags.
    """
    with session.graph.as_default():
        variables = tf.compat.v1.global_variables()
        _check_variables(path, variables)
        logging.info("Reading model parameters from %s", path)
        tf.compat.v1.train.Saver(variables).restore(session, path)


def open_checkpoint(path: str) -> tf.train.CheckpointReader:
    """Opens a checkpoint to read single values.

    Raises:
        UserError: the checkpoint is incomplete or damaged.
    """
    try:
        return tf.compat.v1.train.NewCheckpointReader(path)
    except (tf.errors.OpError, ValueError) as error:
        raise UserError(f"{path} is not a complete checkpoint: {first_line(error)}") from error


def step_of(path: str | None) -> int:
    """Returns the global step of a checkpoint; 0 if it has none, or if the path is None."""
    reader = open_checkpoint(path) if path else None
    if reader is None or not reader.has_tensor(GLOBAL_STEP):
        return 0
    return int(reader.get_tensor(GLOBAL_STEP))


def _check_variables(path: str, variables: list[tf.Variable]) -> None:
    """Compares names and shapes before TensorFlow does, whose error would fill many lines."""
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


class CheckpointWriter:
    """Writes `MODEL_DIR/<name>.ckpt-<step>` and a state file, and keeps the last few checkpoints.

    Create it in the graph, once all variables exist.
    """

    def __init__(
        self, model_dir: str, keep: int, name: str = "model", state_file: str = LATEST
    ) -> None:
        """Creates the directory.

        Args:
            model_dir: the directory.
            keep: number of checkpoints to keep; older ones are removed.
            name: prefix of the checkpoints' file names.
            state_file: `LATEST` or `BEST`.

        Raises:
            UserError: the directory cannot be created.
        """
        try:
            tf.io.gfile.makedirs(model_dir)
        except tf.errors.OpError as error:
            raise UserError(f"--model-dir={model_dir}: {first_line(error)}") from error
        self._model_dir, self._state_file = model_dir, state_file
        self._prefix = posixpath.join(model_dir, f"{name}.ckpt")
        self._saver = tf.compat.v1.train.Saver(save_relative_paths=True, max_to_keep=keep)

    def adopt_existing(self) -> None:
        """Counts the directory's existing checkpoints among those to keep."""
        state = tf.train.get_checkpoint_state(self._model_dir, self._state_file)
        if state is not None:
            self._saver.recover_last_checkpoints(state.all_model_checkpoint_paths)

    def save(self, session: tf.compat.v1.Session, step: int) -> None:
        """Writes a checkpoint, which appears once it is complete.

        Raises:
            UserError: it cannot be written, for example because the disk is full.
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
                "earlier checkpoints are unchanged"
            ) from error
