"""Folders whose images have their texts in files: their names, often numbers, are no labels."""

import logging

import pytest
from dataset_folder import IMAGE, Folder

from aocr.util.errors import UserError


@pytest.fixture
def folder(tmp_path, caplog, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "words").mkdir()
    return Folder(tmp_path, caplog)


def fill(folder, **texts):
    for name in ("1.png", "2.png"):
        folder.write(f"words/{name}", IMAGE)
    for name, text in texts.items():
        folder.write(f"words/{name.replace('_', '.')}", text.encode())


LISTS = {
    "gt_txt": '\ufeff1.png, "Exit"\n',
    "labels_csv": "filename,words\n1.png,Exit\n",
    "labels_jsonl": '{"file_name": "1.png", "text": "Exit"}\n',
}


@pytest.mark.parametrize(("name", "text"), LISTS.items(), ids=LISTS)
def test_a_list_of_numbered_images_is_refused(folder, name, text):
    fill(folder, **{name: text})
    path = f"words/{name.replace('_', '.')}"
    with pytest.raises(UserError, match=f"{path} lists its images, .* 'aocr dataset {path}'"):
        folder.build_from("words")


def test_a_list_of_other_images_is_told_and_other_texts_are_not(folder):
    folder.write("words/A.png", IMAGE)
    folder.write("words/readme.txt", b"made by hand\n")
    assert folder.build_from("words") == 1
    assert not any("lists its images" in each for each in folder.messages(logging.WARNING))
    folder.write("words/gt.txt", b"A.png Exit\n")
    assert folder.build_from("words") == 1
    assert any("lists its images" in each for each in folder.messages(logging.WARNING))
