"""Lets a server predict the text of image files; works without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aocr.config import MAX_PIXELS
from aocr.data.images.conversion import to_upload
from aocr.data.images.files import ImageFileError, failure_of, quiet_pillow, read_file
from aocr.model.readings import Reading
from aocr.reading.rest_client import RefusedError, RestClient
from aocr.util.threads import batch_arrivals

MAX_REQUEST_BYTES = 4 * 2**20
"""Size of the image files of a request, unless a single one is larger. Servers and the proxies
before them have limits."""


def predict(
    client: RestClient, paths: Iterable[str], batch_size: int
) -> Iterator[tuple[str, Reading]]:
    """Yields each image file with what was read, in the order of the paths.

    The files are converted as by `aocr dataset`. An image that the server cannot read fails alone.

    Args:
        client: sends them.
        paths: paths of image files, which may arrive one by one.
        batch_size: largest number of images in a request.

    Raises:
        UserError: the server does not answer as it should.
    """
    with quiet_pillow():
        for batch in batch_arrivals(paths, batch_size):
            yield from zip(batch, _read_files(client, batch), strict=True)


def _read_files(client: RestClient, paths: Iterable[str]) -> Iterator[Reading]:
    """Yields what was read from each file, whatever fits into a request at a time."""
    for group in _groups(map(_load, paths)):
        readings = iter(_read(client, [each for each in group if isinstance(each, bytes)]))
        yield from (next(readings) if isinstance(each, bytes) else each for each in group)


def _load(path: str) -> bytes | Reading:
    """Returns the file to send, or that it cannot be read."""
    try:
        return to_upload(read_file(path), MAX_PIXELS)
    except ImageFileError as error:
        return Reading(failure=failure_of(error))


def _groups(uploads: Iterable[bytes | Reading]) -> Iterator[list[bytes | Reading]]:
    """Yields the files in groups that fit into a request."""
    group: list[bytes | Reading] = []
    size = 0
    for upload in uploads:
        length = len(upload) if isinstance(upload, bytes) else 0
        if group and size + length > MAX_REQUEST_BYTES:
            yield group
            group, size = [], 0
        group.append(upload)
        size += length
    if group:
        yield group


def _read(client: RestClient, images: list[bytes]) -> list[Reading]:
    """Reads images in one request; if the server refuses it, in one request for each."""
    if not images:
        return []
    try:
        return client.read(images)
    except RefusedError as error:
        if len(images) == 1:
            return [Reading(failure=f"the server refuses it: {error}")]
    return [reading for image in images for reading in _read(client, [image])]
