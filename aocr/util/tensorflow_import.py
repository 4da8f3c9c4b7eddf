"""The import of TensorFlow: quick, with the kernels that are fastest, and in silence."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import sys
from collections.abc import Iterator

KERAS = ("keras", "tf_keras")


def import_tensorflow(log_path: str, use_gpu: bool = True) -> None:
    """Imports TensorFlow, with its start-up lines in the log file and not on the console.

    Its C++ writes them to the file descriptor of stderr, whatever TF_CPP_MIN_LOG_LEVEL says.

    Also turns on oneDNN's kernels where TensorFlow would leave them off: on CPUs without AVX-512
    they make a training step a third faster. Whoever sets these variables is obeyed.

    Args:
        log_path: the log file.
        use_gpu: False hides the GPUs, of which TensorFlow would take the memory.
    """
    if not use_gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with _stderr_into(os.devnull if "://" in log_path else log_path):
        with _without_keras(), _without_garbage_collection():
            import tensorflow as tf

        for gpu in tf.config.list_physical_devices("GPU"):  # looks for GPUs, and says so
            tf.config.experimental.set_memory_growth(gpu, True)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


@contextlib.contextmanager
def _without_keras() -> Iterator[None]:
    """Hides Keras, which TensorFlow imports when it finds it: up to a quarter of the time.

    `tf.keras` still imports it when it is asked for.
    """
    hidden = [name for name in KERAS if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextlib.contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Leaves out looking for garbage, among a million objects that stay, now and later."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@contextlib.contextmanager
def _stderr_into(path: str) -> Iterator[None]:
    """Appends what this process writes to file descriptor 2 to a file."""
    sys.stderr.flush()
    console = os.dup(2)
    target = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.dup2(target, 2)
    try:
        yield
    finally:
        os.dup2(console, 2)
        os.close(console)
        os.close(target)
