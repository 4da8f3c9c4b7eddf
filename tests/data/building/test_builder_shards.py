"""Datasets in several files: which lines each gets, alone and together."""

import os

import pytest
from dataset_folder import Folder

from aocr.util.errors import UserError


@pytest.fixture
def folder(tmp_path, caplog):
    return Folder(tmp_path, caplog)


def numbered(folder, count):
    """Annotations whose labels are their line numbers; every fifth names no image."""
    paths = [folder.image if n % 5 else "nosuch.png" for n in range(1, count + 1)]
    return "".join(f"{path} {n}\n" for n, path in enumerate(paths, start=1))


def test_shards_get_the_lines_in_turn(folder):
    assert folder.build(numbered(folder, 11), shards=3) == 9
    assert folder.labels("out-00000-of-00003.tfrecords") == ["1", "4", "7"]
    assert folder.labels("out-00001-of-00003.tfrecords") == ["2", "8", "11"]
    assert folder.labels("out-00002-of-00003.tfrecords") == ["3", "6", "9"]
    assert [row[0] for row in folder.rejected()] == ["5", "10"]
    assert "out.tfrecords" not in folder.files()


def test_shard_built_alone_is_the_same_file(folder):
    folder.build(numbered(folder, 50), shards=3)
    names = [name for name in folder.files() if "-of-" in name]
    together = {name: (folder.path / name).read_bytes() for name in names}
    for name in names:
        os.remove(folder.name(name))
    for index, name in enumerate(names):
        folder.build(numbered(folder, 50), shards=3, shard_index=index)
        assert (folder.path / name).read_bytes() == together[name]
        assert all((int(row[0]) - 1) % 3 == index for row in folder.rejected(name))


def test_shard_without_a_line_is_an_empty_file(folder):
    assert folder.build(f"{folder.image} A\n", shards=3, shard_index=2) == 0
    assert folder.labels("out-00002-of-00003.tfrecords") == []


@pytest.mark.parametrize(("shards", "index"), [(3, 3), (3, -1), (1, 1)])
def test_shard_that_is_not_there_is_an_error(folder, shards, index):
    with pytest.raises(UserError, match=f"--shard-index={index} is not from 0 to {shards - 1} "):
        folder.build(f"{folder.image} A\n", shards=shards, shard_index=index)
