"""Numbered folders of exports."""

import pytest
import tensorflow as tf

from aocr.exports import folder as versions
from aocr.util.errors import UserError


@pytest.mark.parametrize(
    ("names", "number"),
    [([], 1), (["1"], 2), (["1", "10", "9"], 11), (["x", "3.123.tmp", ".5", "-7", "notes"], 1)],
)
def test_the_next_version_follows_the_newest(tmp_path, names, number):
    for name in names:
        (tmp_path / name).mkdir()
    assert versions.next_version(str(tmp_path)) == f"{tmp_path}/{number}"


def test_the_first_version_of_a_new_folder_is_1(tmp_path):
    assert versions.next_version(f"{tmp_path}/new") == f"{tmp_path}/new/1"
    assert not list(tmp_path.iterdir())


def test_a_file_holds_no_versions(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="file is a file: name a folder"):
        versions.next_version(f"{tmp_path}/file")


def write_export(folder, text):
    for name in ("saved_model.pb", "variables/variables.index"):
        path = f"{folder}/{name}"
        tf.io.gfile.makedirs(path.rpartition("/")[0])
        with tf.io.gfile.GFile(path, "w") as file:
            file.write(text)


def read(path):
    with tf.io.gfile.GFile(path) as file:
        return file.read()


@pytest.mark.parametrize("scheme", ["", "ram://"])
def test_versions_appear_one_after_the_other_and_earlier_ones_stay(tmp_path, scheme):
    base = f"{scheme}{tmp_path}/models/reader"
    for number in (1, 2, 3):
        source = f"{scheme}{tmp_path}/{number}.tmp"
        write_export(source, str(number))
        assert versions.install_version(source, base, "saved_model.pb") == f"{base}/{number}"
    for number in (1, 2, 3):
        for name in ("saved_model.pb", "variables/variables.index"):
            assert read(f"{base}/{number}/{name}") == str(number)


def test_a_version_that_another_export_has_just_taken_is_left_alone(tmp_path, monkeypatch):
    base, source = tmp_path / "reader", f"{tmp_path}/source"
    write_export(source, "mine")
    next_version, taken = versions.next_version, []

    def late(folder):
        found = next_version(folder)
        if not taken:
            taken.append(found)
            write_export(found, "theirs")
        return found

    monkeypatch.setattr(versions, "next_version", late)
    assert versions.install_version(source, str(base), "saved_model.pb") == f"{base}/2"
    assert read(f"{base}/1/saved_model.pb") == "theirs"
    assert read(f"{base}/2/saved_model.pb") == "mine"


def test_the_file_that_servers_load_first_arrives_last_in_a_remote_folder(monkeypatch):
    moved, rename = [], tf.io.gfile.rename
    write_export("ram://last/source", "text")
    monkeypatch.setattr(
        tf.io.gfile, "rename", lambda source, target: (moved.append(target), rename(source, target))
    )
    versions.install_version("ram://last/source", "ram://last/base", "saved_model.pb")
    assert [path.rpartition("/")[2] for path in moved] == ["variables.index", "saved_model.pb"]
