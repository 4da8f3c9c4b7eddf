"""Finds the images that TensorFlow's JPEG decoder complains about.

The decoder, libjpeg, writes its complaints to file descriptor 2 and names no file. It decodes most
of these images nevertheless. Its other decoders write nothing: their errors are TensorFlow's.
"""

from __future__ import annotations

import contextlib
import functools
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from aocr.data.images.files import SIGNATURES
from aocr.util.terminal.streams import StderrFilter

Value = TypeVar("Value")

_COMPLAINT = re.compile(
    # warnings: the image is decoded
    r"Corrupt JPEG data: |Premature end of JPEG file|Warning: unknown JFIF revision number"
    r"|Unknown Adobe color transform code|Inconsistent progression sequence for component"
    r"|Invalid SOS parameters for sequential JPEG|Application transferred too (many|few) scanlines"
    # errors: it is refused
    r"|Not a JPEG file: |Premature end of input file|Input file read error"
    r"|Improper call to JPEG library in state"
    r"|Invalid JPEG file structure: |Invalid component ID \d|Invalid progressive parameters"
    r"|Unsupported (JPEG|marker type|color conversion request)|Empty (JPEG image|input file)"
    r"|Bogus (DAC|DHT|DQT|Huffman|JPEG|marker|sampling|virtual|buffer|input|message)"
    r"|(Huffman|Quantization|Arithmetic) table 0x\w+ was not defined|Too many color components: "
    r"|Maximum supported image dimension is|Sampling factors too large for interleaved scan"
    r"|Image too wide for this implementation|DCT coefficient out of range"
    r"|Sorry, (arithmetic coding|there are legal restrictions)|CCIR601 sampling not implemented"
)
"""Matches the lines that libjpeg writes when it decodes."""


COMPLAINED = (
    "image was read with a complaint of the decoder",
    "images were read with complaints of the decoder",
)
"""Ends the line of a summary: of one such image, and of several."""


def warning_text(name: str, complaint: str) -> str:
    """Returns what a log line says of an image that is read with a complaint.

    Args:
        name: name of the image.
        complaint: the lines of the decoder.
    """
    return f"{name}: the image was read, but the JPEG decoder complains: {complaint}"


def _is_complaint(line: str) -> bool:
    return bool(_COMPLAINT.match(line))


@contextlib.contextmanager
def hidden_complaints() -> Iterator[None]:
    """Drops the decoder's complaints in the block: `aocr dataset` and `aocr inspect` name images.

    It decorates functions, too.
    """
    with StderrFilter(_is_complaint):
        yield


class DecoderWatch:
    """Keeps the decoder's complaints off the console, and tells which images they are about.

    Everything that decodes while a watch is open must do so in its methods.
    Threads may share a watch. A context manager.
    """

    def __init__(self) -> None:
        self._filter = StderrFilter(_is_complaint)
        self._gate = _Gate()

    def __enter__(self) -> DecoderWatch:
        """Starts to watch."""
        self._filter.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        """Ends the watch."""
        self._filter.__exit__(None, None, None)

    @contextlib.contextmanager
    def together(self) -> Iterator[list[str]]:
        """Lets the block decode while other threads do, too.

        Yields a list, to which the end of the block adds the complaints that arrived meanwhile. If
        there are any, one of the images of this block or of another thread has caused them.
        """
        heard: list[str] = []
        with self._gate.together():
            before = self._filter.count()
            try:
                yield heard
            finally:
                heard += self._filter.lines_after(before)

    def decode(
        self, images: Sequence[bytes], decode: Callable[[Sequence[bytes]], Sequence[Value]]
    ) -> list[tuple[Value, str]]:
        """Decodes images while other threads do, too; each again alone if complaints arrive.

        Args:
            images: image files.
            decode: the function that decodes some of them.

        Returns:
            For each image what `decode` returns, and the lines of the decoder, or an empty string.
        """
        with self.together() as heard:
            values = decode(images)
        if not heard:
            return [(value, "") for value in values]
        return [
            (value, self.complaint_about(image, functools.partial(decode, [image])))
            for value, image in zip(values, images, strict=True)
        ]

    def complaint_about(self, encoded: bytes, decode: Callable[[], object]) -> str:
        """Decodes one image while no other thread decodes, and returns the complaints about it.

        Args:
            encoded: the image file.
            decode: the function that decodes it; may raise an Exception, which is ignored.

        Returns:
            The lines of the decoder, or an empty string if there are none.
        """
        if not encoded.startswith(SIGNATURES["JPEG"]):
            return ""
        with self._gate.alone():
            before = self._filter.count()
            with contextlib.suppress(Exception):
                decode()
            return "; ".join(dict.fromkeys(self._filter.lines_after(before)))


class _Gate:
    """Lets many threads in together, or one alone. Those who want to be alone go first."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = self._waiting = 0
        self._closed = False

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Waits until nobody is alone inside, or waits for it."""
        with self._changed:
            self._changed.wait_for(lambda: not self._closed and not self._waiting)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Waits until nobody is inside, and keeps others out."""
        with self._changed:
            self._waiting += 1
            try:
                self._changed.wait_for(lambda: not self._closed and not self._inside)
                self._closed = True
            finally:
                self._waiting -= 1
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._closed = False
                self._changed.notify_all()
