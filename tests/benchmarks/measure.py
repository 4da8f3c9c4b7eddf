"""Helps all benchmarks: generated data, medians, child processes, and the table.

It imports TensorFlow nowhere but in functions: on Linux the peak memory that a child process
reports is at least that of the process that started it, so whoever measures must stay small.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import importlib
import io
import multiprocessing
import os
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from aocr.config import Config
    from aocr.data.batches.epochs import Records

ROOT = str(pathlib.Path(__file__).parents[2])
CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MIB, GIB = 2**20, 2**30

T = TypeVar("T")


class Row(NamedTuple):
    """A line of the table.

    Attributes:
        what: is measured.
        measured: value, with its unit.
        against: what it is compared with: value and name.
        ratio: of the two, or None.
        target: what is wanted of the ratio, or where it has a unit of the measured value.
    """

    what: str
    measured: str
    against: str = ""
    ratio: float | None = None
    target: str = ""


class Finished(NamedTuple):
    """A child process that has ended.

    Attributes:
        seconds: it took, by the clock.
        processor_seconds: it took of all cores together.
        peak: bytes of memory that it had at most.
        lines: of its stderr, each with the seconds after the start when it came.
    """

    seconds: float
    processor_seconds: float
    peak: int
    lines: list[tuple[float, str]]


def print_table(rows: Iterable[Row]) -> None:
    """Prints the rows in Markdown."""
    print("| what | measured | against | ratio | target |\n|---|---|---|---|---|")
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        cells = (row.what, row.measured, row.against, ratio, row.target)
        print("|", " | ".join(cells), "|", flush=True)


def parser(text: str | None, rounds: int) -> argparse.ArgumentParser:
    """The parser of a benchmark; `--rounds` is all that they share."""
    made = argparse.ArgumentParser(
        description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--rounds", type=int, default=rounds, help="(default: %(default)s)")
    return made


def rows_of(name: str, rounds: int | None) -> list[Row]:
    """The rows of the benchmark of a name, after so many rounds or its own."""
    benchmark = importlib.import_module(name)
    return benchmark.rows(rounds or benchmark.ROUNDS)


def import_tensorflow() -> None:
    """Imports TensorFlow as `aocr` does, on the CPU, and tells nothing of it."""
    from aocr.util.terminal import tensorflow_import

    tensorflow_import.import_tensorflow(os.devnull, use_gpu=False)


def records_of(files: list[str], batch_size: int, config: Config) -> Records:
    """The records of files that can be trained on."""
    from aocr.data.batches.epochs import Records
    from aocr.data.dataset_scan import scan

    found = scan(files, config)
    widths = np.array(found.width_of_record, np.int32)
    return Records(files, found.records_of_file, found.untrainable(False), widths, batch_size)


def draw(text: str, size: tuple[int, int], font: float, form: str = "PNG") -> bytes:
    """An image file: a grey picture of noise with white text in its middle."""
    picture = Image.effect_noise(size, 60)
    middle = size[0] / 2, size[1] / 2
    ImageDraw.Draw(picture).text(middle, text, 255, ImageFont.load_default(font), anchor="mm")
    file = io.BytesIO()
    picture.save(file, form, quality=90)  # PNG has no quality and passes it over
    return file.getvalue()


def words(count: int, length: int = 5, characters: str = CAPITALS) -> list[str]:
    """Random words, the same each time."""
    letters = np.random.default_rng(0).choice(list(characters), [count, length])
    return ["".join(row) for row in letters]


def draw_words(count: int, form: str = "PNG") -> list[tuple[bytes, str]]:
    """Words of five capitals in 160x60 image files, each with its label."""
    return [(draw(word, (160, 60), 40, form), word) for word in words(count)]


def write_records(path: str, pairs: Sequence[tuple[bytes, str]], count: int | None = None) -> None:
    """Writes images and labels as TFRecords; over and over up to a count, if one is given."""
    import tensorflow as tf

    from aocr.data.records import schema

    serialized = [schema.serialize(image, label) for image, label in pairs]
    with tf.io.TFRecordWriter(path) as writer:
        for number in range(count or len(serialized)):
            writer.write(serialized[number % len(serialized)])


def make_checkpoint(folder: str, config: Config | None = None) -> str:
    """Saves a model with the random weights of a fixed seed.

    Args:
        folder: the model directory.
        config: the model; None for the default one.

    Returns:
        The checkpoint.
    """
    import tensorflow as tf

    from aocr.config import Config
    from aocr.data.batches.epochs import Records
    from aocr.model import config_file
    from aocr.model.weights import checkpoints
    from aocr.training.graph import build_train_graph
    from aocr.training.options import TrainingOptions
    from aocr.training.start.step_plan import StepPlan
    from aocr.util.session import open_on_cpu

    config = config or Config()
    no_records = Records(["none"], [1], [], [0], batch_size=1)
    model = build_train_graph(config, TrainingOptions(), no_records, StepPlan(0, 0, 1))
    with model.graph.as_default(), open_on_cpu(model.graph) as opened:
        opened.run(tf.compat.v1.global_variables_initializer())
        checkpoints.CheckpointWriter(folder, keep=1).save(opened, 0)
    config_file.write(folder, config)
    return checkpoints.find_checkpoint(folder)


def seconds(run: Callable[[], object], times: int = 1) -> float:
    """Mean seconds of a call."""
    started = time.perf_counter()
    for _ in range(times):
        run()
    return (time.perf_counter() - started) / times


def alternate(rounds: int, *runs: Callable[[], T]) -> list[list[T]]:
    """Calls one after the other, round by round; the results by call, then by round."""
    results = [[run() for run in runs] for _ in range(rounds)]
    return [list(column) for column in zip(*results, strict=True)]


def compared(
    what: str,
    measured: Sequence[float],
    name: str,
    against: Sequence[float],
    target: str,
    show: Callable[[float], str] = "{:.3f} s".format,
) -> Row:
    """The row of two that alternated: their medians, and the median of the rounds' ratios.

    Args:
        what: was measured.
        measured: a number a round.
        name: of what it is compared with.
        against: the numbers of that.
        target: for the ratio, or with a unit for what was measured.
        show: writes a number with its unit.
    """
    medians = show(statistics.median(measured)), show(statistics.median(against))
    ratio = statistics.median(a / b for a, b in zip(measured, against, strict=True))
    return Row(what, medians[0], f"{name}: {medians[1]}", ratio, target)


def run(command: Sequence[str], folder: str) -> Finished:
    """Runs a Python with these arguments in a folder, with aocr's own settings of TensorFlow.

    Raises:
        RuntimeError: it failed.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stderr is not None
    with process.stderr:
        lines = [(time.perf_counter() - started, line.rstrip()) for line in process.stderr]
    _, status, usage = os.wait4(process.pid, 0)
    taken = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        text = "\n".join(line for _, line in lines[-10:])
        raise RuntimeError(f"{' '.join(command)} failed ({process.returncode}):\n{text}")
    return Finished(taken, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, lines)


def environment() -> dict[str, str]:
    """The environment of a Python with aocr's own settings of TensorFlow, on the CPU."""
    settings = {
        "PYTHONPATH": ROOT,
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_ENABLE_ONEDNN_OPTS": "1",
    }
    return os.environ | settings


def in_fresh_process(function: Callable[..., T], *arguments) -> T:
    """What a function returns in a Python process of its own."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *arguments).result()
