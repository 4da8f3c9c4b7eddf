"""Hundreds of broken images and lines through `dataset`: none stops it, all are named."""

import io
import logging
import pathlib
import random
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from helpers import encoded
from PIL import Image

from aocr.data.building import builder
from aocr.data.images import conversion
from aocr.data.sources.common import Request

pytestmark = pytest.mark.filterwarnings("ignore:::PIL")

LIMIT = 100_000  # pixels
IMAGES, LINES = 500, 400

GOOD_EVERY = 7
"""Between the broken ones stand good ones, which all must be written, in order."""


def seeds():
    """Whole image files of all kinds."""
    generator = np.random.default_rng(0)
    noise = Image.fromarray(generator.integers(0, 256, [20, 30, 3], np.uint8))
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
        yield encoded(noise.convert(mode))
    for file_format in ("JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000"):
        yield encoded(noise, file_format)
    yield encoded(noise.convert("CMYK"), "JPEG")
    yield encoded(noise.convert("P"), "BMP")
    file = io.BytesIO()
    noise.convert("P").save(file, "GIF", save_all=True, append_images=[noise.convert("P")] * 3)
    yield file.getvalue()
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    noise.save(file, "JPEG", exif=exif)
    yield file.getvalue()


def truncate(content, chance):
    return content[: chance.randrange(len(content))]


def flip_bits(content, chance):
    changed = bytearray(content)
    for _ in range(chance.choice([1, 1, 3, 30])):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def flip_header(content, chance):
    start = flip_bits(content[:64], chance)
    return start + content[64:]


def zero_bytes(content, chance):
    start = chance.randrange(len(content))
    return content[:start] + bytes(len(content) - start)


def insert(content, chance):
    place = chance.randrange(len(content))
    return content[:place] + chance.randbytes(chance.randrange(1, 50)) + content[place:]


def bomb(_, chance):
    """A small PNG file that says it is huge; its data are of that size, or are not."""
    width, height = chance.choice([(2**31 - 1, 2**31 - 1), (60_000, 60_000), (400, 300), (0, 9)])
    header = struct.pack(">IIBBBBB", width, height, 8, chance.choice([0, 2, 3, 6]), 0, 0, 0)
    data = zlib.compress(bytes(chance.choice([0, 1000, 5_000_000])))
    parts = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts
    )


def junk(_, chance):
    magic = chance.choice([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"BM", b"II*\0"])
    return magic + chance.randbytes(chance.choice([0, 1, 100, 5000]))


IMAGE_CHANGES = (truncate, flip_bits, flip_header, zero_bytes, insert, bomb, junk)


def broken_line(chance, good):
    """A line, as bytes without its end, that is no path with a label, or that is odd."""
    name = good.encode()
    return chance.choice(
        [
            name,
            b" " + name + b" X",
            name + b"\0 X",
            name + b" X\0Y",
            b"nosuch.png X",
            b"\xff\xfe" + name + b" X",
            name + b" \xe9\xff",
            name + b"/ X",
            b"x" * 2**20 + b" X",
            name + b" " + b"X" * 2**20,
            chance.randbytes(chance.randrange(1, 200)).replace(b"\n", b""),
            b"/ X",
            b". X",
            b"/dev/null X",
            b"gs:// X",
            b"nosuch://x X",
            b'"' + name + b" X",
            b"%s%n X",
        ]
    )


def build(folder, lines, caplog, **request):
    """The labels written, and the numbers of the lines that the log and the TSV name."""
    annotations = folder / "annotations.txt"
    annotations.write_bytes(b"".join(lines))
    output = str(folder / "out.tfrecords")
    options = builder.Options(max_pixels=LIMIT, source=Request(**request))
    with caplog.at_level(logging.INFO):
        pairs = builder.build([str(annotations)], output, options)
    records = list(tf.data.TFRecordDataset(output).as_numpy_iterator())
    assert len(records) == pairs
    examples = [tf.train.Example.FromString(record).features.feature for record in records]
    start = f"{annotations}, line "
    errors = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    causes = [error for error in errors if error.startswith(f"{annotations}: ")]
    errors = [error for error in errors if error not in causes]
    assert all(error.startswith(start) and len(error) < 1000 for error in errors)
    logged = [int(error.removeprefix(start).split(":")[0]) for error in errors]
    report = pathlib.Path(f"{output}.rejected.tsv").read_text("utf-8").splitlines()[1:]
    assert [int(row.split("\t")[0]) for row in report] == logged
    assert all(len(row.split("\t")) == 4 for row in report)
    return examples, logged


def test_images(tmp_path, caplog):
    chance = random.Random(3)
    kinds = list(seeds())
    lines = []
    for number in range(1, IMAGES + 1):
        content = chance.choice(kinds)
        if number % GOOD_EVERY:
            content = chance.choice(IMAGE_CHANGES)(content, chance)
        path = tmp_path / f"{number}.{chance.choice(['png', 'jpg', 'txt'])}"
        path.write_bytes(content)
        lines.append(f"{path} {number}\n".encode())
    examples, rejected = build(tmp_path, lines, caplog)
    written = [int(example["label"].bytes_list.value[0]) for example in examples]
    assert sorted(written + rejected) == list(range(1, IMAGES + 1))
    assert written == sorted(written)
    assert set(range(GOOD_EVERY, IMAGES + 1, GOOD_EVERY)) <= set(written)
    assert len(rejected) > IMAGES / 3
    for example in examples:
        image = example["image"].bytes_list.value[0]
        assert tf.io.decode_image(image, expand_animations=False).shape[0] > 0
        assert not conversion.to_supported_format(image, LIMIT).converted


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("delimiter", ["space", "tab", "comma"])
def test_lines(tmp_path, caplog, end, delimiter):
    chance = random.Random(4)
    good = tmp_path / "good.png"
    good.write_bytes(encoded(np.zeros([4, 4], np.uint8)))
    separator = {"space": b" ", "tab": b"\t", "comma": b","}[delimiter]
    lines, expected = [], []
    for number in range(1, LINES // 6 + 1):
        if number % GOOD_EVERY:
            lines.append(broken_line(chance, str(good)).replace(b" ", separator) + end)
        else:
            lines.append(str(good).encode() + separator + b"GOOD%i" % number + end)
            expected.append(b"GOOD%i" % number)
    lines[0] = b"\xef\xbb\xbf" + lines[0]
    examples, rejected = build(tmp_path, lines, caplog, delimiter=delimiter)
    labels = [example["label"].bytes_list.value[0] for example in examples]
    assert [label for label in labels if label.startswith(b"GOOD")] == expected
    blank = sum(not line.strip() for line in lines)
    assert len(labels) + len(rejected) + blank == len(lines)
    assert len(rejected) > len(lines) / 3
