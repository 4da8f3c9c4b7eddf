"""Annotations to TFRecords: what is written, what is rejected by name, what stays intact."""

import logging
import os

import pytest
import tensorflow as tf
from helpers import white

from aocr.util import dataset
from aocr.util.dataset import Options
from aocr.util.errors import UserError

IMAGE = white(3, 5)
SECOND_IMAGE = white(4, 6)


class Folder:
    """A folder with an image, annotations, and the dataset made of them."""

    def __init__(self, path, caplog):
        self.path, self.caplog = path, caplog
        self.image = self.write("a.png", IMAGE)
        self.output = self.name("out.tfrecords")

    def name(self, name):
        return f"{self.path}/{name}"

    def write(self, name, content):
        with tf.io.gfile.GFile(self.name(name), "wb") as file:
            file.write(content)
        return self.name(name)

    def build(self, annotations, **options):
        """Builds a dataset from the text or bytes; returns the number of pairs."""
        content = annotations if isinstance(annotations, bytes) else annotations.encode()
        path = self.write("annotations.txt", content)
        self.caplog.clear()
        with self.caplog.at_level(logging.INFO):
            return dataset.build(path, self.output, Options(**options))

    def features(self):
        """The features of each record written, as bytes by name."""
        return [
            {name: value.bytes_list.value[0] for name, value in example.features.feature.items()}
            for example in map(
                tf.train.Example.FromString,
                tf.data.TFRecordDataset(self.output).as_numpy_iterator(),
            )
        ]

    def labels(self):
        return [features["label"].decode() for features in self.features()]

    def messages(self, level):
        return [record.getMessage() for record in self.caplog.records if record.levelno == level]

    def files(self):
        return sorted(tf.io.gfile.listdir(str(self.path)))


@pytest.fixture
def folder(tmp_path, caplog):
    return Folder(tmp_path, caplog)


# What is written


def test_record_holds_the_file_as_it_is_and_the_label(folder):
    second = folder.write("b.png", SECOND_IMAGE)
    assert folder.build(f"{folder.image} AB\n{second} 7\n") == 2
    assert folder.features() == [
        {"image": IMAGE, "label": b"AB"},
        {"image": SECOND_IMAGE, "label": b"7"},
    ]


def test_one_line_without_a_newline_is_enough(folder):
    assert folder.build(f"{folder.image} AB") == 1


@pytest.mark.parametrize(
    ("rest", "label"),
    [
        (" two words", "TWO WORDS"),
        (" ", ""),
        ("\tTAB", "TAB"),
        ("  AB", " AB"),
        (" AB ", "AB "),
        (" a\tb", "A\tB"),
        (" été 日本", "ÉTÉ 日本"),
    ],
)
def test_label_is_all_after_the_first_whitespace(folder, rest, label):
    folder.build(f"{folder.image}{rest}\n")
    assert folder.labels() == [label]


def test_labels_are_upper_cased_unless_asked_not_to_be(folder):
    folder.build(f"{folder.image} aBc9é\n")
    assert folder.labels() == ["ABC9É"]
    folder.build(f"{folder.image} aBc9é\n", force_uppercase=False)
    assert folder.labels() == ["aBc9é"]


def test_windows_line_ends_are_no_part_of_the_label(folder):
    assert folder.build(f"{folder.image} AB\r\n{folder.image} \r\n{folder.image} C\r\n") == 3
    assert folder.labels() == ["AB", "", "C"]


def test_byte_order_mark_is_no_part_of_the_path(folder):
    assert folder.build(b"\xef\xbb\xbf" + f"{folder.image} AB\n".encode()) == 1
    assert not folder.messages(logging.ERROR)


def test_blank_lines_are_passed_over_but_counted_in_line_numbers(folder):
    assert folder.build(f"\n{folder.image} AB\n  \t\n\r\nnosuch.png C\n\n") == 1
    (error,) = folder.messages(logging.ERROR)
    assert "annotations.txt, line 5: " in error


def test_path_is_kept_in_the_comment_if_asked(folder):
    image = folder.write("é.png", IMAGE)
    folder.build(f"{image} AB\n", save_filename=True)
    assert folder.features() == [{"image": IMAGE, "label": b"AB", "comment": image.encode()}]


def test_path_may_be_relative_to_the_working_directory(folder, monkeypatch):
    monkeypatch.chdir(folder.path)
    assert folder.build("a.png AB\n") == 1


# What is rejected


def rejection(folder, line):
    """What is said about a line that stands between two good ones."""
    good = f"{folder.image} AB\n".encode()
    content = line if isinstance(line, bytes) else line.encode()
    assert folder.build(good + content + b"\n" + good) == 2
    (error,) = folder.messages(logging.ERROR)
    start = f"{folder.path}/annotations.txt, line 2: "
    assert error.startswith(start)
    return error.removeprefix(start)


def test_missing_image_is_named(folder):
    assert rejection(folder, "nosuch/é.png AB") == "no such image: nosuch/é.png"


def test_folder_in_place_of_an_image_is_named(folder):
    assert rejection(folder, f"{folder.path} AB").startswith(f"cannot read {folder.path}: ")


@pytest.mark.parametrize("content", [b"", b"no image", IMAGE[:-20]])
def test_file_that_is_no_whole_image_is_named(folder, content):
    broken = folder.write("broken.png", content)
    assert rejection(folder, f"{broken} AB") == f"not a whole PNG, JPEG, BMP or GIF image: {broken}"


def test_line_without_a_label_is_named(folder):
    reason = rejection(folder, folder.image)
    assert reason.startswith("missing filename or label: ")
    assert folder.image[:60] in reason


def test_line_that_starts_with_whitespace_is_named(folder):
    assert rejection(folder, " a.png AB") == "missing filename or label: ' a.png AB'"


def test_line_that_is_not_utf8_is_named(folder):
    assert rejection(folder, b"a.png \xe9t\xe9") == r"not UTF-8: b'a.png \xe9t\xe9'"


# What is said


def test_summary_names_the_longest_label_and_counts_pairs_and_rejects(folder):
    folder.build(f"{folder.image} AB\n{folder.image} ABCÉ\nnosuch.png X\n{folder.image} C\n")
    assert folder.messages(logging.INFO) == [
        "Longest label (4): ABCÉ",
        "Dataset is ready: 3 pairs.",
    ]
    assert folder.messages(logging.WARNING) == [
        f"{folder.output} holds 3 pairs; 1 lines were rejected."
    ]


def test_nothing_to_warn_of_without_rejects(folder):
    folder.build(f"{folder.image} AB\n")
    assert not folder.messages(logging.WARNING)


def test_progress_is_logged_every_so_many_records(folder):
    folder.build(f"{folder.image} A\n" * 5, log_step=2)
    said = [line for line in folder.messages(logging.INFO) if line.startswith("Processed")]
    assert said == ["Processed 2 pairs.", "Processed 4 pairs."]


# What appears, and when


def test_output_appears_when_it_is_complete(folder, monkeypatch):
    seen = files_at_each_record(folder, monkeypatch)
    folder.build(f"{folder.image} A\n" * 2)
    temporary = f"out.tfrecords.{os.getpid()}.tmp"
    assert seen == [["a.png", "annotations.txt", temporary]] * 2
    assert folder.files() == ["a.png", "annotations.txt", "out.tfrecords"]


def files_at_each_record(folder, monkeypatch):
    """A list that gets the folder's files when a record is serialized."""
    seen, serialize = [], dataset.records.serialize

    def spy(*arguments):
        seen.append(folder.files())
        return serialize(*arguments)

    monkeypatch.setattr(dataset.records, "serialize", spy)
    return seen


def test_former_output_is_replaced(folder):
    folder.build(f"{folder.image} A\n{folder.image} B\n")
    folder.build(f"{folder.image} C\n")
    assert folder.labels() == ["C"]


@pytest.mark.parametrize("annotations", ["", "\n\n", "nosuch.png AB\n"])
def test_nothing_to_write_is_an_error_and_leaves_no_file(folder, annotations):
    with pytest.raises(UserError, match=r"annotations\.txt: none of its .* is not written"):
        folder.build(annotations)
    assert folder.files() == ["a.png", "annotations.txt"]


def test_nothing_to_write_leaves_the_former_output(folder):
    folder.build(f"{folder.image} A\n")
    with pytest.raises(UserError, match="none of its 1 lines"):
        folder.build("nosuch.png B\n")
    assert folder.labels() == ["A"]


def test_interruption_leaves_the_former_output_and_nothing_else(folder, monkeypatch):
    folder.build(f"{folder.image} A\n")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(dataset.records, "serialize", interrupt)
    with pytest.raises(KeyboardInterrupt):
        folder.build(f"{folder.image} B\n")
    assert folder.labels() == ["A"]
    assert folder.files() == ["a.png", "annotations.txt", "out.tfrecords"]


@pytest.mark.parametrize("name", ["nosuch.txt", "."])
def test_no_annotation_file_is_an_error(folder, name):
    with pytest.raises(UserError, match="no annotation file .*: it has one 'path label' a line"):
        dataset.build(folder.name(name), folder.output, Options())


def test_output_in_a_folder_that_is_not_there_is_an_error(folder):
    folder.output = folder.name("nosuch/out.tfrecords")
    with pytest.raises(UserError, match=r"cannot build .*nosuch/out\.tfrecords from "):
        folder.build(f"{folder.image} A\n")


def test_folder_in_place_of_the_output_is_an_error_and_stays(folder):
    tf.io.gfile.makedirs(folder.output)
    with pytest.raises(UserError, match="cannot build "):
        folder.build(f"{folder.image} A\n")
    assert [name.rstrip("/") for name in folder.files()] == [
        "a.png",
        "annotations.txt",
        "out.tfrecords",
    ]


# Not on the local disk


def test_all_paths_may_be_remote(caplog):
    tf.io.gfile.makedirs("ram://test_dataset")
    folder = Folder("ram://test_dataset", caplog)
    assert folder.build(f"{folder.image} AB\n{folder.image} C\n") == 2
    assert folder.labels() == ["AB", "C"]
    assert folder.files() == ["a.png", "annotations.txt", "out.tfrecords"]
