"""The inputs that every way to run an export must answer alike (tests/server/test_contract.py)."""

import io
from typing import NamedTuple

from helpers import encoded
from PIL import Image
from tiny_model import picture, png

MAX_PIXELS = 1_000_000
"""The limit of the server in these tests. It alone has one."""


class Case(NamedTuple):
    """Holds an input of `serving_default`.

    Attributes:
        images: an encoded image, or a list of them.
        is_read: whether the model reads it; otherwise each client gets an error.
        error: what the server's error contains.
        key: of the input.
        json: the value that a JSON request holds instead of the images.
        server_reads: False for what only the server refuses.
    """

    images: bytes | list[bytes]
    is_read: bool = True
    error: str = ""
    key: str = "input"
    json: object = None
    server_reads: bool = True


def bad(images: bytes | list[bytes], error: str, **changes) -> Case:
    """Returns a case that no client reads."""
    return Case(images, is_read=False, error=error, server_reads=False, **changes)


def frames(*colors: int) -> bytes:
    """Returns a GIF of several frames."""
    first, *others = [Image.new("L", (30, 20), color) for color in colors]
    file = io.BytesIO()
    first.save(file, "GIF", save_all=True, append_images=others)
    return file.getvalue()


A, B, C = png("a"), png("b"), png("c")
CUT = A[:-60]
HUGE = encoded(Image.new("L", (1001, 1000)))

CASES = {
    "scalar": Case(A),
    "list of one": Case([A]),
    "list": Case([A, B, C, A]),
    "grey PNG": Case(encoded(picture("a"))),
    "RGB PNG": Case(encoded(picture("a").convert("RGB"))),
    "RGBA PNG": Case(encoded(picture("a").convert("RGBA"))),
    "JPEG": Case(encoded(picture("a"), "JPEG")),
    "RGB JPEG": Case(encoded(picture("b").convert("RGB"), "JPEG")),
    "BMP": Case(encoded(picture("a").convert("RGB"), "BMP")),
    "GIF": Case(encoded(picture("a"), "GIF")),
    "GIF of two frames": Case(frames(0, 200)),
    "1x1": Case(encoded(Image.new("L", (1, 1), 7))),
    "wide": Case(encoded(picture("c").resize((600, 20)))),
    "formats together": Case([A, encoded(picture("b"), "JPEG"), encoded(picture("c"), "GIF")]),
    "huge": Case(HUGE, server_reads=False, error=f"more than {MAX_PIXELS} pixels"),
    "empty": bad(b"", "empty file"),
    "corrupt": bad(CUT, ""),
    "no image": bad(b"not an image", "not a readable image"),
    "WebP": bad(encoded(picture("a"), "WEBP"), ""),
    "one corrupt of three": bad([A, CUT, B], ""),
    "not base64": bad(b"?", "Unable to base64 decode", json={"b64": "?"}),
    "wrong key": bad(A, "named input: ", key="wrong"),
}
"""The cases by their names."""
