"""The pass over a dataset before it is used: what is counted, what is named."""

import dataclasses
import logging

import numpy as np
import pytest
import tensorflow as tf
from helpers import dotted, encoded, white, write_records

from aocr.config import Config
from aocr.data.dataset_scan import log_for_testing, log_for_training, scan
from aocr.data.records import schema
from aocr.util.errors import UserError

CONFIG = Config(max_width=40, max_height=20, max_prediction=4)
GOOD = dotted(20, 40)


def look_through(path, config=CONFIG):
    return scan([str(path)], config)


def training(found, config):
    return log_for_training(found, config, drop_wide=False)


@pytest.fixture
def scan_rows(tmp_path):
    """A function that scans a dataset of (image, label) or (image, label, comment)."""

    def write_and_scan(*rows):
        serialized = (schema.serialize(*row) for row in rows)
        return look_through(write_records(tmp_path / "dataset.tfrecords", serialized))

    return write_and_scan


@pytest.fixture
def lines(caplog):
    """A function that gives what a log function says."""

    def said(log, found):
        caplog.clear()
        with caplog.at_level(logging.INFO):
            log(found, CONFIG)
        return caplog.messages

    return said


# What is found


def test_good_records_give_no_finding(scan_rows):
    found = scan_rows((GOOD, "ABCD"), (GOOD, ""), (encoded(np.zeros([9, 9, 3], "u1"), "JPEG"), "7"))
    assert (found.records, found.untrainable(drop_wide=True)) == (3, [])
    assert not found.too_wide.record_indices


def test_long_label_is_found(scan_rows):
    found = scan_rows((GOOD, "ABCD"), (GOOD, "ABCDE"))
    assert found.too_long.record_indices == [1]
    assert found.too_long.examples == ["record 2: 'ABCDE' has 5 characters"]


def test_unknown_characters_are_found(scan_rows):
    found = scan_rows((GOOD, "AxBx"), (GOOD, "é"), (GOOD, "A"))
    assert found.unknown.record_indices == [0, 1]
    assert found.unknown.examples == ["record 1: 'x' in 'AxBx'", "record 2: 'é' in 'é'"]


def test_label_that_is_not_utf8_is_found(scan_rows, tmp_path):
    features = {"image": GOOD, "label": b"A\xe9"}
    example = tf.train.Example()
    for name, value in features.items():
        example.features.feature[name].bytes_list.value.append(value)
    path = write_records(tmp_path / "latin.tfrecords", [example.SerializeToString()])
    assert look_through(path).unknown.record_indices == [0]


def test_undecodable_image_is_found(scan_rows):
    found = scan_rows((GOOD, "A"), (b"no image", "B"), (b"", "C"), (GOOD[:-20], "D"))
    assert found.undecodable.record_indices == [1, 2, 3]
    assert found.undecodable.examples == ["record 2", "record 3", "record 4"]


def test_wide_image_is_left_out_only_if_asked_for(scan_rows):
    found = scan_rows((dotted(5, 40), "A"), (dotted(5, 41), "B"))
    assert found.too_wide.record_indices == [1]
    assert found.too_wide.examples == ["record 2: 41 pixels wide, 5 high"]
    assert found.untrainable(drop_wide=False) == []
    assert found.untrainable(drop_wide=True) == [1]


def test_record_is_named_by_its_comment(scan_rows):
    found = scan_rows((b"no image", "TOO LONG", "images/é.png"))
    assert found.undecodable.examples == ["record 1, images/é.png"]
    assert found.too_long.examples[0].startswith("record 1, images/é.png: ")


def test_record_with_several_problems_is_left_out_once(scan_rows):
    found = scan_rows((b"no image", "too long"), (GOOD, "A"))
    assert (
        found.too_long.record_indices
        == found.unknown.record_indices
        == found.undecodable.record_indices
        == [0]
    )
    assert found.untrainable(drop_wide=True) == [0]


def test_places_are_in_the_datasets_order_however_many(scan_rows):
    bad = range(100, 140, 3)
    found = scan_rows(*((b"no image", "A") if n in bad else (GOOD, "ABCDE") for n in range(300)))
    assert found.undecodable.record_indices == list(bad)
    assert found.untrainable(drop_wide=False) == list(range(300))


def test_ten_are_named_and_all_are_counted(scan_rows):
    found = scan_rows(*[(GOOD, "ABCDE")] * 12)
    assert len(found.too_long.record_indices) == 12
    assert [name.split(":")[0] for name in found.too_long.examples] == [
        f"record {n}" for n in range(1, 11)
    ]


def test_records_of_several_files_are_named_by_their_file(tmp_path):
    files = [
        write_records(tmp_path / name, [schema.serialize(GOOD, "A"), schema.serialize(b"", "B")])
        for name in ("x", "y")
    ]
    undecodable = scan(files, CONFIG).undecodable
    assert undecodable.record_indices == [1, 3]
    assert undecodable.examples == [f"{file}, record 2" for file in files]


# Messages


def test_training_says_what_is_left_out_and_what_is_shrunk(scan_rows, lines):
    found = scan_rows((GOOD, "ABCDE"), (GOOD, "a"), (b"no image", "A"), (dotted(5, 99), "A"))
    assert lines(training, found) == [
        "1 label is longer than --max-prediction=4: left out.",
        "    record 1: 'ABCDE' has 5 characters",
        "1 label holds characters outside the model's charset: left out.",
        "    record 2: 'a' in 'a'",
        "1 image cannot be decoded: left out.",
        "    record 3",
        "1 image is wider than --max-width=40: shrunk to fit.",
        "    record 4: 99 pixels wide, 5 high",
        "Training on 1 of 4 records.",
    ]


def test_images_without_contrast_are_named_if_they_have_a_label(scan_rows, lines):
    found = scan_rows((GOOD, "A"), (white(20, 40), "AB"), (white(20, 39), ""))
    line = "1 image has no contrast: it is nearly of one color"
    assert lines(training, found)[:2] == [f"{line}: trained on nevertheless.", "    record 2: 'AB'"]
    assert found.trainable(drop_wide=True).total() == 3


def test_wide_images_are_dropped_if_asked_for(scan_rows, caplog):
    found = scan_rows((dotted(5, 99), "A"), (GOOD, "A"))
    with caplog.at_level("INFO"):
        assert log_for_training(found, CONFIG, drop_wide=True) == 1
    assert "1 image is wider than --max-width=40: left out." in caplog.messages
    assert caplog.messages[-1] == "Training on 1 of 2 records."


def test_latin_1_labels_of_0_7_6_are_read(tmp_path):
    path = tmp_path / "old.tfrecords"
    label = tf.train.Feature(bytes_list=tf.train.BytesList(value=["Ä".encode("latin-1")]))
    image = tf.train.Feature(bytes_list=tf.train.BytesList(value=[GOOD]))
    features = tf.train.Features(feature={"image": image, "label": label})
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(tf.train.Example(features=features).SerializeToString())
    assert look_through(path).unknown.examples == ["record 1: 'Ä' in 'Ä'"]
    assert look_through(path, Config(characters="Ä")).unknown.examples == []


def test_more_than_ten_are_said_to_be_more(scan_rows, lines):
    said = lines(training, scan_rows(*[(GOOD, "ABCDE")] * 12, (GOOD, "A")))
    assert said[0].startswith("12 labels are longer")
    assert said[10:] == [
        "    record 10: 'ABCDE' has 5 characters",
        "    and 2 more.",
        "Training on 1 of 13 records.",
    ]


def test_good_dataset_says_nothing_but_the_number(scan_rows, lines):
    found = scan_rows((GOOD, "A"), (GOOD, "B"))
    assert lines(training, found) == ["Training on 2 of 2 records."]
    assert lines(log_for_testing, found) == []


def test_testing_leaves_nothing_out(scan_rows, lines):
    said = lines(log_for_testing, scan_rows((GOOD, "ABCDE"), (b"no image", "A")))
    assert said[0].endswith(": tested, without a loss.")
    assert said[2].endswith(": counted as wrong.")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"decoder": "ctc"}, "cannot be read by CTC, tested without a loss."),
        ({"decoder": "joint", "read_with": "ctc"}, "cannot be read by CTC, tested without a loss."),
        ({"decoder": "joint"}, "cannot be read by CTC."),
    ],
)
def test_testing_says_which_images_have_no_loss_of_ctc(tmp_path, caplog, fields, told):
    config = dataclasses.replace(CONFIG, padding="masked", **fields)
    row = schema.serialize(dotted(32, 8), "AA")  # needs three columns, has two
    found = look_through(write_records(tmp_path / "dataset.tfrecords", [row]), config)
    log_for_testing(found, config)
    assert caplog.messages[0].endswith(f"CTC needs for its label: {told}")


def test_no_usable_record_is_an_error_in_training_only(scan_rows, lines):
    found = scan_rows((GOOD, "ABCDE"), (GOOD, "a"))
    with pytest.raises(UserError, match="no record of the dataset can be used for training"):
        training(found, CONFIG)
    assert lines(log_for_testing, found)


@pytest.mark.parametrize("log", [training, log_for_testing])
def test_empty_dataset_is_an_error(scan_rows, log):
    found = scan_rows()
    assert found.records == 0
    with pytest.raises(UserError, match="the dataset is empty"):
        log(found, CONFIG)


# Files that are no dataset


def test_truncated_file_is_an_error_that_counts_the_whole_records(tmp_path):
    path = tmp_path / "dataset.tfrecords"
    write_records(path, [schema.serialize(GOOD, "A")] * 3)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(UserError, match=r"dataset.tfrecords breaks off .* after record 2 "):
        look_through(path)


def test_other_file_is_an_error(tmp_path):
    path = tmp_path / "annotations.txt"
    path.write_text("images/a.png A\n" * 99)
    with pytest.raises(UserError, match="not a TFRecord file of aocr, after record 0 "):
        look_through(path)


def test_records_of_another_schema_are_an_error(tmp_path):
    path = write_records(tmp_path / "other.tfrecords", [tf.train.Example().SerializeToString()])
    with pytest.raises(UserError, match="not a TFRecord file of aocr, after record 0 "):
        look_through(path)
