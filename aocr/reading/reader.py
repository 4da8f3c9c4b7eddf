"""Reads images: the object that programs, commands and the server share."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar, overload

import numpy as np
import tensorflow as tf
from PIL import Image

from aocr.config import MAX_PIXELS, TEST_BATCH_SIZE, width_at_32
from aocr.data.images.conversion import convert_watched, if_unchanged, problem_of, to_png
from aocr.data.images.decoder_complaints import DecoderWatch
from aocr.data.images.files import (
    ImageFileError,
    TooManyPixelsError,
    failure_of,
    quiet_pillow,
    read_file,
)
from aocr.model.readings import Reading
from aocr.reading.checkpoint_backend import Backend
from aocr.util.threads import Usage, batch_arrivals

ImageInput: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | Image.Image | np.ndarray"
"""A path, local or remote; the bytes of an image file; a picture; pixels uint8 `[h, w]` or
`[h, w, C]` with C = 1 (gray), 3 (RGB) or 4 (RGB and alpha)."""

_ONE_IMAGE = (str, os.PathLike, bytes, bytearray, memoryview, Image.Image)


def is_one_image(images: Any) -> bool:
    """Returns whether a value is an image, not several of them."""
    if isinstance(images, np.ndarray):
        return images.ndim < 4 and images.dtype != object
    return isinstance(images, _ONE_IMAGE)


def as_list(images: ImageInput | Iterable[ImageInput]) -> list[ImageInput]:
    """Returns one image or several as a list.

    Raises:
        TypeError: the value is neither an image nor an iterable.
    """
    return [images] if is_one_image(images) else list(images)  # type: ignore[list-item, arg-type]


def encoded_image(image: ImageInput, max_pixels: int) -> bytes:
    """Returns an image as the bytes of a file: files as they are, pictures and pixels as PNG.

    Args:
        image: the image.
        max_pixels: largest accepted number of pixels of a picture or an array.

    Raises:
        ImageFileError: a file cannot be read, or pixels are not an image.
        TypeError: the value is of another type.
    """
    if isinstance(image, np.ndarray):
        image = _picture_of(image)
    if isinstance(image, Image.Image):
        if image.width * image.height > max_pixels:
            raise TooManyPixelsError(f"more than {max_pixels} pixels", str(image.size))
        if not image.width * image.height:
            raise ImageFileError("image without pixels", f"{image.width} x {image.height}")
        return to_png(image.copy())
    if isinstance(image, bytes | bytearray | memoryview):
        return bytes(image)
    if isinstance(image, str | os.PathLike):
        return read_file(os.fspath(image))
    raise TypeError(
        f"not an image but {type(image).__name__}: give a path, bytes, a Pillow image or an array"
    )


def _picture_of(pixels: np.ndarray) -> Image.Image:
    """Returns pixels as a picture."""
    channels = 1 if pixels.ndim == 2 else pixels.shape[-1]
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or channels not in (1, 3, 4):
        raise ImageFileError(
            "array that is not an image",
            f"{pixels.dtype} {list(pixels.shape)} instead of uint8 [h, w] or [h, w, 1, 3 or 4]",
        )
    if pixels.ndim == 3 and channels == 1:
        pixels = pixels[..., 0]  # [h, w, 1] --> [h, w]
    return Image.fromarray(np.ascontiguousarray(pixels))


Item = TypeVar("Item")
Value = TypeVar("Value")


def read_halves(
    read: Callable[[Sequence[Item]], Sequence[Value]],
    items: Sequence[Item],
    failed: Callable[[Item, tf.errors.OpError], Value],
) -> Sequence[Value]:
    """Reads a batch; if that fails, both halves of it, until only the bad images fail.

    Args:
        read: the function that reads some items.
        items: the images, at least one.
        failed: the function that returns the result of an item that cannot be read alone, given
            the error.
    """
    try:
        return read(items)
    except tf.errors.OpError as error:
        if len(items) == 1:
            return [failed(items[0], error)]
    middle = len(items) // 2
    halves = (read_halves(read, half, failed) for half in (items[:middle], items[middle:]))
    return [value for half in halves for value in half]


BATCHES_TOGETHER = 8
"""Number of batches whose images are loaded together, so that each batch gets similar widths."""

MAX_LOADED_BYTES = 2**26
"""Size of the files loaded together from which on they are read, though there may be more."""


class _Loaded(NamedTuple):
    """Holds an image file that the backend decodes.

    Attributes:
        encoded: the file; empty if it cannot be used.
        width: width of the image at a height of 32 pixels, in pixels.
        known: what is known before it is read: a failure or a complaint.
    """

    encoded: bytes
    width: int
    known: Reading


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
            watch: the finder of complaints of the decoder, which stays open as long as the reader.
                None leaves complaints on the console.
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
        given, size = as_list(images), BATCHES_TOGETHER * self._batch_size
        found: list[Reading] = []
        for start in range(0, len(given), size):
            found += self.read_batch(given[start : start + size], attention=attention)
            failed = next((n for n, r in enumerate(found[start:], start) if r.failure), None)
            if failed is not None and on_error == "raise":
                image = given[failed]
                places = [] if is_one_image(images) else [f"image {failed + 1} of {len(given)}"]
                places += [os.fspath(image)] if isinstance(image, (str, os.PathLike)) else []
                place = ", ".join(places)
                raise ImageFileError((place and f"{place}: ") + found[failed].failure)
        return found[0] if is_one_image(images) else found

    def read_batch(self, images: Sequence[ImageInput], *, attention: bool = False) -> list[Reading]:
        """Reads several images; those that cannot be read tell why.

        The images are converted as by `aocr dataset`. The model reads at most `batch_size` at a
        time, of more images those of similar width together.
        """
        with self._usage():
            loads = self._loads(images)
            return [reading for each in loads for reading in self._read_loaded(each, attention)]

    def _loads(self, images: Sequence[ImageInput]) -> Iterator[list[_Loaded]]:
        """Loads images, and yields as many at a time as memory is meant for."""
        loaded: list[_Loaded] = []
        for start in range(0, len(images), self._batch_size):
            loaded += self._threads.map(self._load, images[start : start + self._batch_size])
            if sum(len(each.encoded) for each in loaded) > MAX_LOADED_BYTES:
                yield loaded
                loaded = []
        if loaded:
            yield loaded

    def _load(self, image: ImageInput) -> _Loaded:
        try:
            encoded, complaint = encoded_image(image, MAX_PIXELS), ""
            usable = if_unchanged(encoded, MAX_PIXELS)
            if usable is None:
                usable, complaint = convert_watched(encoded, MAX_PIXELS, self._watch)
            width = width_at_32(usable.width, usable.height)
            return _Loaded(usable.encoded, width, Reading(complaint=complaint))
        except ImageFileError as error:
            return _Loaded(b"", 0, Reading(failure=failure_of(error)))

    def _read_loaded(self, loaded: Sequence[_Loaded], attention: bool) -> list[Reading]:
        """Reads images in batches. A batch takes the time of its widest image."""
        found = [each.known for each in loaded]
        places = [n for n, known in enumerate(found) if not known.failure]
        if len(places) > self._batch_size:
            places.sort(key=lambda n: loaded[n].width)
        for start in range(0, len(places), self._batch_size):
            batch = places[start : start + self._batch_size]
            readings = self._read_files([loaded[n].encoded for n in batch], attention)
            for n, reading in zip(batch, readings, strict=True):
                found[n] = _with_complaint(reading, found[n].complaint)
        return found

    def _read_files(self, encoded: Sequence[bytes], attention: bool) -> Sequence[Reading]:
        """Reads files that the backend decodes; those that it cannot decode tell why."""
        backend_read = functools.partial(self.backend.read_files, attention=attention)

        def read(files: Sequence[bytes]) -> list[Reading]:
            if not self._watch:
                return backend_read(files)
            found = self._watch.decode(files, backend_read)
            return [_with_complaint(reading, complaint) for reading, complaint in found]

        def failed(file: bytes, error: Exception) -> Reading:
            return Reading(failure=problem_of(file, error, self._watch))

        return read_halves(read, encoded, failed)

    def close(self) -> None:
        """Waits for running calls, and frees the model. Later calls of `read` raise ValueError."""
        self._usage.close()

    def _release(self) -> None:
        self._threads.shutdown()
        self.backend.close()

    def __enter__(self) -> Reader:
        """Returns the reader."""
        return self

    def __exit__(self, *error: object) -> None:
        """Closes the reader."""
        self.close()


def _with_complaint(reading: Reading, complaint: str) -> Reading:
    return reading._replace(complaint=complaint) if complaint else reading


MAX_IMAGES_WITHOUT_GRAPPLER = 16
"""Largest number of images for which `predict` turns off Grappler, TensorFlow's graph optimizer.
For so few images, optimizing the graph takes longer than it saves."""


def read_paths(
    load: Callable[..., Backend], paths: Iterable[str], batch_size: int = TEST_BATCH_SIZE
) -> Iterator[tuple[str, Reading]]:
    """Reads the text of each image file, which is converted as by `aocr dataset`.

    Args:
        load: the function that loads the model, given `optimize`: whether to run Grappler.
        paths: the paths of image files. They may arrive one by one: a prediction does not wait for
            a full batch.
        batch_size: largest number of images that the model reads at a time.

    Yields:
        Each path with what was read, in the order of the paths. If a file cannot be read, its
        reading holds the reason.

    Raises:
        UserError: the model cannot be loaded.
    """
    few = isinstance(paths, Sequence) and len(paths) <= MAX_IMAGES_WITHOUT_GRAPPLER
    backend = load(optimize=not few)
    with (
        quiet_pillow(),
        DecoderWatch() as watch,
        Reader(backend, batch_size, watch) as reader,
    ):
        for several in _as_they_come(paths, BATCHES_TOGETHER * batch_size):
            yield from zip(several, reader.read_batch(several), strict=True)


def _as_they_come(paths: Iterable[str], count: int) -> Iterable[Sequence[str]]:
    """Returns paths in groups of at most so many; those of a list are there at once."""
    if isinstance(paths, Sequence):
        return (paths[start : start + count] for start in range(0, len(paths), count))
    return batch_arrivals(paths, count)
