"""Measures how fast a model reads: images a second, and the latency of single images."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from aocr.data.images.files import ImageFileError, read_file
from aocr.exports.samples import sample_images
from aocr.model.readings import Reading
from aocr.reading.reader import Reader
from aocr.util.errors import UserError
from aocr.util.text.plurals import counted_in_groups

WARM_UP_CALLS = 3
"""Calls before the measurement, in which TensorFlow optimizes the graph and reserves memory."""

PERCENTILES = (50, 90, 99)


class Speed(NamedTuple):
    """Holds the times of calls that each read a batch.

    Attributes:
        batch_size: number of images of each call.
        seconds: float64 `[calls]`, the time that each call took.
    """

    batch_size: int
    seconds: np.ndarray

    @property
    def images_per_second(self) -> float:
        """The images of all calls, divided by their time."""
        return self.batch_size * len(self.seconds) / float(self.seconds.sum())


def benchmark_images(names: Sequence[str]) -> list[bytes]:
    """Returns the image files of these names; without a name, drawn images.

    Raises:
        UserError: a file cannot be read.
    """
    try:
        return [read_file(name) for name in names] or sample_images()
    except ImageFileError as error:
        raise UserError(f"cannot measure with {', '.join(names)[:200]}: {error}") from error


def check_images(reader: Reader, names: Sequence[str], images: Sequence[bytes]) -> None:
    """Reads each image once.

    Raises:
        UserError: an image cannot be read.
    """
    readings = reader.read(list(images), on_error="return")
    for name, reading in zip(names, readings, strict=False):  # drawn images have no names
        if reading.failure:
            raise UserError(f"cannot measure with {name}: {reading.failure}")


def measure(reader: Reader, images: Sequence[bytes], batch_size: int, seconds: float) -> Speed:
    """Reads batches for some time, at least one; decoding counts, reading files does not.

    Args:
        reader: the model.
        images: image files, which are read in turn.
        batch_size: number of images of each call.
        seconds: how long to measure.

    Raises:
        UserError: an image cannot be read.
    """
    endless = itertools.cycle(images)
    for _ in range(WARM_UP_CALLS):
        _check_all_read(reader.read_batch(list(itertools.islice(endless, batch_size))))
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while not taken or time.perf_counter() < end:
        batch = list(itertools.islice(endless, batch_size))
        start = time.perf_counter()
        readings = reader.read_batch(batch)
        taken.append(time.perf_counter() - start)
        _check_all_read(readings)
    return Speed(batch_size, np.array(taken))


def _check_all_read(readings: Sequence[Reading]) -> None:
    for reading in readings:
        if reading.failure:
            raise UserError(f"cannot measure with an image that is {reading.failure}")


def summary(one_by_one: Speed, batches: Speed, image_count: int) -> dict[str, object]:
    """Returns the measurements as values for JSON."""
    milliseconds = one_by_one.seconds * 1000
    return {
        "images": image_count,
        "one_image": {
            "calls": len(milliseconds),
            "images_per_second": round(one_by_one.images_per_second, 2),
            "latency_ms": {
                **{f"p{p}": round(float(np.percentile(milliseconds, p)), 3) for p in PERCENTILES},
                "max": round(float(milliseconds.max()), 3),
            },
        },
        "batches": {
            "batch_size": batches.batch_size,
            "calls": len(batches.seconds),
            "images_per_second": round(batches.images_per_second, 2),
        },
    }


def as_text(measured: dict) -> str:
    """Returns a `summary` as lines of text."""
    one, many = measured["one_image"], measured["batches"]
    latency = ", ".join(f"{name} {value:.1f}" for name, value in one["latency_ms"].items())
    images = counted_in_groups(measured["images"], "different image")
    return (
        f"One image at a time: {one['images_per_second']:.1f} images/s; "
        f"latency in ms: {latency} ({one['calls']} calls)\n"
        f"In batches of {many['batch_size']}: {many['images_per_second']:.1f} images/s "
        f"({many['calls']} calls, {images})\n"
    )
