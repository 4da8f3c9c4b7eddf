"""Writes and reads the values of variables as files of a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import tensorflow as tf

from aocr.model.variable_names import average_of
from aocr.model.weights.reader import CheckpointReader, incomplete
from aocr.util.errors import first_line


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


def averages_of_variables() -> dict[str, tf.Variable]:
    """Returns the variables of a graph that does not train, by the names of their averages."""
    return {average_of(v.op.name): v for v in tf.compat.v1.global_variables()}
