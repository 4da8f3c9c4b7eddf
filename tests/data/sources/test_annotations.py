"""Annotation files and folders to rows: encodings, separators, what is no row."""

import os
import re

import pytest
import tensorflow as tf

from aocr.data.sources.annotations import MAX_LINE_BYTES, Annotations, label_of_name
from aocr.util.errors import UserError


@pytest.fixture
def rows(tmp_path):
    """A function from a file's content to its rows."""

    def read(content, delimiter="space", base_dir=""):
        path = tmp_path / "annotations.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(Annotations(str(path), delimiter, base_dir).read())

    return read


def pairs(found):
    assert not [row.rejection for row in found if row.rejection]
    return [(row.path, row.label) for row in found]


def only_reason(found):
    """Of the row between two good ones."""
    first, row, last = found
    assert (first.number, row.number, last.number) == (1, 2, 3)
    assert not first.rejection
    assert not last.rejection
    return f"{row.rejection.reason}: {row.rejection.value}"


# Files


@pytest.mark.parametrize(
    ("line", "pair"),
    [
        ("a.png AB", ("a.png", "AB")),
        ("a.png a b", ("a.png", "a b")),
        ("a.png ", ("a.png", "")),
        ("a.png\tAB", ("a.png", "AB")),
        ('a.png "x"', ("a.png", '"x"')),
        ("a,b.png x,y", ("a,b.png", "x,y")),
    ],
)
def test_space(rows, line, pair):
    assert pairs(rows(line)) == [pair]


@pytest.mark.parametrize(
    ("line", "pair"),
    [
        ("a b.png,A B", ("a b.png", "A B")),
        ("a.png,", ("a.png", "")),
        ('a.png,"x, y"', ("a.png", "x, y")),
        ('"a,b.png","say ""x"""', ("a,b.png", 'say "x"')),
        ("a.png, AB ", ("a.png", " AB ")),
        ("a.png,a\tb", ("a.png", "a\tb")),
    ],
)
def test_comma(rows, line, pair):
    assert pairs(rows(line, "comma")) == [pair]


def test_tab(rows):
    assert pairs(rows('a b.png\tA, B\n"c.png"\t"x\ty"\n', "tab")) == [
        ("a b.png", "A, B"),
        ("c.png", "x\ty"),
    ]


def test_byte_order_mark_windows_line_ends_and_no_newline_at_the_end(rows):
    content = b"\xef\xbb\xbfa.png A\r\nb.png \r\nc.png C"
    assert pairs(rows(content)) == [("a.png", "A"), ("b.png", ""), ("c.png", "C")]
    assert pairs(rows(content.replace(b" ", b","), "comma")) == pairs(rows(content))


def test_blank_lines_are_numbered_but_no_rows(rows):
    assert [row.number for row in rows("\n  \na A\n\t\r\nb B\n\n")] == [3, 5]


@pytest.mark.parametrize("size", [2**20, 2**20 + 5])
def test_many_lines(rows, size):
    lines = [f"{n}.png {n}" for n in range(size // 16)]
    assert pairs(rows("\n".join(lines))) == [tuple(line.split()) for line in lines]


@pytest.mark.parametrize(
    ("line", "delimiter", "reason"),
    [
        (b"a.png", "space", "missing filename or label: 'a.png'"),
        (b" a.png AB", "space", "missing filename or label: ' a.png AB'"),
        (b"a.png AB", "comma", "missing filename or label: 'a.png AB'"),
        (b",AB", "comma", "missing filename or label: ',AB'"),
        (b"a.png,A,B", "comma", "more than path and label: 'a.png,A,B'"),
        (b'a.png,"AB', "comma", "wrong CSV quoting: 'a.png,\"AB'"),
        (b'a.png,"A"B', "comma", "wrong CSV quoting: 'a.png,\"A\"B'"),
        (b'a.png\t"', "tab", "wrong CSV quoting: 'a.png\\t\"'"),
        (b"a.png \xe9", "space", r"not UTF-8: b'a.png \xe9'"),
        (b"a\0.png AB", "space", r"NUL character in the line: b'a\x00.png AB'"),
        (b"a.png " + b"x" * MAX_LINE_BYTES, "space", "line of more than 65536 bytes: b'a.png xx"),
        (b"\xff" * 2**20, "space", r"line of more than 65536 bytes: b'\xff"),
        (b"x" * (3 * 2**20), "space", "line of more than 65536 bytes: b'xx"),
    ],
)
def test_line_that_is_no_row_spoils_no_other(rows, line, delimiter, reason):
    separator = {"space": b" ", "tab": b"\t", "comma": b","}[delimiter]
    good = b"a.png" + separator + b"AB"
    found = rows(good + b"\n" + line + b"\n" + good + b"\n", delimiter)
    assert only_reason(found).startswith(reason)


def test_label_of_just_the_longest_line_is_whole(rows):
    label = "x" * (MAX_LINE_BYTES - len("a.png "))
    assert pairs(rows(f"a.png {label}\n")) == [("a.png", label)]


def test_relative_paths_start_from_the_base_folder(rows):
    found = rows("a.png A\n/b/c.png B\ngs://d/e.png C\n../f.png D\n", base_dir="gs://x/y")
    assert [row.path for row in found] == [
        "gs://x/y/a.png",
        "/b/c.png",
        "gs://d/e.png",
        "gs://x/y/../f.png",
    ]


def test_no_file_is_an_error(tmp_path):
    with pytest.raises(
        UserError, match="no annotation file .*: write one with 'path label' on each line"
    ):
        list(Annotations(f"{tmp_path}/nosuch").read())


def test_file_system_that_is_not_there_is_an_error():
    with pytest.raises(UserError, match="cannot read nosuch://a.txt: "):
        list(Annotations("nosuch://a.txt").read())


def test_lines_are_counted_as_rows(tmp_path):
    (tmp_path / "a.txt").write_text("a A\nb B\nc C")
    assert Annotations(f"{tmp_path}/a.txt").estimate_count() == 3
    assert Annotations(str(tmp_path)).estimate_count() == 1
    assert Annotations(f"{tmp_path}/nosuch.txt").estimate_count() is None


# Folders


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("AB.png", "AB"),
        ("AB_12.png", "AB"),
        ("AB_12_3.png", "AB_12"),
        ("A_B.png", "A_B"),
        ("12_34.jpg", "12"),
        ("_12.png", "_12"),
        ("a b.tar.png", "a b.tar"),
        ("AB", "AB"),
        ("京A_1.png", "京A"),
    ],
)
def test_label_in_a_file_name(name, label):
    assert label_of_name(name) == label


def test_folder_gives_its_visible_files_by_name(tmp_path):
    for name in ("b_2.png", "b_1.png", ".hidden", "A.png"):
        (tmp_path / name).write_bytes(b"")
    found = Annotations(str(tmp_path), "comma", "base").read()
    assert [row[:4] for row in found] == [
        (1, f"{tmp_path}/A.png", "A", None),
        (2, f"{tmp_path}/b_1.png", "b", None),
        (3, f"{tmp_path}/b_2.png", "b", None),
    ]
    assert Annotations(str(tmp_path)).unit == "file"


def test_file_name_that_is_not_utf8_hides_no_other(tmp_path):
    with open(os.fsencode(tmp_path) + b"/\xff.png", "wb"):
        (tmp_path / "A.png").write_bytes(b"")
    labels = [row.label for row in Annotations(str(tmp_path)).read()]
    assert labels == ["A", "\udcff"]


def test_unreadable_annotations_are_an_error(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("a A\n")

    def fail(*_):
        raise tf.errors.UnavailableError(None, None, "gone\nand more")

    monkeypatch.setattr(tf.io.gfile, "GFile", fail)
    message = re.escape(f"cannot read {tmp_path}/a.txt: gone")
    with pytest.raises(UserError, match=f"{message}$"):
        list(Annotations(f"{tmp_path}/a.txt").read())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_list_of_notepad_is_read(rows, encoding):
    assert pairs(rows("a.png É\r\nb.png 字\r\n".encode(encoding))) == [
        ("a.png", "É"),
        ("b.png", "字"),
    ]
