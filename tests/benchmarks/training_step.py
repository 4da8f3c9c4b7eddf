"""A training step at the defaults against a training step of the bare CNN, in one run.

The bare CNN is the seven convolutions with batch norm and pooling, the mean of squares as the
loss, plain SGD, and a constant input; once with TensorFlow's own gradients, once with those of
`aocr.model.conv2d`. The training step is the whole of it: records of PNG files,
decoding, CNN, encoder, decoder, loss, clipping, Adadelta. Both in float32, both at batch 65.

    python tests/benchmarks/training_step.py [--rounds 7] [--steps 3]
"""

from __future__ import annotations

import argparse
import io
import pathlib
import statistics
import tempfile
import time
from collections.abc import Callable
from unittest import mock

from aocr.util import log

log.import_tensorflow("/dev/null")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from PIL import Image, ImageDraw, ImageFont  # noqa: E402

from aocr.defaults import Config, TrainingOptions  # noqa: E402
from aocr.model import cnn  # noqa: E402
from aocr.model.graph import build_train_graph  # noqa: E402
from aocr.model.plan import Plan  # noqa: E402
from aocr.model.session import open_session  # noqa: E402
from aocr.util import records  # noqa: E402


def write_dataset(path: str, pairs: int) -> None:
    """TFRecords of words of five capitals in 160x60 grey PNG files."""
    generator = np.random.default_rng(0)
    font = ImageFont.load_default(40)
    with tf.io.TFRecordWriter(path) as writer:
        for _ in range(pairs):
            label = "".join(generator.choice(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), 5))
            picture = Image.effect_noise((160, 60), 60)
            ImageDraw.Draw(picture).text((80, 30), label, 255, font, anchor="mm")
            file = io.BytesIO()
            picture.save(file, "PNG")
            writer.write(records.serialize(file.getvalue(), label))


def bare_cnn(config: Config, batch_size: int) -> Callable[[], object]:
    """One training step of the CNN alone, to call."""
    with tf.Graph().as_default() as graph:
        shape = [batch_size, 32, config.image_width, config.channels]
        images = tf.constant(np.random.default_rng(0).uniform(0, 255, shape).astype("f4"))
        training = cnn.Training(tf.constant(0), [])
        x = (images - 128) / 128
        for layer in cnn.LAYERS:
            x = cnn.convolution(x, layer, training)
        step = tf.compat.v1.train.GradientDescentOptimizer(0.01).minimize(tf.reduce_mean(x * x))
        session = tf.compat.v1.Session(graph=graph)
        session.run(tf.compat.v1.global_variables_initializer())
    return lambda: session.run(step)


def training_step(
    config: Config, options: TrainingOptions, files: list[str]
) -> Callable[[], object]:
    """One step of `aocr train`, to call."""
    model = build_train_graph(config, options, files, [], Plan(0, 0, 1))
    session = open_session(model.graph, gpu_id=-1)
    with model.graph.as_default():
        session.run(tf.compat.v1.global_variables_initializer())
    session.run(model.start)
    return lambda: session.run((model.update.step, model.update.gradient_norm, model.loss))


def plain_conv2d(x: tf.Tensor, kernel: tf.Tensor, training: bool) -> tf.Tensor:
    """TensorFlow's convolution, with its own gradients."""
    del training
    return tf.nn.conv2d(x, kernel, strides=1, padding="SAME")


def seconds(run: Callable[[], object], steps: int) -> float:
    """Mean seconds of a call."""
    started = time.perf_counter()
    for _ in range(steps):
        run()
    return (time.perf_counter() - started) / steps


def main() -> None:
    """Alternates the three and prints the medians and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=3, help="steps a round")
    args = parser.parse_args()
    config, options = Config(), TrainingOptions()
    with tempfile.TemporaryDirectory() as folder:
        dataset = str(pathlib.Path(folder) / "words.tfrecords")
        write_dataset(dataset, options.batch_size * (2 + args.rounds * args.steps))
        with mock.patch.object(cnn, "conv2d", plain_conv2d):
            bare = bare_cnn(config, options.batch_size)
        runs = (
            training_step(config, options, [dataset]),
            bare,
            bare_cnn(config, options.batch_size),
        )
        for run in runs:
            seconds(run, 2)
        times = [[seconds(run, args.steps) for run in runs] for _ in range(args.rounds)]
    names = ("training step", "bare CNN", "bare CNN with our gradients")
    for number, name in enumerate(names):
        median = statistics.median(row[number] for row in times)
        ratio = statistics.median(row[0] / row[number] for row in times)
        print(f"{name}: {median:.3f} s; a training step takes {ratio:.2f} of it")


if __name__ == "__main__":
    main()
