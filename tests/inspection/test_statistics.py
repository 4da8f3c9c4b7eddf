"""The pass over a dataset: what it does not decode, and what it keeps in memory."""

import gc
import itertools
import struct
import tracemalloc
import zlib

import pytest
from PIL import Image

from aocr.data.limits import Limits
from aocr.data.records.files import RawRecord
from aocr.inspection import statistics
from aocr.inspection.statistics import CheckedImage, collect_statistics


def huge(side):
    """The beginning of a PNG file that says it has so many pixels a side."""
    header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 9999) + b"IDAT"


@pytest.mark.parametrize("side", [8000, 10_000, 20_000])
def test_huge_image_is_not_decoded(side, recwarn):
    rows = iter([RawRecord("record 1", huge(side), b"A")])
    counts = collect_statistics(rows, Limits(), channels=1)
    (named,) = counts.images.undecodable.named
    assert named == f"record 1: {side} x {side} pixels, too many to decode"
    assert not [w for w in recwarn if issubclass(w.category, Image.DecompressionBombWarning)]


def test_memory_does_not_grow_with_the_records(monkeypatch):
    """16 bytes a record, whatever it holds; Python's own lists of it would take ten times that."""
    checked = CheckedImage("PNG L", (2, 2), "")
    monkeypatch.setattr(statistics, "check_images", lambda images, *_: [checked] * len(images))
    rows = (RawRecord(f"record {n}", b"%i" % n * 99, b"AB") for n in range(30_000))
    collect_statistics(itertools.islice(rows, 1), Limits(), channels=1)  # imports what it needs
    tracemalloc.start()
    counts = collect_statistics(rows, Limits(), channels=1)
    gc.collect()  # the graph that decodes
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert counts.records == 29_999
    assert held < 30_000 * 16 * 1.5 + 500_000
