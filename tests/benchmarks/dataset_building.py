"""`aocr dataset` against what 0.7.6 did and against decoding alone, and its peak memory.

0.7.6 took a line at a time: open, read, `tf.train.Example`, `TFRecordWriter.write`; it decoded
nothing. Decoding alone reads and decodes the same files by `tf.data`, on all cores. The three
alternate; the import of TensorFlow is apart. With --cold each round begins with
the files out of the page cache, as on a first run.

    python tests/benchmarks/dataset_building.py ANNOTATIONS [--rounds 5] [--cold]
    python tests/benchmarks/dataset_building.py ANNOTATIONS --memory 10000 200000
"""

from __future__ import annotations

import argparse
import itertools
import os
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from aocr.util.terminal.tensorflow_import import import_tensorflow

import_tensorflow("/dev/null", use_gpu=False)

import tensorflow as tf  # noqa: E402

from aocr.data.building import builder as dataset  # noqa: E402


def build_as_0_7_6(annotations: str, output: str) -> None:
    """The loop of 0.7.6, with today's names."""

    def feature(value: bytes) -> tf.train.Feature:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    with open(annotations, encoding="utf-8") as lines, tf.io.TFRecordWriter(output) as writer:
        for line in lines:
            match = re.match(r"(\S+)\s(.*)", line.rstrip("\n"))
            if not match:
                continue
            path, label = match.groups()
            with open(path, "rb") as file:
                image = file.read()
            features = {"image": feature(image), "label": feature(label.upper().encode())}
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())


def build(annotations: str, output: str) -> None:
    """As the command does."""
    dataset.build(annotations, output, dataset.Options())


def decode(annotations: str, output: str) -> None:
    """Reads and decodes the images, and does nothing with them; `output` is not written."""
    del output
    lines = pathlib.Path(annotations).read_text("utf-8").splitlines()

    @tf.autograph.experimental.do_not_convert
    def height_of(path: tf.Tensor) -> tf.Tensor:
        return tf.shape(tf.io.decode_image(tf.io.read_file(path), expand_animations=False))[0]

    paths = tf.data.Dataset.from_tensor_slices([line.split()[0] for line in lines])
    for _ in paths.map(height_of, os.cpu_count()).batch(64):
        pass


def repeat_lines(annotations: str, output: str, count: int) -> list[str]:
    """Writes the annotations over and over, up to so many lines; returns the images' paths."""
    lines = pathlib.Path(annotations).read_text("utf-8").splitlines(keepends=True)
    with open(output, "w", encoding="utf-8") as file:
        file.writelines(itertools.islice(itertools.cycle(lines), count))
    return [line.split()[0] for line in lines]


def forget(paths: list[str]) -> None:
    """Drops the files from the page cache."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def seconds(run: Callable[[str, str], None], annotations: str, output: str) -> tuple[float, float]:
    """By the clock, and by the processors."""
    clock, processors = time.perf_counter(), time.process_time()
    run(annotations, output)
    return time.perf_counter() - clock, time.process_time() - processors


def compare(annotations: str, folder: str, args: argparse.Namespace) -> None:
    """Alternates the three and prints the medians."""
    paths = repeat_lines(annotations, f"{folder}/a.txt", args.lines)
    runs = {"0.7.6": build_as_0_7_6, "aocr dataset": build, "decoding": decode}
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for run in runs.values():
        run(f"{folder}/a.txt", f"{folder}/out")
    for _ in range(args.rounds):
        for name, run in runs.items():
            if args.cold:
                forget(paths)
            taken[name].append(seconds(run, f"{folder}/a.txt", f"{folder}/out"))
    for name, pairs in taken.items():
        clock, processors = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"{name}: {args.lines / clock:.0f} images/s, {processors / args.lines * 1e6:.0f} us")
    for name in ("0.7.6", "decoding"):
        pairs = zip(taken[name], taken["aocr dataset"], strict=True)
        clock, processors = zip(*((a[0] / b[0], a[1] / b[1]) for a, b in pairs), strict=True)
        ratios = f"{statistics.median(clock):.2f}", f"{statistics.median(processors):.2f}"
        print("aocr dataset against {}: {} times the images, by CPU time {}".format(name, *ratios))


def measure_memory(annotations: str, folder: str, count: int) -> None:
    """Prints the peak of a process of its own."""
    repeat_lines(annotations, f"{folder}/a.txt", count)
    subprocess.run([sys.executable, __file__, f"{folder}/a.txt", "--peak", f"{folder}/out"])


def print_peak(annotations: str, output: str) -> None:
    """Builds, and prints this process's peak memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    build(annotations, output)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with open(annotations, encoding="utf-8") as lines:
        count = sum(1 for _ in lines)
    print(f"{count} lines: {after / 1024:.0f} MB, of which TensorFlow {before / 1024:.0f} MB")


def main() -> None:
    """One of the measurements."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("annotations", help="its paths are relative to the working directory")
    parser.add_argument("--lines", type=int, default=2000, help="lines a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--memory", type=int, nargs="+", metavar="LINES")
    parser.add_argument("--peak", metavar="OUTPUT", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peak:
        print_peak(args.annotations, args.peak)
        return
    with tempfile.TemporaryDirectory() as folder:
        if args.memory:
            for count in args.memory:
                measure_memory(args.annotations, folder, count)
        else:
            compare(args.annotations, folder, args)


if __name__ == "__main__":
    main()
