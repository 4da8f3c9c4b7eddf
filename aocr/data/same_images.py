"""Finds images of one dataset in another: the same files, or files of the same pixels.

An image that a model was trained on says nothing of how it reads others.
"""

from __future__ import annotations

import array
import functools
import hashlib
import io
import logging

import numpy as np
import tensorflow as tf

from aocr.data.images.measuring import Measured
from aocr.data.records.files import RawRecord
from aocr.util.paths.files import write_atomically
from aocr.util.text.plurals import counted

FILE_NAME = "trained-images.npy"
"""Name of the file of a model directory that holds the digests of what it was trained on."""

MAX_STORED = 1_000_000
"""Largest number of images whose digests are stored: 16 MB."""

MAX_NAMED = 10
"""Number of records that are named. All are counted."""


def digest(content: bytes) -> int:
    """Returns a digest of 8 bytes: a number below 2**64."""
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")


class ImageSet:
    """Holds digests of 8 bytes of the files and of the pixels of a dataset's images."""

    def __init__(self) -> None:
        self._files, self._pixels = array.array("Q"), array.array("q")

    def add(self, record: RawRecord, image: Measured | None) -> None:
        """Adds the image of a record, if it can be decoded."""
        if image:
            self._files.append(digest(record.image))
            self._pixels.append(image.picture)

    def has_file(self, record: RawRecord) -> bool:
        """Returns whether an image is the same file; no more may be added afterwards."""
        return _is_in(self._sorted_files, np.uint64(digest(record.image)))

    def has_pixels(self, image: Measured) -> bool:
        """Returns whether an image has the same pixels; no more may be added afterwards."""
        return _is_in(self._sorted_pixels, np.int64(image.picture))

    def update(self, path: str) -> None:
        """Adds the images that `write` has stored in a file, if there is one.

        Raises:
            tf.errors.OpError: the file cannot be read.
        """
        if not tf.io.gfile.exists(path):
            return
        with tf.io.gfile.GFile(path, "rb") as file:
            content = file.read()
        try:
            files, pixels = np.load(io.BytesIO(content), allow_pickle=False)
        except (ValueError, EOFError, OSError):
            logging.warning("%s is damaged, and is not used.", path)
            return
        self._files.frombytes(files.astype(np.uint64).tobytes())
        self._pixels.frombytes(pixels.view(np.int64).tobytes())

    def write(self, path: str) -> None:
        """Stores the digests as uint64 `[2, N]`, unless there are too many.

        Raises:
            tf.errors.OpError: the file cannot be written.
        """
        digests = np.array([self._files, np.array(self._pixels, np.int64).view(np.uint64)])
        digests = np.unique(digests.astype(np.uint64), axis=1)
        if digests.shape[1] <= MAX_STORED:
            content = io.BytesIO()
            np.save(content, digests, allow_pickle=False)
            write_atomically(path, content.getvalue())

    @functools.cached_property
    def _sorted_files(self) -> np.ndarray:
        return np.unique(np.frombuffer(self._files, np.uint64)) if self._files else np.zeros(0)

    @functools.cached_property
    def _sorted_pixels(self) -> np.ndarray:
        return np.unique(np.frombuffer(self._pixels, np.int64)) if self._pixels else np.zeros(0)


def _is_in(values: np.ndarray, value: np.integer) -> bool:
    place = int(np.searchsorted(values, value))
    return place < len(values) and bool(values[place] == value)


class SameImages:
    """Counts the images of a dataset that a set has, too.

    Args:
        known: the set.
    """

    def __init__(self, known: ImageSet) -> None:
        self._known = known
        self._files = self._pixels = self._images = 0
        self._named: list[str] = []

    def add(self, record: RawRecord, image: Measured | None) -> None:
        """Compares the image of a record."""
        self._images += 1
        if not image:
            return
        same_file = self._known.has_file(record)
        if same_file or self._known.has_pixels(image):
            self._files += same_file
            self._pixels += not same_file
            if len(self._named) < MAX_NAMED:
                self._named.append(record.name)

    @property
    def shared(self) -> int:
        """Number of images that the set has."""
        return self._files + self._pixels

    def log(self, used: str) -> None:
        """Logs how many images the set has, and the first of them; nothing if it has none.

        Args:
            used: what the dataset is used for: "validated" or "tested".
        """
        count = self.shared
        if not count:
            return
        kinds = [(self._files, "the same file", "the same files")]
        kinds += [(self._pixels, "another file with the same pixels", "other files of such pixels")]
        logging.warning(
            "%s of %i %s are also trained on (%s): they are read better than new ones.",
            counted(count, "image"),
            self._images,
            used,
            ", ".join(counted(*kind) for kind in kinds if kind[0]),
        )
        for name in self._named:
            logging.warning("    %s", name)
        if count > len(self._named):
            logging.warning("    and %i more.", count - len(self._named))
