"""Files that appear when they are complete."""

import os

import pytest
import tensorflow as tf

from aocr.util.errors import UserError
from aocr.util.paths.files import replacing, write_atomically


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_files_appear_together_and_old_ones_that_are_not_written_go(tmp_path):
    (tmp_path / "b").write_text("old")
    (tmp_path / "c").write_text("old")
    with replacing([f"{tmp_path}/{name}" for name in "abcd"]) as temporaries:
        for path in temporaries[:2]:
            with open(path, "w") as file:
                file.write("new")
        assert (tmp_path / "b").read_text() == "old"
    assert names(tmp_path) == ["a", "b"]
    assert (tmp_path / "b").read_text() == "new"


def test_an_error_leaves_all_as_it_was(tmp_path):
    (tmp_path / "a").write_text("old")
    files = [f"{tmp_path}/a", f"{tmp_path}/b"]
    with pytest.raises(KeyboardInterrupt), replacing(files) as paths, open(paths[1], "w"):
        raise KeyboardInterrupt
    assert names(tmp_path) == ["a"]


def test_whole_file_takes_the_place_of_an_old_one(tmp_path):
    (tmp_path / "a").write_text("old and longer")
    write_atomically(str(tmp_path / "a"), b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert names(tmp_path) == ["a"]


def test_file_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(tf.errors.NotFoundError):
        write_atomically(str(tmp_path / "nosuch" / "a"), b"new")
    assert names(tmp_path) == []


def test_links_stay_and_permissions_are_kept(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "real").chmod(0o640)
    (tmp_path / "link").symlink_to("real")
    write_atomically(str(tmp_path / "link"), b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"
    assert (tmp_path / "real").stat().st_mode & 0o777 == 0o640
    assert names(tmp_path) == ["link", "real"]


@pytest.mark.parametrize(("name", "kind"), [("pipe", "a pipe"), ("null", "a device"), ("d", "a f")])
def test_what_is_no_file_is_refused(tmp_path, name, kind):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "null").symlink_to("/dev/null")
    (tmp_path / "d").mkdir()
    with pytest.raises(UserError, match=f"cannot write .*{name}: it is {kind}"):
        write_atomically(str(tmp_path / name), b"new")
    assert names(tmp_path) == ["d", "null", "pipe"]
