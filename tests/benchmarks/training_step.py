"""A training step at the defaults against a training step of the bare CNN, in one run.

The bare CNN is the seven convolutions with batch norm and pooling, the mean of squares as the
loss, plain SGD, and a constant input; once with TensorFlow's own gradients, once with those of
`aocr.model.backbones.conv2d`. The training step is the whole of it: records of PNG files or of JPEG
files of quality 90, decoding, CNN, encoder, decoder, loss, clipping, Adadelta. All in float32 at
batch 65.

    python tests/benchmarks/training_step.py [--rounds 7] [--steps 3]
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable

import measure

measure.import_tensorflow()

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from aocr.config import Config  # noqa: E402
from aocr.model.backbones import layers, sliding_cnn  # noqa: E402
from aocr.model.backbones.layers import KernelGradient  # noqa: E402
from aocr.training.graph import build_train_graph  # noqa: E402
from aocr.training.options import TrainingOptions  # noqa: E402
from aocr.training.start.step_plan import StepPlan  # noqa: E402
from aocr.training.update.precision import fastest_kernel_gradient  # noqa: E402
from aocr.util.session import open_session  # noqa: E402

ROUNDS = 7


def bare_cnn(
    config: Config, batch_size: int, kernel_gradient: KernelGradient
) -> Callable[[], object]:
    """Returns a function that takes one training step of the CNN alone."""
    with tf.Graph().as_default() as graph:
        shape = [batch_size, 32, config.image_width, config.channels]
        images = tf.constant(np.random.default_rng(0).uniform(0, 255, shape).astype("f4"))
        training = layers.Training(tf.constant(0), kernel_gradient=kernel_gradient)
        x = (images - 128) / 128
        for layer in sliding_cnn.LAYERS:
            x, _ = sliding_cnn.convolution(x, layer, training)
        step = tf.compat.v1.train.GradientDescentOptimizer(0.01).minimize(tf.reduce_mean(x * x))
        session = tf.compat.v1.Session(graph=graph)
        session.run(tf.compat.v1.global_variables_initializer())
    return lambda: session.run(step)


def training_step(
    config: Config, options: TrainingOptions, files: list[str]
) -> Callable[[], object]:
    """One step of `aocr train`, to call."""
    records = measure.records_of(files, options.batch_size, config)
    model = build_train_graph(config, options, records, StepPlan(0, 0, 1))
    session = open_session(model.graph, gpu_id=-1)
    with model.graph.as_default():
        session.run(tf.compat.v1.global_variables_initializer())
    session.run(model.start)
    return lambda: session.run((model.update.step, model.update.gradient_norm, model.loss))


def rows(rounds: int = ROUNDS, steps: int = 3) -> list[measure.Row]:
    """Alternates both training steps and both bare CNNs.

    Args:
        rounds: of all four.
        steps: of each in a round.
    """
    config, options = Config(), TrainingOptions()
    with tempfile.TemporaryDirectory() as folder:
        runs = [_step_on(form, folder, rounds * steps) for form in ("PNG", "JPEG")]
        for kernel_gradient in (KernelGradient.TENSORFLOW, fastest_kernel_gradient()):
            runs.append(bare_cnn(config, options.batch_size, kernel_gradient))
        for run in runs:
            measure.seconds(run, 2)
        timed = (functools.partial(measure.seconds, run, steps) for run in runs)
        png, jpeg, bare, ours = measure.alternate(rounds, *timed)
    return [
        measure.compared("training step, PNG", png, "bare CNN step", bare, "at most 1.25"),
        measure.compared("training step, JPEG", jpeg, "bare CNN step", bare, "at most 1.25"),
        measure.compared("training step, PNG", png, "bare CNN step, our gradients", ours, ""),
    ]


def _step_on(form: str, folder: str, steps: int) -> Callable[[], object]:
    config, options = Config(), TrainingOptions()
    path = f"{folder}/{form}.tfrecords"
    measure.write_records(path, measure.draw_words(options.batch_size * (2 + steps), form))
    return training_step(config, options, [path])


def main() -> None:
    """Prints the table."""
    parser = measure.parser(__doc__, ROUNDS)
    parser.add_argument("--steps", type=int, default=3, help="steps a round")
    args = parser.parse_args()
    measure.print_table(rows(args.rounds, args.steps))


if __name__ == "__main__":
    main()
