"""Checks that records are recognized by their content, and that a changed file is noticed."""

import os

import pytest
from helpers import TINY, white, write_records

from aocr.data.dataset_scan import scan
from aocr.data.records import schema
from aocr.data.records.identity import change_of

ROWS = [schema.serialize(white(4, 4), label) for label in ("A", "B", "AB")]


@pytest.fixture
def scanned(tmp_path):
    paths = [write_records(tmp_path / "a", ROWS[:1]), write_records(tmp_path / "b", ROWS[1:])]
    return paths, scan(paths, TINY)


def test_order_and_files_do_not_matter_but_records_do(tmp_path, scanned):
    def contents(rows):
        return scan([write_records(tmp_path / "c", rows)], TINY).contents

    assert contents(ROWS[::-1]) == scanned[1].contents
    assert contents(ROWS[:2]) != scanned[1].contents
    assert contents([*ROWS[:2], schema.serialize(white(4, 4), "BA")]) != scanned[1].contents


def test_a_file_that_was_touched_or_copied_has_not_changed(scanned):
    (path, _), found = scanned
    os.utime(path, ns=(1, 1))
    assert change_of(found.files) == ""


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda path: write_records(path, ROWS[:1]), "b holds 1 record (checksum"),
        (lambda path: os.truncate(path, 50), "b breaks off or is not a TFRecord file of aocr"),
        (os.remove, "b can no longer be read ("),
    ],
)
def test_a_change_is_described(scanned, change, told):
    (_, path), found = scanned
    change(path)
    assert told in change_of(found.files)
