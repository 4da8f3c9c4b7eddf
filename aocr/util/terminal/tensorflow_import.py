"""Imports TensorFlow fast, with its fastest CPU kernels and without output on the console."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import NoReturn

from aocr.util.paths.checks import is_remote
from aocr.util.terminal import signals

_END = b"\0"
"""Follows the messages in the pipe if nobody needs them."""


@contextlib.contextmanager
def hide_native_messages() -> Iterator[None]:
    """Hides what this process writes to file descriptor 2 in the block.

    A child process keeps the messages. It logs them if the block raises, or if the process dies in
    the block, for example because TensorFlow needs instructions that the CPU lacks.
    """
    reading, writing = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, signals.STOP_SIGNALS)  # Ctrl-C reaches the child, too
    child = os.fork()
    if child == 0:
        os.close(writing)
        _log_unless_ended(reading)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals.STOP_SIGNALS)
    os.close(reading)
    try:
        with redirect_stderr(writing, on_signal=lambda: os.write(writing, _END)):
            yield
        os.write(writing, _END)
    finally:
        os.close(writing)
        os.waitpid(child, 0)


def _log_unless_ended(reading: int) -> NoReturn:
    """Reads messages until nobody can write more, logs them unless `_END` follows, and exits."""
    try:
        with open(reading, "rb") as pipe:
            messages = pipe.read()
        if not messages.endswith(_END):
            logging.error("TensorFlow could not be imported. Its last messages:")
            for line in messages.decode("utf-8", "replace").splitlines():
                logging.error("%s", line)
    finally:
        os._exit(0)


@contextlib.contextmanager
def redirect_stderr(target: int, on_signal: Callable[[], object] | None = None) -> Iterator[None]:
    """Writes to another file descriptor what this process writes to descriptor 2 in the block.

    A stop signal ends the process. It is reported on the console.

    Args:
        target: a file descriptor.
        on_signal: a function that is called before the process ends.
    """
    console = os.dup(2)

    def end_process(number: int, frame: object) -> None:
        if on_signal:
            on_signal()
        os.dup2(console, 2)
        signals.end_process(number, frame)

    with signals.handled_by(end_process):
        os.dup2(target, 2)
        try:
            yield
        finally:
            os.dup2(console, 2)
            os.close(console)


LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
"""Environment variable with which users ask for messages of TensorFlow's C++ code."""

NO_MESSAGES = "3"
"""Its highest level. TensorFlow writes some messages nevertheless."""

KERAS_PACKAGES = ("keras", "tf_keras")


def import_tensorflow(log_path: str, use_gpu: bool = True) -> None:
    """Imports TensorFlow without its start-up messages.

    TensorFlow's C++ code writes these messages to the file descriptor of stderr, whatever
    TF_CPP_MIN_LOG_LEVEL is. If the user has set it to a level below 3, they are appended to the
    log file. If the import fails or ends the process, they are logged as errors.

    Turns on the oneDNN kernels, which TensorFlow leaves off on CPUs without AVX-512: they make a
    training step a third faster. Environment variables that are set already are kept.

    Args:
        log_path: the log file. Messages that the user asked for are dropped if it is remote.
        use_gpu: False hides the GPUs, so that TensorFlow does not reserve their memory.

    Raises:
        OSError: the log file cannot be written.
    """
    if not use_gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    os.environ.setdefault(LOG_LEVEL, NO_MESSAGES)
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with _messages_off_the_console(log_path):
        with _without_keras(), _without_garbage_collection():
            import tensorflow as tf

        for gpu in tf.config.list_physical_devices("GPU"):  # the search for GPUs prints, too
            tf.config.experimental.set_memory_growth(gpu, True)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


@contextlib.contextmanager
def _without_keras() -> Iterator[None]:
    """Hides Keras, whose import takes up to a quarter of the time of TensorFlow's import.

    After the block `tf.keras` imports it on first use.
    """
    hidden = [name for name in KERAS_PACKAGES if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextlib.contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Pauses garbage collection, and excludes the objects created meanwhile from it for good.

    The import creates a million objects that live until the process ends.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _messages_off_the_console(log_path: str) -> contextlib.AbstractContextManager[None]:
    """Returns a context in which TensorFlow's messages are hidden or go to the log file."""
    if "tensorflow" in sys.modules:
        return contextlib.nullcontext()
    if os.environ[LOG_LEVEL] == NO_MESSAGES:
        return hide_native_messages()
    return _append_messages(log_path)


@contextlib.contextmanager
def _append_messages(log_path: str) -> Iterator[None]:
    """Appends to the log file what this process writes to file descriptor 2."""
    path = os.devnull if is_remote(log_path) else log_path
    target = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        with redirect_stderr(target):
            yield
    finally:
        os.close(target)
