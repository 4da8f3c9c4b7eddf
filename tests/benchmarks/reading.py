"""Reading at the defaults against the bare CNN forward, in one run: whole files, and one image.

`aocr test` and `aocr predict`: the functions that the commands call, with the log lines and rows
that the commands write, on records and files of PNG words. What counts is the marginal time of an
image, (time on 26 batches - time on 6 batches) / images, so that building the graph and restoring
the checkpoint drop out. `test` is given batches of 65; those of `predict` are the command's own.
`test` goes through its records twice, first to find what cannot be read, and both are counted.

Words of many widths: the CPU time of `predict` with `latin`, whose batches are as wide as their
widest image, beside that of its network alone on the same images, prepared and sorted by width.

One image: the bytes of a PNG file through the exported SavedModel, as a client of it reads.

The bare CNN is the seven convolutions with batch norm and pooling, inference mode, constant input,
on a batch of 65 or on one image. All in float32.

The model has random weights, which write no EOS: the decoder takes all its steps, and the time is
that of the worst case. A trained model stops after the longest text of a batch.

    python tests/benchmarks/reading.py [--rounds 5]
"""

from __future__ import annotations

import contextlib
import functools
import os
import pathlib
import tempfile
import time
from collections.abc import Callable
from typing import TypeVar

import measure

measure.import_tensorflow()

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from aocr.cli.commands import prediction_output  # noqa: E402
from aocr.config import TEST_BATCH_SIZE, Config  # noqa: E402
from aocr.evaluation import evaluator  # noqa: E402
from aocr.exports.export import ExportRequest, export  # noqa: E402
from aocr.model import config_file  # noqa: E402
from aocr.model.backbones import sliding_cnn  # noqa: E402
from aocr.model.weights import checkpoints, pretrained  # noqa: E402
from aocr.reading import reader  # noqa: E402
from aocr.reading.checkpoint_backend import CheckpointBackend  # noqa: E402
from aocr.util.terminal import log  # noqa: E402

T = TypeVar("T")

ROUNDS = 5
BATCH_SIZE = 65
FEW, MANY = 6, 26
"""Batches: what the second takes longer than the first is counted."""

CALLS = 20
"""Calls a round of the bare CNN and of the SavedModel."""


def bare_cnn(batch_size: int) -> Callable[[], object]:
    """One forward pass of the CNN alone, to call."""
    config = Config()
    with tf.Graph().as_default() as graph:
        shape = [batch_size, 32, config.image_width, config.channels]
        images = tf.constant(np.random.default_rng(0).uniform(0, 255, shape).astype("f4"))
        # To run an operation returns nothing.
        features = sliding_cnn.extract_features(images).features.op
        session = tf.compat.v1.Session(graph=graph)
        session.run(tf.compat.v1.global_variables_initializer())
    return lambda: session.run(features)


def exported_model(folder: str) -> Callable[[bytes], object]:
    """The SavedModel in a folder: a PNG file to its text and probability."""
    session, saved_model = tf.compat.v1.Session(graph=tf.Graph()), tf.compat.v1.saved_model
    loaded = saved_model.load(session, [saved_model.SERVING], folder)
    signature = loaded.signature_def[saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY]
    outputs = [signature.outputs[key].name for key in ("output", "probability")]
    return lambda png: session.run(outputs, {signature.inputs["input"].name: png})


def test(checkpoint: str, records: str) -> None:
    """As `aocr test` does."""
    evaluator.evaluate(evaluator.Evaluation(Config(), checkpoint, [records], -1, BATCH_SIZE))


def predict(checkpoint: str, paths: list[str]) -> None:
    """As `aocr predict` does."""
    with open(os.devnull, "w", encoding="utf-8") as output:
        load = functools.partial(CheckpointBackend, Config(), checkpoint, -1)
        for path, result in reader.read_paths(load, paths):
            prediction_output.log_prediction(path, result)
            output.write(prediction_output.tsv_line_of(path, result))
            if len(result.text) < Config().max_prediction:
                raise RuntimeError(f"the random weights wrote EOS: {result.text!r}")


def marginal(run: Callable[[T], None], few: T, many: T, images: int) -> float:
    """Seconds of each image that the one input has more than the other."""
    first = measure.seconds(functools.partial(run, few))
    return (measure.seconds(functools.partial(run, many)) - first) / images


def write_inputs(folder: str) -> tuple[tuple[str, str], list[str]]:
    """Two files of records, and the paths of as many image files, for batches of `predict`."""
    pairs = measure.draw_words(MANY * BATCH_SIZE)
    few, many = f"{folder}/few.tfrecords", f"{folder}/many.tfrecords"
    measure.write_records(few, pairs[: FEW * BATCH_SIZE])
    measure.write_records(many, pairs)
    paths = []
    for number, (image, _) in enumerate(pairs[: MANY * TEST_BATCH_SIZE]):
        paths.append(f"{folder}/{number}.png")
        pathlib.Path(paths[-1]).write_bytes(image)
    return (few, many), paths


def log_into(path: str) -> None:
    """Logs as the commands do, but for the console's lines, which are made and go nowhere."""
    with contextlib.redirect_stderr(open(os.devnull, "w", encoding="utf-8")):
        log.start(path)


def rows(rounds: int = ROUNDS) -> list[measure.Row]:
    """Alternates reading and the bare CNN."""
    with tempfile.TemporaryDirectory() as folder:
        log_into(f"{folder}/aocr.log")
        checkpoint = measure.make_checkpoint(f"{folder}/model")
        many = _rows_of_many(rounds, folder, checkpoint)
        widths = _row_of_many_widths(rounds, folder)
        return [*many, widths, _row_of_one(rounds, folder, checkpoint)]


def _rows_of_many(rounds: int, folder: str, checkpoint: str) -> list[measure.Row]:
    (few, many), paths = write_inputs(folder)
    bare, added = bare_cnn(BATCH_SIZE), MANY - FEW
    runs = (
        lambda: marginal(functools.partial(test, checkpoint), few, many, added * BATCH_SIZE),
        lambda: measure.seconds(bare, CALLS) / BATCH_SIZE,
        lambda: marginal(
            functools.partial(predict, checkpoint),
            paths[: FEW * TEST_BATCH_SIZE],
            paths,
            added * TEST_BATCH_SIZE,
        ),
    )
    measure.seconds(bare, 2)
    tested, forward, predicted = measure.alternate(rounds, *runs)
    forward_of = "bare CNN forward, an image of 65", forward, "at most 1.4", _milliseconds
    return [
        measure.compared("aocr test, an image", tested, *forward_of),
        measure.compared("aocr predict, an image", predicted, *forward_of),
    ]


def _row_of_many_widths(rounds: int, folder: str) -> measure.Row:
    """Files of 30 to 250 pixels in width and 32 in height."""
    widths = np.random.default_rng(0).integers(30, 250, MANY * TEST_BATCH_SIZE).tolist()
    files = [measure.draw("WORD", (width, 32), 14) for width in widths]
    paths = [f"{folder}/wide-{number}.png" for number in range(len(files))]
    for path, file in zip(paths, files, strict=True):
        pathlib.Path(path).write_bytes(file)
    model_dir = str(pathlib.Path(pretrained.FOLDER, pretrained.LATIN))
    config, found = config_file.read(model_dir), checkpoints.find_checkpoint(model_dir)
    few, added = paths[: FEW * TEST_BATCH_SIZE], (MANY - FEW) * TEST_BATCH_SIZE
    load = functools.partial(CheckpointBackend, config, found, -1)

    def predict_all(names: list[str]) -> None:
        list(reader.read_paths(load, names))

    def predicted() -> float:
        first = _processor_seconds(functools.partial(predict_all, few))
        return (_processor_seconds(functools.partial(predict_all, paths)) - first) / added

    model = load()
    order = np.argsort(widths)[: len(widths) // TEST_BATCH_SIZE * TEST_BATCH_SIZE]
    batches = [[files[n] for n in part] for part in order.reshape(-1, TEST_BATCH_SIZE)]
    prepared = [model.session.run(model.model.prepared, {model.model.input: b}) for b in batches]

    def network() -> float:
        feeds = [dict(zip(model.model.prepared, each, strict=True)) for each in prepared]
        run = functools.partial(model.session.run, model.model.transcription)
        return _processor_seconds(lambda: list(map(run, feeds))) / order.size

    network()
    taken = measure.alternate(rounds, predicted, network)
    what, name = "aocr predict of latin, CPU of an image of many widths", "its network alone"
    return measure.compared(what, taken[0], name, taken[1], "at most 2 ms", show=_milliseconds)


def _processor_seconds(run: Callable[[], object]) -> float:
    """Seconds of all cores that a call takes."""
    started = time.process_time()
    run()
    return time.process_time() - started


def _row_of_one(rounds: int, folder: str, checkpoint: str) -> measure.Row:
    export(Config(), ExportRequest(checkpoint, f"{folder}/exported", gpu_id=-1))
    read, bare = exported_model(f"{folder}/exported"), bare_cnn(1)
    [(png, _)] = measure.draw_words(1)
    runs = functools.partial(read, png), bare
    for run in runs:
        measure.seconds(run, 5)
    timed = (functools.partial(measure.seconds, run, CALLS) for run in runs)
    one, forward = measure.alternate(rounds, *timed)
    what, name = "one image through the SavedModel", "bare CNN forward of one image"
    return measure.compared(what, one, name, forward, "at most 2.5", show=_milliseconds)


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.2f} ms"


def main() -> None:
    """Prints the table."""
    args = measure.parser(__doc__, ROUNDS).parse_args()
    measure.print_table(rows(args.rounds))


if __name__ == "__main__":
    main()
