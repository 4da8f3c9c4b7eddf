"""Annotations to TFRecords: what is written, what is rejected by name, what stays intact."""

import logging
import os
import resource
import signal

import numpy as np
import pytest
import tensorflow as tf
from dataset_folder import IMAGE, Folder
from helpers import encoded, white
from PIL import Image

from aocr.data.building import builder, log
from aocr.data.records import files, shards
from aocr.util.errors import UserError

SECOND_IMAGE = white(4, 6)


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


def test_blanks_at_the_ends_are_named_or_taken_off(folder):
    lines = f"{folder.image}    AB\n{folder.image} CD \n{folder.image} EF\n"
    folder.build(lines)
    assert folder.labels() == ["   AB", "CD ", "EF"]
    told = folder.messages(logging.WARNING)
    assert "2 labels begin or end with blanks (dataset --strip-labels" in told[0]
    assert told[1:] == ["    line 1: '   AB'", "    line 2: 'CD '"]
    folder.build(lines, strip_labels=True)
    assert folder.labels() == ["AB", "CD", "EF"]
    assert not folder.messages(logging.WARNING)
    assert "2 labels lost blanks at the ends, by --strip-labels." in folder.messages(logging.INFO)


def test_letters_that_upper_casing_changes_into_others_are_named(folder):
    folder.build(f"{folder.image} 5 µm\n{folder.image} straße\n{folder.image} 7 µm\n")
    assert folder.labels() == ["5 ΜM", "STRASSE", "7 ΜM"]
    micro, sharp, *_ = folder.messages(logging.WARNING)
    assert micro.startswith("Upper-casing makes Μ (U+039C GREEK CAPITAL LETTER MU) of µ (U+00B5 ")
    assert "in 2 labels, first in line 1: '5 µm'; --no-force-uppercase keeps it" in micro
    assert "of ß (U+00DF LATIN SMALL LETTER SHARP S), in 1 label, first in line 2" in sharp
    folder.build(f"{folder.image} 5 µm\n", force_uppercase=False)
    assert not folder.messages(logging.WARNING)


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


# Other sources than a file of paths and labels after a space


def test_paths_with_spaces_need_another_delimiter(folder):
    path = folder.write("a b.png", IMAGE)
    assert folder.build(f'{path},"a, b"\n', delimiter="comma") == 1
    assert folder.labels() == ["A, B"]
    assert folder.build(f"{path}\ta b\n", delimiter="tab") == 1
    assert folder.labels() == ["A B"]


def test_relative_paths_start_from_the_base_folder(folder):
    assert folder.build("a.png AB\n", base_dir=str(folder.path), save_filename=True) == 1
    assert folder.features()[0]["comment"] == folder.image.encode()


def test_folder_of_images_has_the_labels_in_its_names(folder):
    tf.io.gfile.makedirs(folder.name("images"))
    for name in ("x_2.png", "x_10.png", "A B.png"):
        folder.write(f"images/{name}", IMAGE)
    folder.write("images/notes.txt", b"none")
    assert folder.build_from(folder.name("images")) == 3
    assert folder.labels() == ["A B", "X", "X"]
    (error,) = folder.messages(logging.ERROR)
    assert (
        error
        == f"{folder.path}/images, file 2: not a readable image: {folder.path}/images/notes.txt"
        " (it is the text 'none': give the image itself)"
    )


def test_nothing_to_warn_of_without_rejects(folder):
    folder.build(f"{folder.image} AB\n")
    assert not folder.messages(logging.WARNING)


def test_progress_is_logged_every_so_many_records(folder):
    folder.build(f"{folder.image} A\n" * 5, log_step=2)
    said = [line for line in folder.messages(logging.INFO) if line.startswith("Processed")]
    assert said == ["Processed 2 pairs.", "Processed 4 pairs."]


def test_progress_on_a_terminal_is_a_bar(folder, monkeypatch, capsys):
    monkeypatch.setattr(log, "is_interactive", lambda: True)
    folder.build(f"{folder.image} A\n" * 5, log_step=2)
    assert not any(line.startswith("Processed") for line in folder.messages(logging.INFO))
    error = capsys.readouterr().err
    assert "5/5" in error
    assert "lines" in error
    assert "pairs=5" in error


# What appears, and when


def test_output_appears_when_it_is_complete(folder, monkeypatch):
    seen = files_at_each_record(folder, monkeypatch)
    folder.build(f"{folder.image} A\n" * 2)
    temporary = f"out.tfrecords.{os.getpid()}.tmp"
    assert seen == [["a.png", "annotations.txt", temporary]] * 2
    assert not any("tmp" in name for name in folder.files())
    assert folder.files() == ["a.png", "annotations.txt", "out.tfrecords"]


def files_at_each_record(folder, monkeypatch):
    """A list that gets the folder's files when a record is serialized."""
    seen, serialize = [], builder.schema.serialize

    def spy(*arguments):
        seen.append(folder.files())
        return serialize(*arguments)

    monkeypatch.setattr(builder.schema, "serialize", spy)
    return seen


def test_former_output_is_replaced(folder):
    folder.build(f"{folder.image} A\n{folder.image} B\n")
    folder.build(f"{folder.image} C\n")
    assert folder.labels() == ["C"]


@pytest.mark.parametrize("annotations", ["", "\n\n", "nosuch.png AB\n"])
def test_nothing_to_write_is_an_error_and_leaves_no_file(folder, annotations):
    with pytest.raises(
        UserError,
        match=r"annotations\.txt has no usable line \(. lines? rejected\): .* is not written",
    ):
        folder.build(annotations)
    assert folder.files() == ["a.png", "annotations.txt"]


def test_nothing_to_write_leaves_the_former_output(folder):
    folder.build(f"{folder.image} A\n")
    with pytest.raises(UserError, match=r"has no usable line \(1 line rejected\)"):
        folder.build("nosuch.png B\n")
    assert folder.labels() == ["A"]


def test_interruption_leaves_the_former_output_and_nothing_else(folder, monkeypatch):
    folder.build(f"{folder.image} A\n")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(builder.schema, "serialize", interrupt)
    with pytest.raises(KeyboardInterrupt):
        folder.build(f"{folder.image} B\n")
    assert folder.labels() == ["A"]
    assert folder.files() == ["a.png", "annotations.txt", "out.tfrecords"]


def test_full_disk_is_one_error_and_leaves_the_former_output(folder):
    folder.build(f"{folder.image} A\n")
    large = folder.write("large.bmp", encoded(Image.new("RGB", (300, 300)), "BMP"))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(UserError, match=r"cannot write .*out\.tfrecords: .*File too large"):
            folder.build(f"{folder.image} B\n{large} C\nalone\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert folder.labels() == ["A"]
    assert folder.files() == ["a.png", "annotations.txt", "large.bmp", "out.tfrecords"]


def test_no_annotation_file_is_an_error(folder):
    with pytest.raises(
        UserError, match="no annotation file .*: write one with 'path label' on each line"
    ):
        folder.build_from(folder.name("nosuch.txt"))


def test_empty_folder_is_an_error(folder):
    tf.io.gfile.makedirs(folder.name("images"))
    with pytest.raises(UserError, match=r"has no usable file \(0 files rejected\)"):
        folder.build_from(folder.name("images"))


def test_output_in_a_folder_that_is_not_there_is_an_error(folder):
    folder.output = folder.name("nosuch/out.tfrecords")
    with pytest.raises(UserError, match=r"cannot write .*nosuch/out\.tfrecords: "):
        folder.build(f"{folder.image} A\n")


def test_folder_in_place_of_the_output_is_an_error_and_stays(folder):
    tf.io.gfile.makedirs(folder.output)
    with pytest.raises(UserError, match="cannot write "):
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
    assert folder.build(f"{folder.image} AB\n{folder.image} C\nalone\n") == 2
    assert folder.labels() == ["AB", "C"]
    assert folder.rejected() == [["3", "alone", "", "missing filename or label"]]
    assert folder.files() == [
        "a.png",
        "annotations.txt",
        "out.tfrecords",
        "out.tfrecords.rejected.tsv",
    ]


def test_base_folder_and_folder_of_images_may_be_remote(caplog):
    tf.io.gfile.makedirs("ram://test_base/images")
    folder = Folder("ram://test_base", caplog)
    assert folder.build("a.png D\n", base_dir="ram://test_base") == 1
    folder.write("images/x_1.png", IMAGE)
    assert folder.build_from("ram://test_base/images") == 1
    assert folder.labels() == ["X"]


def picture(ink, ground, size=(60, 20)):
    """A picture in one color or with alpha, with a bar of ink."""
    drawn = Image.new("RGBA" if len(ground) == 4 else "RGB", size, ground)
    drawn.paste(ink, (5, 5, 40, 8))
    return drawn


def test_pictures_that_show_nothing_are_named(folder):
    clear = (255, 255, 255, 0)
    pictures = {
        "a.png": picture((0, 0, 0), (255, 255, 255)),
        "ink.png": picture((255, 255, 255, 255), clear),
        "ink.webp": picture((255, 250, 240, 255), clear),
        "black.png": picture((4, 4, 4), (0, 0, 0)),
        "blue.bmp": picture((0, 0, 250), (0, 0, 250)),
        "clear.png": picture(clear, clear),
        "thin.png": Image.effect_noise((300, 1), 90),
        "empty.png": picture((9, 9, 9), (9, 9, 9)),
    }
    for name, drawn in pictures.items():
        folder.write(name, encoded(drawn, name.partition(".")[2].upper()))
    lines = [f"{folder.path}/{name} {'' if name == 'empty.png' else 'ABCDE'}" for name in pictures]
    assert folder.build("\n".join(lines) + "\n") == 8
    text = "\n".join(folder.messages(logging.WARNING))
    assert "2 images have light ink on a transparent ground: shown on black." in text
    assert "3 images have no contrast: they are nearly of one color: written nevertheless." in text
    assert "1 image has an absurd size beside the others: written nevertheless." in text
    assert "line 7: 300 x 1 pixels" in text
    named = [name for name in pictures if f"{name}: 'ABCDE'" in text]
    assert named == ["ink.png", "ink.webp", "black.png", "blue.bmp", "clear.png"]


# Parts


def test_a_split_divides_by_its_shares_and_keeps_equal_pixels_together(folder, tmp_path):
    rng = np.random.default_rng(1)
    lines = []
    for number in range(120):
        pixels = rng.integers(0, 256, [4, 6], np.uint8)
        for form in ("PNG", "BMP"):
            lines.append(f"{folder.write(f'{number}.{form}', encoded(pixels, form))} N{number}\n")
    (tmp_path / "list.txt").write_text("".join(lines))
    options = builder.Options(split=(80, 10, 10), seed=1)
    found = []
    for _ in range(2):
        builder.build([str(tmp_path / "list.txt")], str(tmp_path / "d.tfrecords"), options)
        parts = [str(tmp_path / f"d-{part}.tfrecords") for part in shards.PARTS]
        found.append([[record.label for record in files.read([part])] for part in parts])
    assert found[0] == found[1]
    sizes = [len(labels) for labels in found[0]]
    assert sum(sizes) == 240
    assert sizes == pytest.approx([192, 24, 24], abs=3)
    assert all(labels.count(label) == 2 for labels in found[0] for label in labels)
    assert not (tmp_path / "d.tfrecords").exists()
