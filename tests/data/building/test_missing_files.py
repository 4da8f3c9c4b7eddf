"""Images that are not where a list says: found beside it, or told where they are, once a cause."""

import logging
import re
import unicodedata

import pytest
from dataset_folder import IMAGE, Folder

from aocr.data.building.rejections import MAX_LOGGED
from aocr.util.errors import UserError

E = unicodedata.normalize("NFD", "é")


@pytest.fixture
def folder(tmp_path, caplog, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("lists", "lists/imgs", "My Drive"):
        (tmp_path / name).mkdir()
    for name in ("lists/b.png", "lists/imgs/c.png", "My Drive/d e.png", f"caf{E}.png"):
        (tmp_path / name).write_bytes(IMAGE)
    return Folder(tmp_path, caplog)


def build(folder, lines, **options):
    folder.write("lists/gt.txt", lines.encode())
    return folder.build_from("lists/gt.txt", **options)


def test_what_is_not_there_is_looked_for_beside_the_list(folder):
    assert build(folder, "b.png B\nimgs/c.png C\n", save_filename=True) == 2
    assert [each["comment"] for each in folder.features()] == [b"lists/b.png", b"lists/imgs/c.png"]
    assert "2 paths are not there from the working directory, but beside" in folder.caplog.text
    assert not folder.messages(logging.WARNING)


def test_the_working_directory_comes_first_and_a_mixture_is_told(folder):
    folder.write("lists/a.png", b"not this one")
    assert build(folder, "a.png A\nb.png B\n") == 2
    (warning,) = folder.messages(logging.WARNING)
    assert "the others were found from the working directory: check" in warning


CAUSES = {
    r"imgs\c.png C": "with / for .*beside the list",
    r"C:\data\imgs\c.png C": "with / for .*without the first folders of its path",
    "/home/me/lists/b.png B": "without the first folders of its path",
    "B.PNG B": "beside the list and in another case",
    "b.jpg B": "with another ending",
    "b B": "with another ending",
    "\u200bb.png B": "without invisible characters",
    "café.png B": "in another Unicode form",
    "My Drive/d e.png two words": "path goes on after its first blank: .*--delimiter=tab",
    "My Drive/d e.png\ttwo words": "--delimiter=tab",
    "a.png,two words": "--delimiter=comma",
    "a.png,A": "--delimiter=comma",
    "'a.png' A": "without the quotes",
    "nosuch/a.png A": "without the first folder of its path",
    "nosuch/nosuch.png A": "the folder is not there: give --base-dir",
}


@pytest.mark.parametrize(("line", "cause"), CAUSES.items(), ids=map(ascii, CAUSES))
def test_a_cause_is_named_once_with_its_lines(folder, line, cause):
    lines = "".join(f"{line}\n" for _ in range(MAX_LOGGED + 2))
    assert build(folder, f"a.png A\n{lines}") == 1
    *named, told = folder.messages(logging.ERROR)
    assert told.startswith(f"lists/gt.txt: {MAX_LOGGED + 2} lines: ")
    if "no such file" in named[0]:
        assert named.pop() == "lists/gt.txt: 2 lines more: no such file."
        assert len(named) == MAX_LOGGED
    assert re.search(cause, told), told
    assert len(folder.rejected()) == MAX_LOGGED + 2


def test_a_wrong_base_folder_is_told(folder):
    with pytest.raises(UserError, match="no usable line"):
        build(folder, "a.png A\n", base_dir="My Drive")
    assert "from the working directory: leave --base-dir out" in folder.caplog.text
    with pytest.raises(UserError, match="no usable line"):
        build(folder, "b.png A\n", base_dir="My Drive")
    assert "beside the list: give --base-dir=lists" in folder.caplog.text


def test_nothing_is_told_where_nothing_is_found(folder):
    assert build(folder, "a.png A\nnosuch.png B\n") == 1
    (error,) = folder.messages(logging.ERROR)
    assert error.endswith("line 2: no such file: nosuch.png")
    with pytest.raises(UserError, match=r"B.PNG \(there is .*another case: .*--strict"):
        build(folder, "B.PNG A\n", strict=True)
