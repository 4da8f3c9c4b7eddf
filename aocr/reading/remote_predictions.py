"""Lets a server predict the text of image files; works without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from aocr.config import MAX_PIXELS
from aocr.data.images.conversion import to_upload
from aocr.data.images.file_reading import read_file
from aocr.data.images.header import ImageFileError, TooManyPixelsError, quiet_pillow
from aocr.reading.arrivals import batch_arrivals
from aocr.reading.rest_client import RefusedError, RestClient
from aocr.reading.results import FilePrediction

MAX_REQUEST_BYTES = 4 * 2**20
"""Size of the image files of a request, unless a single one is larger. Servers and the proxies
before them have limits."""


class _Upload(NamedTuple):
    """Holds an image file to send, or why it cannot be sent."""

    path: str
    encoded: bytes = b""
    failure: str = ""


def predict(client: RestClient, paths: Iterable[str], batch_size: int) -> Iterator[FilePrediction]:
    """Yields a prediction for each image file, in the order of the paths.

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
            for group in _groups(map(_load, batch)):
                yield from _predict_group(client, group)


def _load(path: str) -> _Upload:
    try:
        return _Upload(path, to_upload(read_file(path), MAX_PIXELS))
    except TooManyPixelsError as error:  # whose reason names a flag of another command
        return _Upload(path, failure=f"more than {MAX_PIXELS} pixels ({error.detail})")
    except ImageFileError as error:
        return _Upload(path, failure=str(error))


def _groups(uploads: Iterable[_Upload]) -> Iterator[list[_Upload]]:
    """Yields the files in groups that fit into a request."""
    group: list[_Upload] = []
    size = 0
    for upload in uploads:
        if group and size + len(upload.encoded) > MAX_REQUEST_BYTES:
            yield group
            group, size = [], 0
        group.append(upload)
        size += len(upload.encoded)
    if group:
        yield group


def _predict_group(client: RestClient, group: list[_Upload]) -> Iterator[FilePrediction]:
    images = [upload.encoded for upload in group if not upload.failure]
    readings = iter(_read(client, images))
    for upload in group:
        if upload.failure:
            yield FilePrediction(upload.path, failure=upload.failure)
        else:
            reading = next(readings)
            yield reading._replace(path=upload.path)


def _read(client: RestClient, images: list[bytes]) -> list[FilePrediction]:
    """Reads images in one request; if the server refuses it, in one request for each."""
    if not images:
        return []
    try:
        return [
            FilePrediction("", reading.text, reading.probability, None)
            for reading in client.read(images)
        ]
    except RefusedError as error:
        if len(images) == 1:
            return [FilePrediction("", failure=f"the server refuses it: {error}")]
    return [prediction for image in images for prediction in _read(client, [image])]
