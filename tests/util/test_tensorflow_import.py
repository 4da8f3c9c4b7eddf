"""The import of TensorFlow, in a process of its own."""

import subprocess
import sys

from commands import environment

PROGRAM = """
import gc, sys
from aocr.util.tensorflow_import import import_tensorflow
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
