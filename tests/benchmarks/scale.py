"""What grows with the records, images and shards: the numbers behind the plan of docs/cloud.md.

Each command runs in processes of its own on few and on many records. What a million records more
cost, in seconds of one core and in memory, is the difference between the two, so that the start of
Python and TensorFlow is left out. Processor time, not the clock: other processes disturb it little.

    python tests/benchmarks/scale.py [--records 100000]
    python tests/benchmarks/scale.py ANNOTATIONS ... [--images 10000]

With annotation files it builds datasets of them, and leaves out the rest.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import measure

RECORDS, IMAGES = 100_000, 10_000
FEW_PER_MANY = 10
SMALL = (60, 20)
FLAGS = (f"--max-width={SMALL[0]}", f"--max-height={SMALL[1]}")
MODELS = {
    "classic": (),
    "modern": ("--recipe=modern",),
    "modern, without averages": ("--recipe=modern", "--ema-decay=0"),
}
EXCLUDED = (0, 10_000, 1_000_000)
SHARDS = 1000
LINES_PER_RECORD = 10
"""Annotations are much cheaper than records, so there are more of them."""


class Cost(NamedTuple):
    """What each record costs: seconds of a core, and bytes of memory."""

    seconds: float
    memory: float


def write_few_and_many(folder: str, many: int) -> None:
    """Records of 300 small images over and over, and the images with their annotations."""
    measure.import_tensorflow()
    pairs = [(measure.draw(word, SMALL, 16), word) for word in measure.words(300)]
    for name, count in (("few", many // FEW_PER_MANY), ("many", many)):
        measure.write_records(f"{folder}/{name}.tfrecords", pairs, count)


def cost(
    command: Callable[[str], Sequence[str]], folder: str, few: int, many: int
) -> tuple[Cost, measure.Finished]:
    """Runs `aocr` on few and on many records; also returns the second run."""
    runs = [
        measure.run(["-m", "aocr", *command(name), "--log-path=/dev/null"], folder)
        for name in ("few", "many")
    ]
    seconds = runs[1].processor_seconds - runs[0].processor_seconds
    memory = runs[1].peak - runs[0].peak
    return Cost(seconds / (many - few), memory / (many - few)), runs[1]


def row_of(what: str, found: Cost) -> measure.Row:
    """The row of one command."""
    rate = f"{1 / found.seconds:,.0f} a second of one core"
    return measure.Row(what, rate, f"{found.memory:.0f} bytes of memory each")


def command_rows(folder: str, many: int) -> list[measure.Row]:
    """What a record costs `inspect`, and `train` before its first step."""
    few = many // FEW_PER_MANY
    found, finished = cost(
        lambda name: ["train", f"{name}.tfrecords", *FLAGS, "--max-steps=1", f"--model-dir={name}"],
        folder,
        few,
        many,
    )
    lines = [line for _, line in finished.lines if "Step 1:" in line or "Global step" in line]
    per_step = sum(len(line) + 1 for line in lines)
    inspected, _ = cost(lambda name: ["inspect", f"{name}.tfrecords"], folder, few, many)
    return [
        row_of("records that `train` scans", found),
        row_of("records that `inspect` reads", inspected),
        measure.Row("lines of the log for a step", f"{per_step} bytes"),
    ]


def line_row(folder: str, many: int) -> measure.Row:
    """What a line of the annotations costs the build of a shard that it does not belong to."""
    few = many // FEW_PER_MANY
    pathlib.Path(f"{folder}/word.png").write_bytes(measure.draw("WORD", SMALL, 16))
    for name, count in (("few", few), ("many", many)):
        pathlib.Path(f"{folder}/{name}.txt").write_text("word.png a label\n" * count, "utf-8")
    share = ("--shards=99999", "--shard-index=0")
    found, _ = cost(lambda name: ["dataset", f"{name}.txt", "out", *share], folder, few, many)
    return row_of("lines of other shards that `dataset` passes over", found)


def annotation_rows(annotations: str, many: int) -> list[measure.Row]:
    """What an image costs `dataset`, and its size; paths start from the annotations' folder."""
    lines = pathlib.Path(annotations).read_text("utf-8").splitlines(keepends=True)
    base = pathlib.Path(annotations).parent.resolve()
    with tempfile.TemporaryDirectory() as folder:
        counts = (many // FEW_PER_MANY, many)
        for name, count in zip(("few", "many"), counts, strict=True):
            repeated = (lines * (count // len(lines) + 1))[:count]
            pathlib.Path(f"{folder}/{name}.txt").write_text("".join(repeated), "utf-8")
        found, _ = cost(
            lambda name: ["dataset", f"{name}.txt", f"{name}.tfrecords", f"--base-dir={base}"],
            folder,
            *counts,
        )
        size = os.path.getsize(f"{folder}/many.tfrecords") / many
    name = pathlib.Path(annotations).parent.name
    return [
        row_of(f"images of {name} that `dataset` checks and writes", found),
        measure.Row(f"bytes of a record of {name}", f"{size:,.0f}"),
    ]


def read_rate(path: str, excluded: int, count: int) -> float:
    """Records a second of one core that are read, shuffled and left out or not, but not decoded."""
    measure.import_tensorflow()
    import numpy as np
    import tensorflow as tf

    from aocr.data.batches.epochs import Records, one_reading

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        # indices beyond the dataset, so that all records are read whatever their number
        outside = np.arange(count, count + excluded)
        records = Records([path], [count], outside, np.zeros(count, np.int32), batch_size=1)
        epoch = one_reading(records, 0, tf.constant(0, tf.int64))
        counted = epoch.reduce(tf.constant(0, tf.int64), lambda total, _: total + 1)
        started = time.process_time()
        assert session.run(counted) == count
        return count / (time.process_time() - started)


def read_rows(folder: str, many: int) -> list[measure.Row]:
    """How fast a resumed run finds its place in an epoch."""
    rows = []
    for excluded in EXCLUDED:
        rate = measure.in_fresh_process(read_rate, f"{folder}/many.tfrecords", excluded, many)
        what = f"records that a resumed run passes over, {excluded:,} left out"
        rows.append(measure.Row(what, f"{rate:,.0f} a second of one core"))
    return rows


def model_rows(folder: str) -> list[measure.Row]:
    """How many weights a step's gradients have, and how large a checkpoint is."""
    rows = []
    for name, flags in MODELS.items():
        model = f"model {name}"
        train = ["train", "few.tfrecords", "--max-steps=1", f"--model-dir={model}", *flags]
        finished = measure.run(["-m", "aocr", *train, "--log-path=/dev/null"], folder)
        text = "\n".join(line for _, line in finished.lines)
        weights = int(re.search(r"The model has ([\d,]+) weights", text)[1].replace(",", ""))
        files = pathlib.Path(folder, model).glob("model.ckpt-*")
        size = sum(path.stat().st_size for path in files)
        gradients = f"gradients in float32: {4 * weights / 1e6:.1f} MB"
        rows.append(measure.Row(f"weights of {name}", f"{weights:,}", gradients))
        rows.append(measure.Row(f"a checkpoint of {name}", f"{size / 1e6:.1f} MB"))
    return rows


def listing_seconds(folder: str) -> float:
    """Seconds that the names of many shards take."""
    measure.import_tensorflow()
    from aocr.data.records import files as record_files
    from aocr.data.records.shards import shard_name

    for index in range(SHARDS):
        pathlib.Path(shard_name(f"{folder}/shards/words.tfrecords", index, SHARDS)).touch()
    started = time.process_time()
    assert len(record_files.expand([f"{folder}/shards"])) == SHARDS
    return time.process_time() - started


def listing_row(folder: str) -> measure.Row:
    """How long local shards take to be found; on a bucket the requests count, not this."""
    os.mkdir(f"{folder}/shards")
    seconds = measure.in_fresh_process(listing_seconds, folder)
    return measure.Row(f"{SHARDS:,} local shards are found", f"{seconds:.3f} s")


def rows_of_records(folder: str, records: int) -> Iterator[measure.Row]:
    """What grows with the records of a dataset, and with its shards."""
    measure.in_fresh_process(write_few_and_many, folder, records)
    yield from command_rows(folder, records)
    yield from read_rows(folder, records)
    yield from model_rows(folder)
    yield listing_row(folder)
    yield line_row(folder, LINES_PER_RECORD * records)


def main() -> None:
    """Prints the table, the rows of each measurement as it ends."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("annotations", nargs="*", help="files for `aocr dataset`")
    parser.add_argument("--records", type=int, default=RECORDS, help="(default: %(default)s)")
    parser.add_argument("--images", type=int, default=IMAGES, help="(default: %(default)s)")
    args = parser.parse_args()
    if args.annotations:
        measure.print_table(
            row for each in args.annotations for row in annotation_rows(each, args.images)
        )
        return
    with tempfile.TemporaryDirectory() as folder:
        measure.print_table(rows_of_records(folder, args.records))


if __name__ == "__main__":
    main()
