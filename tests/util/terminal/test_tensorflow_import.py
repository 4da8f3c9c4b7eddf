"""The import of TensorFlow, in a process of its own."""

import subprocess
import sys

import pytest
from commands import environment

PROGRAM = """
import gc, sys
from aocr.util.terminal.tensorflow_import import import_tensorflow
import_tensorflow("aocr.log", use_gpu=False)
import tensorflow as tf
print([name for name in sys.modules if name.split(".")[0] in ("keras", "tf_keras")])
print(gc.isenabled(), gc.get_freeze_count() > 100_000)
print(tf.keras.layers.Dense.__name__)
"""


def test_keras_is_left_out_until_it_is_asked_for(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=environment(),
    )
    assert done.stdout.splitlines() == ["[]", "True True", "Dense"]
    assert not done.stderr


@pytest.mark.parametrize(("level", "asked"), [(None, False), ("3", False), ("0", True)])
def test_messages_are_in_the_log_only_if_asked_for(tmp_path, level, asked):
    variables = environment()
    variables.pop("TF_CPP_MIN_LOG_LEVEL", None)
    if level:
        variables["TF_CPP_MIN_LOG_LEVEL"] = level
    done = subprocess.run(
        [sys.executable, "-m", "aocr", "inspect", "nosuch"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=variables,
    )
    assert done.stderr.count("\n") == 1
    log = (tmp_path / "aocr.log").read_text()
    assert ("absl::InitializeLog" in log or "I0000" in log or "port.cc" in log) == asked
