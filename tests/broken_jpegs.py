"""Makes broken JPEG files from good ones: those that TensorFlow decodes, and those it refuses."""

_TABLES, _SCAN, _END = b"\xff\xdb", b"\xff\xda", b"\xff\xd9"

PREMATURE_END = "Corrupt JPEG data: premature end of data segment"
EXTRANEOUS = "Corrupt JPEG data: 3 extraneous bytes before marker 0xda"
NO_TABLE = "Quantization table 0x00 was not defined"


def cut(good: bytes, size: int = 150) -> bytes:
    """Returns a file without its last bytes, as after a broken copy: refused without a message."""
    return good[:-size]


def cut_and_ended(good: bytes, size: int = 150) -> bytes:
    """Returns a cut file that ends properly: decoded with the complaint `PREMATURE_END`."""
    return cut(good, size) + _END


def with_stray_bytes(good: bytes) -> bytes:
    """Returns a file with bytes between two segments: decoded with the complaint `EXTRANEOUS`."""
    return good.replace(_SCAN, b"\x11\x22\x33" + _SCAN, 1)


def without_tables(good: bytes) -> bytes:
    """Returns a file without its quantization tables: refused with the complaint `NO_TABLE`."""
    start = good.index(_TABLES)
    size = int.from_bytes(good[start + 2 : start + 4], "big")
    return good[:start] + good[start + 2 + size :]
