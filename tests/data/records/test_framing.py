"""Framing of TFRecord files: every kind of damage is found, and where it is."""

import struct

import pytest
import tensorflow as tf
from helpers import write_records

from aocr.data.records.framing import FramingError, frames, masked_crc32c

DATA = [b"first", b"", b"x" * 1000, b"last"]
OFFSETS = [0, 21, 37, 1053]


@pytest.fixture
def path(tmp_path):
    return write_records(tmp_path / "x.tfrecords", DATA)


def damaged(tmp_path, content):
    file = tmp_path / "damaged.tfrecords"
    file.write_bytes(content)
    return str(file)


def content_of(path):
    with open(path, "rb") as file:
        return file.read()


def test_each_record_is_located(path):
    assert [tuple(frame) for frame in frames(path)] == list(enumerate(OFFSETS, start=1))


def test_an_empty_file_has_no_record(tmp_path):
    assert list(frames(damaged(tmp_path, b""))) == []


def test_remote_files_are_read(path):
    tf.io.gfile.copy(path, "ram://framing.tfrecords", overwrite=True)
    assert [frame.offset for frame in frames("ram://framing.tfrecords")] == OFFSETS


def test_the_checksum_is_that_of_tensorflow(path):
    header = content_of(path)[:12]
    assert masked_crc32c(header[:8]) == struct.unpack("<I", header[8:])[0]


@pytest.mark.parametrize("left", [1, 7, 11])
def test_a_header_that_breaks_off_is_named(tmp_path, path, left):
    broken = damaged(tmp_path, content_of(path)[: OFFSETS[2] + left])
    told = f"record 3 at byte 37 breaks off: {left} of its header's 12 bytes exist"
    with pytest.raises(FramingError, match=told) as error:
        list(frames(broken))
    assert error.value.whole_records == 2


def test_data_that_break_off_are_named(tmp_path, path):
    broken = damaged(tmp_path, content_of(path)[:-6])
    with pytest.raises(FramingError, match="record 4 .* 6 of its 20 bytes are missing"):
        list(frames(broken))


def test_a_huge_length_with_a_right_checksum_is_refused(tmp_path, path):
    length = struct.pack("<Q", 2**40)
    header = length + struct.pack("<I", masked_crc32c(length))
    broken = damaged(tmp_path, content_of(path) + header + b"some data")
    with pytest.raises(FramingError, match="record 5 at byte 1073 breaks off"):
        list(frames(broken))


def test_a_flipped_bit_of_a_length_is_found(tmp_path, path):
    content = bytearray(content_of(path))
    content[OFFSETS[1]] ^= 1
    with pytest.raises(FramingError, match="record 2 at byte 21 has a wrong checksum"):
        list(frames(damaged(tmp_path, bytes(content))))


def test_another_file_is_refused(tmp_path):
    with pytest.raises(FramingError, match="record 1 at byte 0 has a wrong checksum"):
        list(frames(damaged(tmp_path, b"images/a.png A\n" * 99)))
