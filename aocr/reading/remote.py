"""Lets a server read image files over TensorFlow Serving's REST; works without TensorFlow."""

from __future__ import annotations

import base64
import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator

from aocr.config import MAX_PIXELS
from aocr.data.images.conversion import to_upload
from aocr.data.images.files import ImageFileError, failure_of, quiet_pillow, read_file
from aocr.inference import names
from aocr.model.readings import Reading
from aocr.util.errors import UserError
from aocr.util.threads import batch_arrivals

TIMEOUT = 60
"""Seconds that a server may be silent."""

MAX_ANSWER_BYTES = 64 * 2**20
"""Size of the largest answer that is read: that to thousands of images is smaller."""

_SHOWN_CHARACTERS = 200


class RefusedError(Exception):
    """Reports that the server refuses a request because of its content."""


class RestClient:
    """Asks a server to read images.

    Args:
        url: the address of the server, the model, or its `:predict`, such as
            `http://localhost:8501`.
        api_key: the bearer token to send; empty for none.
        timeout: seconds that the server may be silent.

    Raises:
        UserError: the URL cannot be that of a server.
    """

    def __init__(self, url: str, api_key: str = "", timeout: float = TIMEOUT) -> None:
        self._url, self._timeout = predict_url(url), timeout
        self._headers = {"Content-Type": "application/json"}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"

    def read(self, images: list[bytes]) -> list[Reading]:
        """Returns what the server reads from images, in one request.

        Args:
            images: image files, at least one.

        Raises:
            RefusedError: the server refuses the request, perhaps because of one of the images.
            UserError: the server does not answer, or not as TensorFlow Serving does.
        """
        encoded = [{"b64": base64.b64encode(image).decode()} for image in images]
        inputs = {names.SIGNATURE_IMAGES: encoded}
        request = {"signature_name": names.DEFAULT_SIGNATURE, "inputs": inputs}
        answer = self._post(json.dumps(request).encode())
        try:
            outputs = json.loads(answer)["outputs"]
            # of one image, an export of aocr 0.7.6 returns scalars
            texts = _as_list(outputs[names.SIGNATURE_TEXT])
            probabilities = _as_list(outputs[names.SIGNATURE_PROBABILITY])
            found = [
                Reading(str(text), float(probability), character_probabilities=None)
                for text, probability in zip(texts, probabilities, strict=True)
            ]
        except (ValueError, KeyError, TypeError) as error:
            shown = answer[:_SHOWN_CHARACTERS].decode(errors="replace")
            raise UserError(
                f"{self._url} does not answer as an export of aocr behind TensorFlow Serving: "
                f"{shown!r}"
            ) from error
        if len(found) != len(images):
            raise UserError(f"{self._url} answers {len(found)} texts to {len(images)} images")
        return found

    def _post(self, body: bytes) -> bytes:
        request = urllib.request.Request(self._url, body, self._headers)
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as answer:
                announced = answer.length or 0
                body = answer.read(MAX_ANSWER_BYTES + 1) if announced <= MAX_ANSWER_BYTES else b""
        except urllib.error.HTTPError as error:
            reason = _reason(error)
            if error.code in (400, 413):
                raise RefusedError(reason) from error
            raise UserError(
                f"{self._url} answers {error.code}: {reason}{_CURES.get(error.code, '')}"
            ) from error
        except TimeoutError as error:
            raise UserError(
                f"{self._url} has been silent for {self._timeout:g} s: is it overloaded?"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            cause = getattr(error, "reason", None) or error
            if isinstance(cause, TimeoutError):
                raise UserError(
                    f"{self._url} cannot be reached within {self._timeout:g} s"
                ) from error
            raise UserError(f"cannot reach {self._url}: {cause}: is the server running?") from error
        if max(len(body), announced) > MAX_ANSWER_BYTES:
            raise UserError(
                f"{self._url} announces an answer of {announced or 'countless'} bytes; at most "
                f"{MAX_ANSWER_BYTES} are read: is it TensorFlow Serving?"
            )
        if len(body) < announced:
            raise UserError(
                f"the answer of {self._url} ends after {len(body)} of the {announced} bytes that "
                f"it announces: did the server stop?"
            )
        return body


_CURES = {
    401: ": name a file with the server's key by --api-key-file",
    403: ": name a file with the server's key by --api-key-file",
    404: ": name the model in --server, as in http://HOST:8501/v1/models/NAME",
}
"""The advice that follows a status, by the status."""


def predict_url(url: str) -> str:
    """Returns the URL that requests go to.

    Args:
        url: the address of the server, of a model of it, of a version, or the whole.

    Raises:
        UserError: it is not an HTTP URL.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        bad = parts.scheme not in ("http", "https") or not parts.hostname
        _ = parts.port  # which may not be a number
    except ValueError:
        bad = True
    if bad or parts.query or parts.fragment:
        raise UserError(f"--server={url} is not a URL such as http://localhost:8501")
    path = parts.path.rstrip("/") or f"/v1/models/{names.DEFAULT_MODEL_NAME}"
    if not path.endswith(":predict"):
        path += ":predict"
    return urllib.parse.urlunsplit(parts._replace(path=path))


def _as_list(values: object) -> list:
    return values if isinstance(values, list) else [values]


def _reason(error: urllib.error.HTTPError) -> str:
    """Returns what a server says of an error, on one line."""
    try:
        body = error.read(1 << 16)
    except (OSError, http.client.HTTPException):
        body = b""
    try:
        text = str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        text = body.decode(errors="replace") or str(error.reason)
    return " ".join(text.split())[:_SHOWN_CHARACTERS]


MAX_REQUEST_BYTES = 4 * 2**20
"""Size of the image files of a request, unless a single one is larger. Servers and the proxies
before them have limits."""


def predict(
    client: RestClient, paths: Iterable[str], batch_size: int
) -> Iterator[tuple[str, Reading]]:
    """Yields each image file with what was read, in the order of the paths.

    The files are converted as by `aocr dataset`. An image that the server cannot read fails alone.

    Args:
        client: the client that sends the files.
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
