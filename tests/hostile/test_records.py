"""Broken TFRecords: each command names the file, the record and its place."""

import os
import struct

import pytest
from commands import draw
from helpers import write_records
from hostile_runs import check_failure
from hypothesis import given, settings
from hypothesis import strategies as st

from aocr.data.records import files, schema
from aocr.data.records.framing import masked_crc32c
from aocr.util.errors import UserError

COMMANDS = [("inspect", "x"), ("train", "x"), ("train", "x", "--charset=auto")]
GOOD = schema.serialize(draw("AB"), "AB")
WHOLE = 16 + len(GOOD)


def length_of(size):
    header = struct.pack("<Q", size)
    return header + struct.pack("<I", masked_crc32c(header))


def flipped(content, place):
    changed = bytearray(content)
    changed[place] ^= 4
    return bytes(changed)


DAMAGES = [
    (lambda good: good + good[:7], "record 3 at byte {} breaks off: 7 of its header's 12"),
    (lambda good: good + length_of(2**40) + b"data", "record 3 at byte {} breaks off"),
    (lambda good: good + length_of(2**64 - 9) + b"data", "record 3 at byte {} breaks off"),
    (
        lambda good: good + flipped(good[:WHOLE], 40),
        "record 3 at byte {} has a wrong checksum of its data",
    ),
    (
        lambda good: good + flipped(good[:WHOLE], 1),
        "record 3 at byte {} has a wrong checksum of its len",
    ),
    (lambda good: good + bytes(50), "record 3 at byte {} has a wrong checksum of its length"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(("damage", "says"), DAMAGES, ids=[each[1] for each in DAMAGES])
def test_damage_is_located(run, folder, command, damage, says):
    write_records(folder / "x", [GOOD, GOOD])
    (folder / "x").write_bytes(damage((folder / "x").read_bytes()))
    check_failure(run(*command), f"^.* x breaks off .* after record 2 .{says.format(2 * WHOLE)}")


@pytest.mark.parametrize(("damage", "says"), DAMAGES[:2], ids=["cut header", "long record"])
def test_test_locates_damage(run, folder, trained, damage, says):
    write_records(folder / "x", [GOOD, GOOD])
    (folder / "x").write_bytes(damage((folder / "x").read_bytes()))
    outcome = run("test", "x", f"--model-dir={trained.folder}/checkpoints")
    check_failure(outcome, f"x breaks off .* after record 2 .{says.format(2 * WHOLE)}")


def delimited(field, content):
    """Returns a field of a protocol buffer, of at most 127 bytes."""
    return bytes([field << 3 | 2, len(content)]) + content


def example_with_an_unknown_field():
    """Returns a record that Python's parser accepts and TensorFlow's does not.

    TensorFlow's message quotes its bytes, which are not UTF-8.
    """
    entries = [
        delimited(1, name) + delimited(2, delimited(1, delimited(1, b"\xff\xfe"))) + extra
        for name, extra in ((b"image", b""), (b"label", b""), (b"other", b"\x18\x05"))
    ]
    return delimited(1, b"".join(delimited(1, entry) for entry in entries))


GARBAGE = [
    (b"\xff\xfe\x80 garbage", "is not a tf.train.Example"),
    (b"\n\x05\n\x03\n\x01a", "has 0 values of image, not one"),
    (example_with_an_unknown_field(), "is not a tf.train.Example that TensorFlow can parse"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(("garbage", "says"), GARBAGE, ids=["junk", "no image", "unknown field"])
def test_garbage_is_located(run, folder, command, garbage, says):
    write_records(folder / "x", [GOOD, garbage, GOOD])
    check_failure(
        run(*command), f"x breaks off .* after record 1 .record 2 at byte {WHOLE} ({says})"
    )


@pytest.mark.parametrize(
    "command", [("inspect", "pipe"), ("train", "pipe"), ("inspect", "/dev/null")]
)
def test_a_dataset_that_is_no_file_is_refused(run, folder, command):
    os.mkfifo("pipe")
    check_failure(run(*command), f"no dataset {command[1]}: it is a (pipe or socket|device)")


def test_an_empty_file_beside_a_good_one_is_named(run, folder):
    (folder / "empty.tfrecords").touch()
    outcome = run("inspect", ".")
    assert outcome.code == 0
    assert "1 file is empty and holds no record: ./empty.tfrecords" in outcome.stderr


# Any damage

THREE = [schema.serialize(b"image %i" % n, f"{n}", "comment") for n in range(3)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = write_records(tmp_path_factory.mktemp("records") / "x.tfrecords", THREE)
    with open(path, "rb") as file:
        return path, file.read()


def read_all(path, content):
    """Returns the labels before the error, and the error's message or None."""
    with open(path, "wb") as file:
        file.write(content)
    labels = []
    try:
        labels.extend(record.label for record in files.read([path]))
    except UserError as error:
        return labels, str(error)
    return labels, None


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_cut_file_gives_its_whole_records_and_one_error(whole, data):
    path, content = whole
    place = data.draw(st.integers(0, len(content) - 1))
    labels, error = read_all(path, content[:place])
    ends = [sum(16 + len(record) for record in THREE[: n + 1]) for n in range(3)]
    assert labels in ([b"%i" % n for n in range(sum(end <= place for end in ends))], [])
    assert (error is None) == (place in (0, *ends))
    if error:
        assert f"{path} breaks off" in error
        assert "\n" not in error


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_flipped_bit_is_always_found(whole, data):
    path, content = whole
    place = data.draw(st.integers(0, len(content) - 1))
    changed = bytearray(content)
    changed[place] ^= 1 << data.draw(st.integers(0, 7))
    labels, error = read_all(path, bytes(changed))
    assert error is not None
    assert f"after record {len(labels)} (record {len(labels) + 1} at byte " in error


@settings(deadline=None, max_examples=60)
@given(record=st.binary(max_size=200))
def test_any_bytes_as_a_record_are_located(whole, record):
    path = write_records(whole[0], [THREE[0], record, THREE[1]])
    with open(path, "rb") as file:
        labels, error = read_all(path, file.read())
    assert labels == [b"0"]
    assert f"after record 1 (record 2 at byte {16 + len(THREE[0])} " in error
