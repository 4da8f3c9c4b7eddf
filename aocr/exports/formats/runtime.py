"""Runs an export in a runtime other than TensorFlow, in a process of its own.

Such a runtime may end its process where it meets a model that it cannot run.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection

import numpy as np

from aocr.util.errors import UserError, first_line
from aocr.util.terminal.tensorflow_import import import_tensorflow

Outputs = dict[str, np.ndarray]
Run = Callable[[dict[str, np.ndarray]], Outputs]
"""Returns the outputs of an export for one image, by their names."""


class Runtime:
    """Holds a process that runs an export.

    Args:
        name: the name of the runtime, for messages.
        module: the name of the module whose `open_model` loads a model.
        content: the file of the model.
    """

    def __init__(self, name: str, module: str, content: bytes) -> None:
        self._name = name
        context = multiprocessing.get_context("spawn")  # TensorFlow's threads do not survive a fork
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_answer, args=(theirs, module, content), daemon=True)
        self._process.start()
        theirs.close()

    def run(self, inputs: dict[str, np.ndarray]) -> Outputs:
        """Returns the outputs for one image, by their names.

        Raises:
            UserError: the runtime cannot run the export.
        """
        try:
            self._connection.send(inputs)
            answer = self._connection.recv()
        except (EOFError, OSError) as error:
            self._process.join()
            raise self._failure(f"ended its process ({_reason(self._process.exitcode)})") from error
        if isinstance(answer, str):
            raise self._failure(f"fails: {answer}")
        return answer

    def _failure(self, how: str) -> UserError:
        return UserError(
            f"{self._name} cannot run the export, and {how}: nothing is exported; export without "
            "--quantize, or in another format"
        )

    def close(self) -> None:
        """Ends the process."""
        self._connection.close()
        self._process.join()


def _reason(code: int | None) -> str:
    """Returns the name of the signal that a process has ended by, or its exit code."""
    return signal.Signals(-code).name if code and code < 0 else f"exit code {code}"


def _answer(connection: Connection, module: str, content: bytes) -> None:
    """Answers inputs by outputs, or by the message of an error, until the connection is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command itself answers Ctrl-C
    import_tensorflow(os.devnull, use_gpu=False)  # without its messages
    try:
        run = importlib.import_module(module).open_model(content)
        while True:
            connection.send(run(connection.recv()))
    except EOFError:
        pass
    except Exception as error:
        connection.send(first_line(error))
