"""Folders and glob patterns among the arguments that name images."""

import logging

import pytest
import tensorflow as tf

from aocr.cli.flags.paths import image_files
from aocr.util.errors import UserError


@pytest.fixture
def folder(tmp_path):
    for name in ("b.png", "a.JPG", ".hidden.png", "notes.txt", "c[1].tiff"):
        (tmp_path / name).write_bytes(b"")
    return str(tmp_path)


def test_a_folder_stands_for_its_images_in_order(folder, caplog):
    caplog.set_level(logging.WARNING)
    expected = [f"{folder}/{name}" for name in ("a.JPG", "b.png", "c[1].tiff")]
    assert image_files([folder]) == expected
    assert caplog.messages == [
        f"{folder}: 1 file has no image's suffix: left out: notes.txt",
    ]


def test_a_pattern_stands_for_its_matches_in_order(folder):
    assert image_files([f"{folder}/*.[pt]*", "x"]) == [
        *(f"{folder}/{name}" for name in ("b.png", "c[1].tiff", "notes.txt")),
        "x",
    ]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(folder):
    assert image_files([f"{folder}/c[1].tiff"]) == [f"{folder}/c[1].tiff"]


def test_what_does_not_exist_stays(folder):
    names = ["nosuch.png", f"{folder}/*.webp", "a\0b.png", "\udcff.png"]
    assert image_files(names) == names


def test_a_folder_without_images_is_an_error(tmp_path):
    (tmp_path / "notes.txt").write_bytes(b"")
    with pytest.raises(UserError, match="holds no image files"):
        image_files([str(tmp_path)])


def test_remote_folders_and_patterns(folder):
    tf.io.gfile.makedirs("ram://images")
    for name in ("b.png", "a.png"):
        tf.io.gfile.copy(f"{folder}/b.png", f"ram://images/{name}", overwrite=True)
    both = ["ram://images/a.png", "ram://images/b.png"]
    assert image_files(["ram://images"]) == both
    assert image_files(["ram://images/*.png"]) == both
