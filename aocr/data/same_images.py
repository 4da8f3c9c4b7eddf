"""Finds images of one dataset in another: the same files, or files of the same pixels.

An image that a model was trained on says nothing of how it reads others.
"""

from __future__ import annotations

import array
import functools
import hashlib
import logging

import numpy as np

from aocr.data.images.measuring import Measured
from aocr.data.records.files import RawRecord
from aocr.util.text.plurals import counted

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

    def log(self) -> None:
        """Logs how many images the set has, and the first of them; nothing if it has none."""
        count = self._files + self._pixels
        if not count:
            return
        kinds = [(self._files, "the same file", "the same files")]
        kinds += [(self._pixels, "another file with the same pixels", "other files of such pixels")]
        logging.warning(
            "%s of %i validated are also trained on (%s): they are read better than new ones.",
            counted(count, "image"),
            self._images,
            ", ".join(counted(*kind) for kind in kinds if kind[0]),
        )
        for name in self._named:
            logging.warning("    %s", name)
        if count > len(self._named):
            logging.warning("    and %i more.", count - len(self._named))
