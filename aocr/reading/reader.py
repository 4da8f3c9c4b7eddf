"""Reads images: the object that programs, commands and the server share."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Literal, NamedTuple, overload

import tensorflow as tf
from PIL import Image

from aocr.config import MAX_PIXELS, TEST_BATCH_SIZE
from aocr.data.images.conversion import convert_watched, if_unchanged, problem_of
from aocr.data.images.decoder_complaints import DecoderWatch
from aocr.data.images.files import ImageFileError, TooManyPixelsError
from aocr.inference.results import Reading
from aocr.reading.checkpoint_backend import Backend
from aocr.reading.inputs import ImageInput, as_list, encoded_image, is_one_image
from aocr.util.errors import first_line
from aocr.util.usage import Usage


class PreparedImage(NamedTuple):
    """Holds an image, prepared for the model.

    Attributes:
        value: what the backend reads; None if the image cannot be read.
        failure: why it cannot be read, else empty.
        complaint: what the decoder complains about, or empty.
    """

    value: Any = None
    failure: str = ""
    complaint: str = ""


class Reader:
    """Reads the text in images with a loaded model (see `aocr.load`).

    Threads may share a reader. It is a context manager that closes itself:

        with aocr.load("checkpoints") as reader:
            print(reader.read("word.png").text)

    Attributes:
        backend: the loaded model.
    """

    def __init__(
        self,
        backend: Backend,
        batch_size: int = TEST_BATCH_SIZE,
        watch: DecoderWatch | None = None,
    ) -> None:
        """Takes over a loaded model.

        Args:
            backend: the model; `close` closes it.
            batch_size: number of images that the model reads at a time.
            watch: finds the complaints of the decoder, and stays open as long as the reader; for a
                backend that decodes in `prepare`. None leaves complaints on the console.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size={batch_size} is not positive")
        self.backend = backend
        self._batch_size = batch_size
        self._watch = watch
        Image.init()  # before threads could do so at the same time
        self._threads = ThreadPoolExecutor(thread_name_prefix="aocr-prepare")
        self._usage = Usage("the reader", self._release)

    @overload  # str, bytes and arrays are images, though one can iterate over them
    def read(  # type: ignore[overload-overlap]
        self,
        images: ImageInput,
        *,
        attention: bool = ...,
        on_error: Literal["raise", "return"] = ...,
    ) -> Reading: ...

    @overload
    def read(
        self,
        images: Iterable[ImageInput],
        *,
        attention: bool = ...,
        on_error: Literal["raise", "return"] = ...,
    ) -> list[Reading]: ...

    def read(
        self,
        images: ImageInput | Iterable[ImageInput],
        *,
        attention: bool = False,
        on_error: Literal["raise", "return"] = "raise",
    ) -> Reading | list[Reading]:
        """Reads one image or several.

        Args:
            images: an image or an iterable of images: paths, bytes of image files, Pillow images,
                arrays uint8 `[h, w]` or `[h, w, C]`; or one array `[N, h, w, C]`.
            attention: whether to return the attention, too.
            on_error: what to do if an image cannot be read: raise an error, or return a reading
                that holds the reason as its `failure`.

        Returns:
            A `Reading` for one image, a list of them for several.

        Raises:
            ImageFileError: (a ValueError) an image cannot be read.
            UserError: the model cannot tell its attention.
            ValueError: the reader is closed.
        """
        if on_error not in ("raise", "return"):
            raise ValueError(f"on_error={on_error!r} is neither 'raise' nor 'return'")
        given = as_list(images)
        found: list[Reading] = []
        for start in range(0, len(given), self._batch_size):
            found += self.read_batch(given[start : start + self._batch_size], attention=attention)
            failed = next((n for n, r in enumerate(found[start:], start) if r.failure), None)
            if failed is not None and on_error == "raise":
                image = given[failed]
                places = [] if is_one_image(images) else [f"image {failed + 1} of {len(given)}"]
                places += [os.fspath(image)] if isinstance(image, (str, os.PathLike)) else []
                place = ", ".join(places)
                raise ImageFileError((place and f"{place}: ") + found[failed].failure)
        return found[0] if is_one_image(images) else found

    def read_batch(self, images: Sequence[ImageInput], *, attention: bool = False) -> list[Reading]:
        """Reads several images at a time; those that cannot be read tell why.

        The images are converted as by `aocr dataset`.
        """
        with self._usage():
            prepared = list(self._threads.map(self.prepare, images))
            return self._read(prepared, attention)

    def prepare(self, image: ImageInput, *, max_pixels: int = MAX_PIXELS) -> PreparedImage:
        """Prepares one image.

        Args:
            image: the image.
            max_pixels: largest accepted number of pixels.
        """
        try:
            return self._prepare(encoded_image(image, max_pixels), max_pixels)
        except TooManyPixelsError as error:  # whose reason names a flag of another command
            return PreparedImage(failure=f"more than {max_pixels} pixels ({error.detail})")
        except ImageFileError as error:
            return PreparedImage(failure=str(error))
        except tf.errors.OpError as error:
            return PreparedImage(failure=first_line(error))

    def _prepare(self, encoded: bytes, max_pixels: int) -> PreparedImage:
        """Prepares an image file; the backend decodes it, and nobody before unless it must."""
        complaint = ""
        if not if_unchanged(encoded, max_pixels):
            image, complaint = convert_watched(encoded, max_pixels, self._watch)
            encoded = image.encoded
        try:
            if not self._watch:
                return PreparedImage(self.backend.prepare(encoded))
            prepare = self.backend.prepare
            ((value, own),) = self._watch.decode([encoded], lambda files: [prepare(files[0])])
        except tf.errors.OpError:
            convert_watched(encoded, max_pixels, self._watch)  # says why
            raise
        return PreparedImage(value, complaint=complaint or own)

    def _read(self, prepared: Sequence[PreparedImage], attention: bool) -> list[Reading]:
        values = [image.value for image in prepared if not image.failure]
        readings = iter(self._read_values(values, attention) if values else [])
        return [
            Reading(failure=image.failure)
            if image.failure
            else next(readings)._replace(complaint=image.complaint)
            for image in prepared
        ]

    def _read_values(self, values: Sequence[Any], attention: bool) -> list[Reading]:
        """Reads what a backend has prepared; files that an export cannot decode tell why."""
        try:
            return self.backend.read(values, attention)
        except tf.errors.InvalidArgumentError as error:
            if not isinstance(values[0], bytes):
                raise
            if len(values) == 1:
                return [Reading(failure=problem_of(values[0], error))]
        return [reading for each in values for reading in self._read_values([each], attention)]

    def close(self) -> None:
        """Waits for running calls, and frees the model. Later calls of `read` raise ValueError."""
        self._usage.close()

    def _release(self) -> None:
        self._threads.shutdown()
        self.backend.close()

    def __enter__(self) -> Reader:
        """Returns the reader."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes the reader."""
        self.close()
