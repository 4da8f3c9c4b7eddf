"""Tests what a dataset leaves out and says of it: each reject by name, and the summary."""

import logging
import os

import pytest
import tensorflow as tf
from dataset_folder import IMAGE, Folder
from helpers import encoded, white
from PIL import Image

from aocr.data.limits import Limits
from aocr.util.errors import UserError


@pytest.fixture
def folder(tmp_path, caplog):
    return Folder(tmp_path, caplog)


# What is rejected


def rejection(folder, line):
    """Returns the message about a line that stands between two good ones."""
    good = f"{folder.image} AB\n".encode()
    content = line if isinstance(line, bytes) else line.encode()
    assert folder.build(good + content + b"\n" + good) == 2
    (error,) = folder.messages(logging.ERROR)
    start = f"{folder.path}/annotations.txt, line 2: "
    assert error.startswith(start)
    return error.removeprefix(start)


def test_missing_image_is_named(folder):
    assert rejection(folder, "nosuch/é.png AB") == "no such file: nosuch/é.png"


def test_folder_in_place_of_an_image_is_named(folder):
    os.mkdir(folder.name("b"))
    assert rejection(folder, f"{folder.name('b')} AB") == f"not a file: {folder.name('b')}"


def test_pipe_in_place_of_an_image_is_named_and_not_waited_for(folder):
    os.mkfifo(folder.name("b"))
    assert rejection(folder, f"{folder.name('b')} AB") == f"not a file: {folder.name('b')}"


def test_name_that_is_too_long_for_the_system_is_named_and_shortened(folder):
    reason = rejection(folder, f"{'x' * 5000} AB")
    assert reason.startswith(f"cannot read: {'x' * 79}…{'x' * 80} (")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (bytes(range(128, 160)), "not a readable image"),
        (IMAGE[:-20], "not a whole PNG image"),
    ],
)
def test_file_that_is_no_whole_image_is_named(folder, content, reason):
    broken = folder.write("broken.png", content)
    assert rejection(folder, f"{broken} AB") == f"{reason}: {broken}"


def test_image_of_too_many_pixels_is_named(folder):
    large = folder.write("large.png", white(10, 20))
    assert folder.build(f"{large} A\n{folder.image} B\n", max_pixels=199) == 1
    (error,) = folder.messages(logging.ERROR)
    assert error.endswith(f"more than 199 pixels (--max-pixels): {large} (20 x 10)")
    assert folder.build(f"{large} A\n", max_pixels=200) == 1


LIMITS = Limits(max_width=6, max_height=4, max_prediction=3, characters="ABC")


@pytest.mark.parametrize(
    ("image", "label", "reason"),
    [
        (white(4, 7), "A", "wider than --max-width=6: {} (7 x 4)"),
        (white(5, 6), "A", "higher than --max-height=4: {} (6 x 5)"),
        (white(4, 6), "abca", "label longer than --max-prediction=3: ABCA (4 characters)"),
        (white(4, 6), "xay", "character outside the charset: XAY ('X', 'Y')"),
    ],
)
def test_what_does_not_fit_the_model_is_named(folder, image, label, reason):
    path = folder.write("b.png", image)
    assert folder.build(f"{path} {label}\n{folder.image} B\n", limits=LIMITS) == 1
    (error,) = folder.messages(logging.ERROR)
    assert error == f"{folder.path}/annotations.txt, line 1: {reason.format(path)}"


def test_what_just_fits_the_model_is_written(folder):
    path = folder.write("b.png", white(4, 6))
    assert folder.build(f"{path} cab\n", limits=LIMITS) == 1


def test_rejects_are_listed_whole_with_what_breaks_lines_escaped(folder):
    long = "x" * 100
    content = f"{folder.image} A\nno\x0bsuch.png\tB\tC\nalone\n{long} D\n".encode() + b"\xe9 E\n"
    folder.build(content, delimiter="space")
    assert folder.rejected() == [
        ["2", "no", "such.png\\tB\\tC", "no such file"],
        ["3", "alone", "", "missing filename or label"],
        ["4", long, "D", "no such file"],
        ["5", r"\xe9 E", "", "not UTF-8"],
    ]


def test_list_of_rejects_of_an_earlier_build_is_removed(folder):
    folder.build(f"{folder.image} A\nalone\n")
    assert "out.tfrecords.rejected.tsv" in folder.files()
    folder.build(f"{folder.image} A\n")
    assert "out.tfrecords.rejected.tsv" not in folder.files()


def test_strict_fails_on_the_first_reject_and_writes_nothing(folder):
    with pytest.raises(UserError, match="annotations.txt, line 2: missing .*--strict"):
        folder.build(f"{folder.image} A\nalone\nnosuch.png B\n", strict=True)
    assert folder.files() == ["a.png", "annotations.txt"]
    assert folder.build(f"{folder.image} A\n", strict=True) == 1


def test_line_without_a_label_is_named(folder):
    reason = rejection(folder, folder.image)
    assert reason.startswith("missing filename or label: ")
    assert folder.image[:60] in reason


def test_line_that_starts_with_whitespace_is_named(folder):
    assert rejection(folder, " a.png AB") == "missing filename or label: ' a.png AB'"


def test_line_that_is_not_utf8_is_named(folder):
    assert rejection(folder, b"a.png \xe9t\xe9") == r"not UTF-8: b'a.png \xe9t\xe9'"


# Messages


def test_summary_names_the_longest_label_and_counts_pairs_and_rejects(folder):
    folder.build(f"{folder.image} AB\n{folder.image} ABCÉ\nnosuch.png X\n{folder.image} C\n")
    assert folder.messages(logging.INFO) == [
        f"Building a dataset from {folder.name('annotations.txt')}.",
        f"Output file: {folder.output}",
        "Longest label (4): ABCÉ",
        "Dataset is ready: 3 pairs.",
    ]
    assert folder.messages(logging.WARNING) == [
        f"Rejected, see {folder.output}.rejected.tsv: 1 no such file.",
        f"{folder.output} holds 3 pairs; 1 line was rejected.",
    ]


def test_summary_counts_each_reason(folder):
    folder.build(f"{folder.image} AB\nnosuch.png X\nalone\nnone.png Y\n")
    counts = "2 no such file; 1 missing filename or label."
    assert folder.messages(logging.WARNING)[0].endswith(f"rejected.tsv: {counts}")


def test_upper_casing_is_announced_where_it_changed_a_label(folder):
    folder.build(f"{folder.image} ab\n{folder.image} CD\n")
    said = "1 label was upper-cased; --no-force-uppercase keeps the original case."
    assert said in folder.messages(logging.INFO)
    folder.build(f"{folder.image} ab\n", force_uppercase=False)
    assert said not in folder.messages(logging.INFO)


def test_upper_casing_that_makes_labels_equal_is_warned_of(folder):
    folder.build("".join(f"{folder.image} {label}\n" for label in ("ab", "AB", "c", "c", "aB")))
    (warning,) = folder.messages(logging.WARNING)
    assert warning.endswith("differ only in case: at least 1, such as AB.")


def test_labels_are_put_into_one_unicode_form_unless_asked_not_to_be(folder):
    folder.build(f"{folder.image} e\u0301\n")
    assert folder.labels() == ["\xc9"]
    folder.build(f"{folder.image} e\u0301\n", normalize=False)
    assert folder.labels() == ["E\u0301"]


def test_image_that_tensorflow_cannot_read_is_converted_and_counted(folder):
    picture = Image.new("RGB", (5, 3), (1, 2, 3))
    path = folder.write("b.tif", encoded(picture, "TIFF"))
    assert folder.build(f"{folder.image} A\n{path} B\n") == 2
    first, second = folder.features()
    assert first["image"] == IMAGE
    assert tf.io.decode_png(second["image"]).numpy().tolist() == [[[1, 2, 3]] * 5] * 3
    assert any(line.startswith("1 image was conv") for line in folder.messages(logging.INFO))
