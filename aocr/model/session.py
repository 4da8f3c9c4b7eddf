"""Sessions and checkpoints: the one place that opens, restores and saves."""

from __future__ import annotations

import logging
import posixpath

import tensorflow as tf

from aocr.util.errors import UserError


def open_session(graph: tf.Graph, gpu_id: int) -> tf.compat.v1.Session:
    """A session on the GPU `gpu_id`; on the CPU where that is negative or there is no GPU.

    Raises:
        UserError: the machine has GPUs, but fewer.
    """
    options = tf.compat.v1.ConfigProto(allow_soft_placement=True)
    gpus = tf.config.list_physical_devices("GPU") if gpu_id >= 0 else []
    if gpus:
        if gpu_id >= len(gpus):
            raise UserError(f"--gpu-id={gpu_id}: this machine has GPUs 0 to {len(gpus) - 1}")
        options.gpu_options.visible_device_list = str(gpu_id)
        options.gpu_options.allow_growth = True
    elif gpu_id < 0:
        options.device_count["GPU"] = 0
    return tf.compat.v1.Session(graph=graph, config=options)


def open_on_cpu(graph: tf.Graph) -> tf.compat.v1.Session:
    """A session that leaves the GPUs alone, for reading data."""
    return open_session(graph, gpu_id=-1)


def latest_checkpoint(model_dir: str) -> str | None:
    """The newest checkpoint of the directory, None where there is none.

    Raises:
        UserError: the state file names a checkpoint that is not there.
    """
    state = tf.train.get_checkpoint_state(model_dir)
    if state is None:
        return None
    path = state.model_checkpoint_path
    if not tf.compat.v1.train.checkpoint_exists(path):
        beside = posixpath.join(model_dir, posixpath.basename(path))  # the directory was moved
        if not tf.compat.v1.train.checkpoint_exists(beside):
            raise UserError(f"{model_dir}/checkpoint names {path}, which is not there")
        path = beside
    return path


def require_checkpoint(model_dir: str) -> str:
    """`latest_checkpoint`, where there must be one.

    Raises:
        UserError: there is none.
    """
    path = latest_checkpoint(model_dir)
    if path is None:
        raise UserError(
            f"no checkpoint in {model_dir}: train a model there, or name another with --model-dir"
        )
    return path


def restore(session: tf.compat.v1.Session, model_dir: str) -> str:
    """Restores all variables of the session's graph from the newest checkpoint.

    Raises:
        UserError: there is no checkpoint, or it is of a model with other flags.
    """
    path = require_checkpoint(model_dir)
    with session.graph.as_default():
        variables = tf.compat.v1.global_variables()
        _check_variables(path, variables)
        logging.info("Reading model parameters from %s", path)
        tf.compat.v1.train.Saver(variables).restore(session, path)
    return path


def _check_variables(path: str, variables: list[tf.Variable]) -> None:
    """Compares names and shapes before TensorFlow does, to say it in one line."""
    try:
        stored = tf.compat.v1.train.NewCheckpointReader(path).get_variable_to_shape_map()
    except (tf.errors.OpError, ValueError) as error:
        raise UserError(f"{path} is not a whole checkpoint: {_first_line(error)}") from error
    cure = (
        "was the model trained with other flags (--max-width, --full-ascii, --color, --use-gru, "
        "--attn-num-layers, --attn-num-hidden, --target-embedding-size)?"
    )
    for variable in variables:
        name, shape = variable.op.name, variable.shape.as_list()
        if name not in stored:
            raise UserError(f"{path} holds no {name}: {cure}")
        if stored[name] != shape:
            raise UserError(f"{name} is {stored[name]} in {path} but {shape} here: {cure}")


class Checkpoints:
    """Writes `MODEL_DIR/model.ckpt-<step>` and the `checkpoint` state file; keeps the last five.

    Create it within the graph, once all variables stand.
    """

    def __init__(self, model_dir: str) -> None:
        """Makes the directory.

        Raises:
            UserError: it cannot be made.
        """
        try:
            tf.io.gfile.makedirs(model_dir)
        except tf.errors.OpError as error:
            raise UserError(f"--model-dir={model_dir}: {_first_line(error)}") from error
        self._prefix = posixpath.join(model_dir, "model.ckpt")
        self._saver = tf.compat.v1.train.Saver(save_relative_paths=True)

    def continue_after(self, model_dir: str) -> None:
        """Counts the checkpoints that are there among those to keep."""
        state = tf.train.get_checkpoint_state(model_dir)
        if state is not None:
            self._saver.recover_last_checkpoints(state.all_model_checkpoint_paths)

    def save(self, session: tf.compat.v1.Session, step: int) -> None:
        """Writes one.

        Raises:
            UserError: it could not be written, for lack of room say.
        """
        logging.info("Saving the model at step %i.", step)
        try:
            self._saver.save(session, self._prefix, global_step=step, write_meta_graph=False)
        except (tf.errors.OpError, ValueError) as error:
            reason = _first_line(error)
            raise UserError(
                f"cannot write the checkpoint {self._prefix}-{step}: {reason}"
            ) from error


def _first_line(error: Exception) -> str:
    return str(getattr(error, "message", error)).splitlines()[0]
