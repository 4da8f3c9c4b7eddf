"""The pass over a dataset before it is used: what is counted, what is named."""

import logging

import numpy as np
import pytest
import tensorflow as tf
from helpers import encoded, white, write_records

from aocr.config import Config
from aocr.data import records
from aocr.data.dataset_scan import log_for_testing, log_for_training, scan
from aocr.util.errors import UserError

CONFIG = Config(max_width=40, max_height=20, max_prediction=4)
GOOD = white(20, 40)


def look_through(path, config=CONFIG):
    return scan([str(path)], config)


def training(found, config):
    return log_for_training(found, config, drop_wide=False)


@pytest.fixture
def found(tmp_path):
    """A function that scanneds a dataset of (image, label) or (image, label, comment)."""

    def scanned_of(*rows):
        serialized = (records.serialize(*row) for row in rows)
        return look_through(write_records(tmp_path / "dataset.tfrecords", serialized))

    return scanned_of


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


def test_good_records_give_no_finding(found):
    scanned = found((GOOD, "ABCD"), (GOOD, ""), (encoded(np.zeros([9, 9, 3], "u1"), "JPEG"), "7"))
    assert (scanned.records, scanned.untrainable(drop_wide=True)) == (3, [])
    assert not scanned.too_wide.places


def test_long_label_is_found(found):
    scanned = found((GOOD, "ABCD"), (GOOD, "ABCDE"))
    assert scanned.too_long.places == [1]
    assert scanned.too_long.named == ["record 2: 'ABCDE' has 5 characters"]


def test_unknown_characters_are_found(found):
    scanned = found((GOOD, "AxBx"), (GOOD, "é"), (GOOD, "A"))
    assert scanned.unknown.places == [0, 1]
    assert scanned.unknown.named == ["record 1: 'x' in 'AxBx'", "record 2: 'é' in 'é'"]


def test_label_that_is_not_utf8_is_found(found, tmp_path):
    features = {"image": GOOD, "label": b"A\xe9"}
    example = tf.train.Example()
    for name, value in features.items():
        example.features.feature[name].bytes_list.value.append(value)
    path = write_records(tmp_path / "latin.tfrecords", [example.SerializeToString()])
    assert look_through(path).unknown.places == [0]


def test_undecodable_image_is_found(found):
    scanned = found((GOOD, "A"), (b"no image", "B"), (b"", "C"), (GOOD[:-20], "D"))
    assert scanned.undecodable.places == [1, 2, 3]
    assert scanned.undecodable.named == ["record 2", "record 3", "record 4"]


def test_wide_image_is_left_out_only_if_asked_for(found):
    scanned = found((white(5, 40), "A"), (white(5, 41), "B"))
    assert scanned.too_wide.places == [1]
    assert scanned.too_wide.named == ["record 2: 41 pixels wide, 5 high"]
    assert scanned.untrainable(drop_wide=False) == []
    assert scanned.untrainable(drop_wide=True) == [1]


def test_record_is_named_by_its_comment(found):
    scanned = found((b"no image", "TOO LONG", "images/é.png"))
    assert scanned.undecodable.named == ["record 1, images/é.png"]
    assert scanned.too_long.named[0].startswith("record 1, images/é.png: ")


def test_record_with_several_problems_is_left_out_once(found):
    scanned = found((b"no image", "too long"), (GOOD, "A"))
    assert scanned.too_long.places == scanned.unknown.places == scanned.undecodable.places == [0]
    assert scanned.untrainable(drop_wide=True) == [0]


def test_places_are_in_the_datasets_order_however_many(found):
    bad = range(100, 140, 3)
    scanned = found(*((b"no image", "A") if n in bad else (GOOD, "ABCDE") for n in range(300)))
    assert scanned.undecodable.places == list(bad)
    assert scanned.untrainable(drop_wide=False) == list(range(300))


def test_ten_are_named_and_all_are_counted(found):
    scanned = found(*[(GOOD, "ABCDE")] * 12)
    assert len(scanned.too_long.places) == 12
    assert [name.split(":")[0] for name in scanned.too_long.named] == [
        f"record {n}" for n in range(1, 11)
    ]


# What is said


def test_training_says_what_is_left_out_and_what_is_shrunk(found, lines):
    scanned = found((GOOD, "ABCDE"), (GOOD, "a"), (b"no image", "A"), (white(5, 99), "A"))
    assert lines(training, scanned) == [
        "1 labels are longer than --max-prediction=4: left out.",
        "    record 1: 'ABCDE' has 5 characters",
        "1 labels hold characters outside the model's charset: left out.",
        "    record 2: 'a' in 'a'",
        "1 images cannot be decoded: left out.",
        "    record 3",
        "1 images are wider than --max-width=40: shrunk to fit.",
        "    record 4: 99 pixels wide, 5 high",
        "Training on 1 of 4 records.",
    ]


def test_wide_images_are_dropped_if_asked_for(found, caplog):
    scanned = found((white(5, 99), "A"), (GOOD, "A"))
    with caplog.at_level("INFO"):
        assert log_for_training(scanned, CONFIG, drop_wide=True) == 1
    assert "1 images are wider than --max-width=40: left out." in caplog.messages
    assert caplog.messages[-1] == "Training on 1 of 2 records."


def test_latin_1_labels_of_0_7_6_are_read(tmp_path):
    path = tmp_path / "old.tfrecords"
    label = tf.train.Feature(bytes_list=tf.train.BytesList(value=["Ä".encode("latin-1")]))
    image = tf.train.Feature(bytes_list=tf.train.BytesList(value=[GOOD]))
    features = tf.train.Features(feature={"image": image, "label": label})
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(tf.train.Example(features=features).SerializeToString())
    assert look_through(path).unknown.named == ["record 1: 'Ä' in 'Ä'"]
    assert look_through(path, Config(characters="Ä")).unknown.named == []


def test_more_than_ten_are_said_to_be_more(found, lines):
    said = lines(training, found(*[(GOOD, "ABCDE")] * 12, (GOOD, "A")))
    assert said[0].startswith("12 labels are longer")
    assert said[10:] == [
        "    record 10: 'ABCDE' has 5 characters",
        "    and 2 more.",
        "Training on 1 of 13 records.",
    ]


def test_good_dataset_says_nothing_but_the_number(found, lines):
    scanned = found((GOOD, "A"), (GOOD, "B"))
    assert lines(training, scanned) == ["Training on 2 of 2 records."]
    assert lines(log_for_testing, scanned) == []


def test_testing_leaves_nothing_out(found, lines):
    said = lines(log_for_testing, found((GOOD, "ABCDE"), (b"no image", "A")))
    assert said[0].endswith(": tested, without a loss.")
    assert said[2].endswith(": counted as read wrong.")


def test_no_usable_record_is_an_error_in_training_only(found, lines):
    scanned = found((GOOD, "ABCDE"), (GOOD, "a"))
    with pytest.raises(UserError, match="no record of the dataset can be trained on"):
        training(scanned, CONFIG)
    assert lines(log_for_testing, scanned)


@pytest.mark.parametrize("log", [training, log_for_testing])
def test_empty_dataset_is_an_error(found, log):
    scanned = found()
    assert scanned.records == 0
    with pytest.raises(UserError, match="the dataset is empty"):
        log(scanned, CONFIG)


# Files that are no dataset


def test_truncated_file_is_an_error_that_counts_the_whole_records(tmp_path):
    path = tmp_path / "dataset.tfrecords"
    write_records(path, [records.serialize(GOOD, "A")] * 3)
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
