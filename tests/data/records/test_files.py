"""Tests which files a dataset is, and what reading broken records says."""

import logging
import os
import subprocess
import sys

import pytest
import tensorflow as tf
from helpers import white, write_records

from aocr.data.records import schema
from aocr.data.records.files import expand, read
from aocr.data.records.shards import shard_name
from aocr.util.errors import UserError

IMAGE = white(4, 4)


@pytest.fixture
def folder(tmp_path):
    """b, a and notes in `sets`, with a folder that is named like a dataset."""
    (tmp_path / "sets" / "c.tfrecords").mkdir(parents=True)
    for name in ("b.tfrecords", "a.tfrecords", "a.tfrecords.rejected.tsv"):
        (tmp_path / "sets" / name).touch()
    return str(tmp_path / "sets")


def example(**features):
    values = {
        name: tf.train.Feature(bytes_list=tf.train.BytesList(value=list(value)))
        for name, value in features.items()
    }
    return tf.train.Example(features=tf.train.Features(feature=values)).SerializeToString()


# Which files


def test_file_stands_for_itself_whatever_its_name(tmp_path):
    (tmp_path / "set[1].txt").touch()
    assert expand([str(tmp_path / "set[1].txt")]) == [str(tmp_path / "set[1].txt")]


def test_files_keep_their_order_and_come_once(folder):
    a, b = f"{folder}/a.tfrecords", f"{folder}/b.tfrecords"
    assert expand([b, a, b]) == [b, a]
    assert expand([b, folder]) == [b, a]


def test_two_names_of_a_file_are_read_once(folder, caplog):
    caplog.set_level(logging.INFO)
    (path,) = expand([f"{folder}/a.tfrecords", f"{folder}/./a.tfrecords"])
    assert path == f"{folder}/a.tfrecords"
    assert f"{folder}/./a.tfrecords is the file {path}, which is read once." in caplog.messages


def test_folder_stands_for_its_tfrecords_sorted(folder):
    assert expand([folder]) == [f"{folder}/a.tfrecords", f"{folder}/b.tfrecords"]


def test_glob_stands_for_its_files_sorted(folder):
    assert expand([f"{folder}/?.tfrecords"]) == [f"{folder}/a.tfrecords", f"{folder}/b.tfrecords"]
    assert expand([f"{folder}/[b]*"]) == [f"{folder}/b.tfrecords"]


def test_a_name_that_is_not_utf8_is_left_out_of_its_folder_and_told(folder, monkeypatch):
    told = []  # pytest could not send such a name from one process to another
    monkeypatch.setattr(logging, "warning", lambda text, *values: told.append(text % values))
    name = os.fsencode(f"{folder}/") + b"\xff.tfrecords"
    os.close(os.open(name, os.O_CREAT))
    try:
        assert len(expand([folder])) == 2
        assert told == [f"{os.fsdecode(name)} is left out: its name is not UTF-8; rename it."]
        with pytest.raises(UserError, match="opens names in UTF-8 only: rename it"):
            expand([os.fsdecode(name)])
    finally:
        os.remove(name)


def test_other_file_systems_work_alike():
    tf.io.gfile.makedirs("ram://expand")
    write_records("ram://expand/x.tfrecords", [])
    assert expand(["ram://expand"]) == ["ram://expand/x.tfrecords"]
    assert expand(["ram://expand/x.tfrecords"]) == ["ram://expand/x.tfrecords"]
    assert expand(["ram://expand/x*"]) == ["ram://expand/x.tfrecords"]


def test_what_is_not_found_is_named(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    for path, complaint in (
        (f"{folder}/nosuch", f"no dataset {folder}/nosuch: make one with 'aocr dataset"),
        (f"{folder}/nosuch*", f"no dataset matches {folder}/nosuch*"),
        (str(tmp_path / "empty"), f"no *.tfrecords in the folder {tmp_path}/empty"),
    ):
        with pytest.raises(UserError) as error:
            expand([folder, path])
        assert str(error.value).startswith(complaint)


# Their records


def test_records_are_named_by_their_number_and_comment(tmp_path):
    rows = [schema.serialize(IMAGE, "Ä"), schema.serialize(b"", "", "images/é.png")]
    path = write_records(tmp_path / "x.tfrecords", rows)
    records = list(read([path]))
    assert records == [
        ("record 1", IMAGE, "Ä".encode(), path),
        ("record 2, images/é.png", b"", b"", path),
    ]
    names = [f"{path}, record 1", f"{path}, record 2, images/é.png"]
    assert [record.full_name for record in records] == names


def test_records_of_several_files_are_named_by_their_file(tmp_path):
    paths = [write_records(tmp_path / name, [schema.serialize(IMAGE, name)]) for name in ("x", "y")]
    for names in ([row.name for row in read(paths)], [row.full_name for row in read(paths)]):
        assert names == [f"{path}, record 1" for path in paths]
    assert [row.label for row in read(paths)] == [b"x", b"y"]


def test_truncated_file_is_named_with_its_whole_records(tmp_path):
    good = write_records(tmp_path / "good", [schema.serialize(IMAGE, "A")] * 5)
    path = write_records(tmp_path / "cut", [schema.serialize(IMAGE, "A")] * 3)
    (tmp_path / "cut").write_bytes((tmp_path / "cut").read_bytes()[:-10])
    rows = read([good, path])
    with pytest.raises(UserError, match=rf"^{path} breaks off .* after record 2 \(") as error:
        list(rows)
    assert "\n" not in str(error.value)
    assert "{{" not in str(error.value)
    assert "Op:" not in str(error.value)


@pytest.mark.parametrize(
    "record",
    [
        b"\xff no example",
        b"",
        example(label=[b"A"]),
        example(image=[IMAGE]),
        example(image=[IMAGE, IMAGE], label=[b"A"]),
        example(image=[], label=[b"A"]),
        example(image=[IMAGE], label=[b"A"], comment=[b"a.png", b"b.png"]),
    ],
    ids=["garbage", "empty", "no image", "no label", "two images", "no value", "two comments"],
)
def test_records_of_another_schema_are_an_error(tmp_path, record):
    path = write_records(tmp_path / "x", [schema.serialize(IMAGE, "A"), record])
    with pytest.raises(UserError, match=f"^{path} .* not a TFRecord file .* after record 1 "):
        list(read([path]))


def test_other_file_is_an_error(tmp_path):
    (tmp_path / "annotations.txt").write_text("images/a.png A\n" * 99)
    with pytest.raises(UserError, match="annotations.txt .* not a TFRecord file .* record 0 "):
        list(read([str(tmp_path / "annotations.txt")]))


def test_missing_shards_are_named(tmp_path, caplog):
    for index in (0, 2, 3):
        (tmp_path / f"d-{index:05}-of-00005.tfrecords").touch()
    (tmp_path / "e-00000-of-00001.tfrecords").touch()
    expand([str(tmp_path)])
    assert [record.getMessage() for record in caplog.records] == [
        f"Missing shard, not read: {tmp_path}/d-00001-of-00005.tfrecords",
        f"Missing shard, not read: {tmp_path}/d-00004-of-00005.tfrecords",
    ]


def test_several_numbers_of_shards_of_one_dataset_are_named(tmp_path, caplog):
    for name in ("d-00000-of-00001", "d-00000-of-00002", "d-00001-of-00002"):
        (tmp_path / f"{name}.tfrecords").touch()
    expand([str(tmp_path)])
    (message,) = (record.getMessage() for record in caplog.records)
    assert message.startswith(f"{tmp_path}/d.tfrecords is there more than once, in 1 and in 2 ")


def test_a_glob_leaves_out_the_lists_of_rejections_and_unfinished_files(folder):
    with open(f"{folder}/a.tfrecords.123.tmp", "wb"):
        pass
    assert expand([f"{folder}/a*"]) == [f"{folder}/a.tfrecords"]


def test_shard_name():
    assert shard_name("gs://a.b/c.tfrecords", 2, 12) == "gs://a.b/c-00002-of-00012.tfrecords"
    assert shard_name("out", 0, 2) == "out-00000-of-00002"


READ_WITHOUT_EAGER_CONTEXT = """
import sys
import tensorflow as tf
from aocr.data import word_lists
from aocr.data.records import files as record_files

files = sys.argv[1:]
assert [record.label for record in record_files.read(files)] == [b"A", b"B"]
assert word_lists.characters_of(files) == "AB"
tf.config.threading.set_inter_op_parallelism_threads(1)  # an error once the context exists
"""


def test_reading_does_not_initialize_the_eager_context(tmp_path):
    """The context would take memory of a GPU."""
    rows = [schema.serialize(IMAGE, label) for label in "AB"]
    path = write_records(tmp_path / "x", rows)
    subprocess.run([sys.executable, "-c", READ_WITHOUT_EAGER_CONTEXT, path], check=True)
