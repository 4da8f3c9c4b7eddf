"""Records that become images and labels again, in each form, are read as they were."""

import pytest
from dataset_folder import IMAGE, Folder
from helpers import write_records

from aocr.data.building.extraction import WRITERS, extract
from aocr.data.records import schema
from aocr.data.sources.formats import WRITTEN
from aocr.util.errors import UserError

LABELS = ["A b", ' "é", x', "007"]


@pytest.fixture
def folder(tmp_path, caplog, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Folder(tmp_path, caplog)


def test_the_forms_of_the_flag_are_those_that_are_written():
    assert tuple(WRITERS) == WRITTEN


@pytest.mark.parametrize("form", WRITTEN)
def test_there_and_back_again(folder, form):
    if form == "clovaai-lmdb":
        pytest.importorskip("lmdb", reason="the extra formats is not installed")
    dataset = write_records("d.tfrecords", [schema.serialize(IMAGE, each) for each in LABELS])
    assert extract([dataset], "out", form) == len(LABELS)
    lists = {"list": "out/annotations.txt", "paddle": "out/rec_gt.txt"}
    options = {"format": "tab"} if form == "paddle" else {}
    folder.build_from(lists.get(form, "out"), force_uppercase=False, **options)
    assert folder.labels() == LABELS
    assert {each["image"] for each in folder.features()} == {IMAGE}


def test_a_label_that_a_line_cannot_hold_is_named(folder, caplog):
    records = [schema.serialize(IMAGE, each) for each in ("A\nB", "C")]
    assert extract([write_records("d.tfrecords", records)], "out", "list") == 1
    assert "record 1: a label that a line of the list cannot hold" in caplog.text


def test_a_folder_that_holds_something_is_refused(folder):
    dataset = write_records("d.tfrecords", [schema.serialize(IMAGE, "A")])
    with pytest.raises(UserError, match="it is not empty: give a new folder"):
        extract([dataset], str(folder.path), "list")
