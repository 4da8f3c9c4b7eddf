"""Finds, restores and writes the checkpoints of a model directory."""

from __future__ import annotations

import contextlib
import functools
import logging
import posixpath
from collections.abc import Callable, Collection, Container, Mapping, Sequence

import tensorflow as tf

from aocr.model.variable_names import GLOBAL_STEP
from aocr.model.weights import files
from aocr.model.weights.files import (
    BEST,
    LATEST,
    PREFIXES,
    CheckpointReader,
    RemovedCheckpointError,
    incomplete,
)
from aocr.util.errors import UserError, first_line
from aocr.util.text.plurals import counted


class VariableFiles:
    """Writes and reads the values of variables as checkpoints.

    Create it within the graph.

    Args:
        variables: the variables, or the variables by the names that a checkpoint has for them;
            None for all of the graph.
    """

    def __init__(
        self, variables: Sequence[tf.Variable] | Mapping[str, tf.Variable] | None = None
    ) -> None:
        self._names = tf.compat.v1.train.Saver(variables).saver_def

    def write(self, session: tf.compat.v1.Session, path: str) -> None:
        """Writes a checkpoint.

        Raises:
            tf.errors.OpError: it cannot be written.
        """
        session.run(self._names.save_tensor_name, {self._names.filename_tensor_name: path})

    def read(self, session: tf.compat.v1.Session, path: str) -> None:
        """Sets the variables to the values of a checkpoint.

        Raises:
            UserError: the checkpoint is damaged, or lacks a variable.
        """
        try:
            session.run(self._names.restore_op_name, {self._names.filename_tensor_name: path})
        except tf.errors.OpError as error:
            problem = CheckpointReader(path).damage() or first_line(error)
            raise incomplete(path, problem) from error


def latest_checkpoint(model_dir: str, state_file: str = LATEST) -> str | None:
    """Returns the path of the checkpoint that a state file names; None for a new directory.

    A missing state file is an error beside checkpoints of training: a training that started there
    with new weights would replace them. The best checkpoint may lack its state file, because a run
    that is killed may leave it so.

    Args:
        model_dir: the directory.
        state_file: `LATEST`, or `BEST` for the best checkpoint.

    Raises:
        UserError: the state file is missing, garbage, or names a checkpoint that does not exist.
    """
    file = posixpath.join(model_dir, state_file)
    try:
        state = files.read_state(model_dir, state_file)
    except ValueError as error:
        raise _state_error(model_dir, state_file, f"{file} is damaged") from error
    if state is None:
        if state_file == LATEST and files.checkpoints_in(model_dir, PREFIXES[LATEST]):
            raise _state_error(model_dir, state_file, f"{file} is missing")
        return None
    path = posixpath.join(model_dir, state.current)
    if not files.exists(path):
        if files.read_state(model_dir, state_file) != state:  # a training has just replaced it
            return latest_checkpoint(model_dir, state_file)
        beside = posixpath.join(model_dir, posixpath.basename(path))  # the directory was moved
        if not files.exists(beside):
            problem = f"{file} names {path}, which does not exist"
            raise _state_error(model_dir, state_file, problem)
        path = beside
    return path


def _state_error(model_dir: str, state_file: str, problem: str) -> UserError:
    """Returns the error about a state file, with the directory's checkpoints and the cure."""
    names = files.checkpoints_in(model_dir, PREFIXES[state_file])
    if not names:
        file = posixpath.join(model_dir, state_file)
        return UserError(f"{problem}: restore it from a copy, or remove {file} to train anew")
    newest = names[-1]
    return UserError(
        f"{problem}, but {model_dir} has {', '.join(names)}: write the line "
        f"'model_checkpoint_path: \"{newest}\"' into {posixpath.join(model_dir, state_file)}, or "
        f"give test, predict and export --checkpoint={newest.rpartition('-')[2]}; to train a new "
        "model, name another --model-dir"
    )


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


MAX_LOOKS = 100
"""Number of times that a checkpoint is looked for that a training removes before it is read."""


def read_while_replaced(read: Callable[[str], object], path: str, which: str | None) -> str:
    """Reads a checkpoint, or the one that has taken its place, and returns the path of that.

    Args:
        read: a function that reads a checkpoint, given its path.
        path: the path of the checkpoint, as it was found.
        which: what it was found by (`find_checkpoint`). A step or a path has no other in its place.

    Raises:
        UserError: the checkpoint cannot be read.
    """
    for look in range(MAX_LOOKS):
        try:
            read(path)
            break
        except RemovedCheckpointError:
            if which not in (None, "best", "latest") or look == MAX_LOOKS - 1:
                raise
            gone, path = path, find_checkpoint(posixpath.dirname(path), which)
            logging.info("A training has removed %s meanwhile: reading %s.", gone, path)
    return path


def _checkpoint_of_step_or_path(model_dir: str, which: str) -> str | None:
    """Returns the first existing checkpoint of a step's number, or of a path; None if none does."""
    candidates = [which]
    if which.isdigit():
        names = f"model.ckpt-{which}", f"best.ckpt-{which}"
        candidates = [posixpath.join(model_dir, name) for name in names]
    return next(filter(files.exists, candidates), None)


def restore(session: tf.compat.v1.Session, path: str, which: str | None = "path") -> str:
    """Restores all variables of a graph that does not train.

    Where the checkpoint has the average of a variable (`--ema-decay`), the average is restored.

    Args:
        session: a session on the graph.
        path: the path of the checkpoint.
        which: what it was found by, see `read_while_replaced`.

    Returns:
        The path of the checkpoint that was restored.

    Raises:
        UserError: the checkpoint is damaged, or of a model that was trained with other flags.
    """
    return read_while_replaced(functools.partial(_restore, session), path, which)


def _restore(session: tf.compat.v1.Session, path: str) -> None:
    stored = CheckpointReader(path).shapes
    with session.graph.as_default():
        named = variables_to_read(stored)
        _read(session, path, named)
        if count := sum(map(is_average, named)):
            text = "Reading the averages of %s, as trained with --ema-decay."
            logging.info(text, counted(count, "variable"))


def restore_training(
    session: tf.compat.v1.Session, path: str, may_lack: Collection[str] = ()
) -> list[str]:
    """Restores all variables of a training graph: weights as weights, averages as averages.

    Args:
        session: a session on the graph.
        path: the path of the checkpoint.
        may_lack: names of variables that the checkpoint may lack. They keep their values.

    Returns:
        The names of those that it lacks.

    Raises:
        UserError: the checkpoint is damaged, or of a model that was trained with other flags.
    """
    stored = CheckpointReader(path).shapes
    lacking = [name for name in may_lack if name not in stored]
    with session.graph.as_default():
        variables = {v.op.name: v for v in tf.compat.v1.global_variables()}
        _read(session, path, {n: v for n, v in variables.items() if n not in lacking})
    return lacking


def _read(session: tf.compat.v1.Session, path: str, named: Mapping[str, tf.Variable]) -> None:
    """Sets variables, given by the names that they have in a checkpoint, to its values."""
    _check_variables(path, named)
    logging.info("Reading model parameters from %s", path)
    VariableFiles(named).read(session, path)


def step_of(path: str | None) -> int:
    """Returns the global step of a checkpoint; 0 if it has none, or if the path is None.

    Raises:
        UserError: the checkpoint is damaged.
    """
    reader = CheckpointReader(path) if path else None
    if reader is None or GLOBAL_STEP not in reader.shapes:
        return 0
    return int(reader.read(GLOBAL_STEP))


def _check_variables(path: str, named: Mapping[str, tf.Variable]) -> None:
    """Compares names and shapes before TensorFlow does, whose error would fill many lines."""
    stored = CheckpointReader(path).shapes
    flags = "--max-width, --full-ascii, --color, --use-gru, --attn-num-layers, --attn-num-hidden"
    cure = (
        f"was the model trained with other flags ({flags}, --target-embedding-size, --optimizer)?"
    )
    for name, variable in named.items():
        shape = variable.shape.as_list()
        if name not in stored:
            raise UserError(f"{path} holds no {name}: {cure}")
        if stored[name] != shape:
            raise UserError(f"{name} is {stored[name]} in {path} but {shape} here: {cure}")


class CheckpointWriter:
    """Writes `MODEL_DIR/<name>.ckpt-<step>` and a state file, and keeps the last few checkpoints.

    Create it in the graph, once all variables exist; elsewhere it can only copy.
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
        self._model_dir, self._state_file, self._keep = model_dir, state_file, keep
        self._name = name
        self._files = VariableFiles() if tf.compat.v1.global_variables() else None
        self._kept: list[str] = []

    def adopt_existing(self) -> None:
        """Counts the directory's existing checkpoints among those to keep."""
        state = files.read_state(self._model_dir, self._state_file)
        names = map(posixpath.basename, state.kept if state else [])
        self._kept = [name for name in names if files.exists(self._path(name))]

    def has_kept(self) -> bool:
        """Returns whether the newest checkpoint that was kept is still there."""
        return bool(self._kept) and files.exists(self._path(self._kept[-1]))

    def save(self, source: tf.compat.v1.Session | str, step: int) -> None:
        """Writes a checkpoint, which appears once it is complete.

        Args:
            source: the session with the variables, or the path of a checkpoint to copy.
            step: global step.

        Raises:
            UserError: it cannot be written, for example because the disk is full.
        """
        path = self._path(name := f"{self._name}.ckpt-{step}")
        try:
            self._write(source, path)
            kept = (each for each in self._kept if files.exists(self._path(each)))
            self._kept = [*(each for each in kept if each != name), name]
            removed, self._kept = self._kept[: -self._keep], self._kept[-self._keep :]
            files.write_state(self._model_dir, self._state_file, self._kept)
            for each in removed:
                files.remove(self._path(each))
        except (tf.errors.OpError, ValueError) as error:
            with contextlib.suppress(UserError, tf.errors.OpError):
                files.remove_partial(path)
            reason = first_line(error)
            raise UserError(
                f"cannot write the checkpoint {path}: {reason}; earlier checkpoints are unchanged"
            ) from error

    def _write(self, source: tf.compat.v1.Session | str, path: str) -> None:
        if isinstance(source, str):
            files.copy(source, path)
        elif self._files:
            self._files.write(source, path)

    def _path(self, name: str) -> str:
        return posixpath.join(self._model_dir, name)


AVERAGE_SUFFIX = "/EMA"
"""Follows the name of a variable in the name of its moving average over the steps."""


def average_of(name: str) -> str:
    """Returns the name of the moving average of a variable."""
    return name + AVERAGE_SUFFIX


def is_average(name: str) -> bool:
    """Returns whether a variable is the moving average of another."""
    return name.endswith(AVERAGE_SUFFIX)


def name_to_read(name: str, stored: Container[str]) -> str:
    """Returns under which name a model that does not train reads a variable.

    Args:
        name: the name of the variable.
        stored: the names in a checkpoint.

    Returns:
        The name of its average if the checkpoint has it, else its own.
    """
    average = average_of(name)
    return average if average in stored else name


def variables_to_read(stored: Container[str]) -> dict[str, tf.Variable]:
    """Returns all variables of a graph that does not train, by their `name_to_read`."""
    return {name_to_read(v.op.name, stored): v for v in tf.compat.v1.global_variables()}
