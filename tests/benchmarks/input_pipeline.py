"""The input pipeline of training: its speed on one core, and with --memory what a million costs.

Images a second of `training_batches` alone, in a process that is pinned to one core and
whose session has one thread, against those that a training step takes with all cores. Both at the
defaults, on records of PNG words, in processes of their own that alternate.

--memory: peak memory of a real `aocr train --max-steps=3` on a million small records against ten
thousand. It takes minutes, most of them to check every record before training, and two
gigabytes of the disk; `make bench` leaves it out.

    python tests/benchmarks/input_pipeline.py [--rounds 3]
    python tests/benchmarks/input_pipeline.py --memory [--records 1000000]
"""

from __future__ import annotations

import os
import tempfile

import measure

ROUNDS = 3
BATCH_SIZE = 65
BATCHES = 40
"""Of the dataset."""

PASSES = 3
STEPS = 4
FEW, MANY = 10_000, 1_000_000
SMALL = (60, 20)


def write_words(path: str) -> None:
    """Records of words, in whole batches."""
    measure.import_tensorflow()
    measure.write_records(path, measure.draw_words(BATCHES * BATCH_SIZE))


def write_small_words(path: str, count: int) -> None:
    """So many records, of 300 small images."""
    measure.import_tensorflow()
    pairs = [(measure.draw(word, SMALL, 16), word) for word in measure.words(300)]
    measure.write_records(path, pairs, count)


def pipeline_rate(path: str) -> float:
    """Images a second of the pipeline on one core."""
    os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1])
    measure.import_tensorflow()
    import tensorflow as tf

    from aocr.config import Config
    from aocr.data.batches.epochs import ShuffleOrder, training_batches

    config = Config()

    with tf.Graph().as_default():
        records = measure.records_of([path], BATCH_SIZE, config)
        batches = training_batches(records, config, ShuffleOrder())
        iterator = tf.compat.v1.data.make_initializable_iterator(batches)
        images = iterator.get_next().images.op  # to run an operation returns nothing
        options = tf.compat.v1.ConfigProto(
            intra_op_parallelism_threads=1, inter_op_parallelism_threads=1
        )
        with tf.compat.v1.Session(config=options) as session:
            session.run(iterator.initializer)
            measure.seconds(lambda: session.run(images), BATCHES)
            return BATCH_SIZE / measure.seconds(lambda: session.run(images), PASSES * BATCHES)


def training_rate(path: str) -> float:
    """Images a second of training, on all cores."""
    import training_step

    from aocr.config import Config
    from aocr.training.options import TrainingOptions

    step = training_step.training_step(Config(), TrainingOptions(batch_size=BATCH_SIZE), [path])
    measure.seconds(step, 2)
    return BATCH_SIZE / measure.seconds(step, STEPS)


def rows(rounds: int = ROUNDS) -> list[measure.Row]:
    """Alternates the pipeline and training."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/words.tfrecords"
        measure.in_fresh_process(write_words, path)
        pipeline, training = measure.alternate(
            rounds,
            lambda: measure.in_fresh_process(pipeline_rate, path),
            lambda: measure.in_fresh_process(training_rate, path),
        )
    what, name = "input pipeline on one core", "training on all cores"
    show = "{:.1f} images/s".format
    return [measure.compared(what, pipeline, name, training, "at least 5", show=show)]


def memory_rows(records: int = MANY) -> list[measure.Row]:
    """Trains on few and on many records, once each."""
    few, many = (training_peak(count) for count in (FEW, records))
    return [
        measure.Row(
            f"peak memory of training on {records:,} records",
            f"{many / measure.MIB:.0f} MiB",
            f"{FEW:,} records: {few / measure.MIB:.0f} MiB",
            many / few,
            "at most 1.10",
        )
    ]


def training_peak(count: int) -> int:
    """Bytes that `aocr train` has at most for so many records."""
    with tempfile.TemporaryDirectory() as folder:
        measure.in_fresh_process(write_small_words, f"{folder}/words.tfrecords", count)
        flags = (f"--max-width={SMALL[0]}", f"--max-height={SMALL[1]}", "--max-steps=3")
        return measure.run(["-m", "aocr", "train", "words.tfrecords", *flags], folder).peak


def main() -> None:
    """Prints the table."""
    parser = measure.parser(__doc__, ROUNDS)
    parser.add_argument("--memory", action="store_true", help="measure memory, not speed")
    parser.add_argument("--records", type=int, default=MANY, help="(default: %(default)s)")
    args = parser.parse_args()
    measure.print_table(memory_rows(args.records) if args.memory else rows(args.rounds))


if __name__ == "__main__":
    main()
