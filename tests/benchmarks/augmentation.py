"""The CPU time that `--augment` takes for a batch, against that of a training step, in one run.

A batch of 64 images of 128x32 in one channel, of random widths. The training step is that of the
default flags on such a batch. All threads of the process count, so that what else the machine does
has little influence. The target is a tenth of the step of a model that is five times as fast.

    python tests/benchmarks/augmentation.py [--rounds 5] [--batches 20]
"""

from __future__ import annotations

import functools
import tempfile
import time
from collections.abc import Callable

import measure

measure.import_tensorflow()

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import training_step  # noqa: E402

from aocr.config import Config  # noqa: E402
from aocr.data.augmentation.augment import STRENGTHS, Identity, augment  # noqa: E402
from aocr.training.options import TrainingOptions  # noqa: E402
from aocr.util.session import open_session  # noqa: E402

ROUNDS = 5
CONFIG = Config(max_width=256, max_height=64)
BATCH_SIZE = 64
STEPS = 2
"""Training steps in a round."""


def augmentation(strength: str) -> Callable[[], object]:
    """Returns a function that augments a batch."""
    generator = np.random.default_rng(0)
    width = CONFIG.image_width
    images = generator.uniform(0, 255, [BATCH_SIZE, 32, width, 1]).astype(np.float32)
    widths = generator.integers(width // 2, width + 1, BATCH_SIZE).astype(np.int32)
    with tf.Graph().as_default() as graph:
        inputs = [
            tf.compat.v1.get_variable(f"input{n}", initializer=value)
            for n, value in enumerate((images, widths, np.arange(BATCH_SIZE)))
        ]  # no constants: not folded
        identity = Identity(0, tf.constant(0, tf.int64), tf.identity(inputs[2]))
        pixels = tf.identity(inputs[0]), tf.identity(inputs[1])
        augmented = augment(*pixels, identity, strength).op  # an operation is not copied out
        session = open_session(graph, gpu_id=-1)
        session.run(tf.compat.v1.global_variables_initializer())
    return lambda: session.run(augmented)


def cpu_seconds(run: Callable[[], object], times: int) -> float:
    """Mean CPU seconds of a call, those of all threads."""
    started = time.process_time()
    for _ in range(times):
        run()
    return (time.process_time() - started) / times


def rows(rounds: int = ROUNDS, batches: int = 20) -> list[measure.Row]:
    """Alternates the strengths and a training step.

    Args:
        rounds: of all.
        batches: that are augmented in a round.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/words.tfrecords"
        measure.write_records(path, measure.draw_words(BATCH_SIZE * (1 + rounds * STEPS)))
        step = training_step.training_step(CONFIG, TrainingOptions(BATCH_SIZE), [path])
        runs = [(augmentation(strength), batches) for strength in STRENGTHS] + [(step, STEPS)]
        for run, _ in runs:
            measure.seconds(run, 1)
        timed = [functools.partial(cpu_seconds, run, times) for run, times in runs]
        *augmentations, steps = measure.alternate(rounds, *timed)
    what = "training step, CPU time"
    return [
        measure.compared(
            what, steps, f"--augment={strength}", each, "at least 50", "{:.4f} s".format
        )
        for strength, each in zip(STRENGTHS, augmentations, strict=True)
    ]


def main() -> None:
    """Prints the table."""
    parser = measure.parser(__doc__, ROUNDS)
    parser.add_argument("--batches", type=int, default=20, help="batches a round")
    args = parser.parse_args()
    measure.print_table(rows(args.rounds, args.batches))


if __name__ == "__main__":
    main()
