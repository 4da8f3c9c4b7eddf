"""The images that an export and its model are compared on: drawn ones, or those of a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from aocr.data.records import files
from aocr.data.records.schema import text_of
from aocr.exports.sample_images import sample_images
from aocr.util.errors import UserError


class Samples(NamedTuple):
    """Holds images, and what is known of them.

    Attributes:
        images: encoded images.
        labels: their texts; None if they are drawn images, which a model need not be able to read.
        name: of the dataset that they are from; "sample images" for drawn ones.
    """

    images: list[bytes]
    labels: list[str] | None = None
    name: str = "sample images"


def drawn_samples() -> Samples:
    """Returns a few images of words and of noise."""
    return Samples(sample_images())


def dataset_samples(paths: Sequence[str], limit: int | None = None) -> Samples:
    """Returns the images of a dataset with their labels.

    Args:
        paths: TFRecord files, folders or globs.
        limit: number of images after which to stop; None reads all.

    Raises:
        UserError: a file cannot be read, or there is no image.
    """
    images: list[bytes] = []
    labels: list[str] = []
    for record in files.read(files.expand(paths)):
        if limit is not None and len(images) == limit:
            break
        images.append(record.image)
        labels.append(text_of(record.label))
    if not images:
        raise UserError(f"{', '.join(paths)} holds no images: name another dataset")
    return Samples(images, labels, ", ".join(paths))
