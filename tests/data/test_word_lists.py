"""Charsets from files and from the labels of a dataset."""

import pytest
import tensorflow as tf

from aocr.data.records import schema
from aocr.data.word_lists import characters_of, read_charset
from aocr.util.errors import UserError


@pytest.mark.parametrize(
    "content", ["aß 字", "a\nß\n \n字\n", "\ufeffaß 字\n", "a\r\nß\r\n \r\n字"]
)
def test_one_line_or_one_a_line(tmp_path, content):
    (tmp_path / "charset.txt").write_bytes(content.encode())
    assert read_charset(str(tmp_path / "charset.txt")) == "aß 字"


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"", "is empty"), (b"aba", "holds .'a'. more than once"), (b"\xff", "decode"), (None, "")],
)
def test_a_file_that_is_no_charset_is_told(tmp_path, content, told):
    path = tmp_path / "charset.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=f"--charset={path}[:,] .*{told}"):
        read_charset(str(path))


def write(path, labels):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for label in labels:
            writer.write(schema.serialize(b"", label))
    return str(path)


def test_the_labels_characters_come_in_the_order_of_their_code_points(tmp_path):
    files = [write(tmp_path / "1", ["字b", "a b", ""]), write(tmp_path / "2", ["Aä"])]
    assert characters_of(files) == " Aabä字"


def test_no_character_is_an_error(tmp_path):
    with pytest.raises(UserError, match="no label of .* has a character"):
        characters_of([write(tmp_path / "1", ["", ""])])


@pytest.mark.parametrize(
    ("content", "characters"),
    [
        ("\u2126A", "ΩA"),  # the Ohm sign is the Greek letter in NFC
        ("\u09dc\u0995", "\u09a1\u09bc\u0995"),  # a Bengali letter that NFC takes apart
        ("e\u0301ea", "éea"),  # written in NFD
        ("\u1100\u1161", "\u1100\u1161"),  # Korean letters in the order of their code points
        ("\u1100\u1161\u1100\u1162", "가개"),
    ],
)
def test_a_charset_is_in_nfc_as_labels_are(tmp_path, content, characters):
    (tmp_path / "charset.txt").write_text(content, encoding="utf-8")
    assert read_charset(str(tmp_path / "charset.txt")) == characters


def test_what_nobody_can_see_is_named(tmp_path, caplog):
    (tmp_path / "charset.txt").write_text("A\u200bB C", encoding="utf-8")
    assert read_charset(str(tmp_path / "charset.txt")) == "A\u200bB C"
    assert "1 character that nobody can see: U+200B ZERO WIDTH SPACE" in caplog.text
    assert characters_of([write(tmp_path / "1", ["A", "A\u3164 B"])]) == " AB\u3164"
    assert "takes 1 character that nobody can see: U+3164 HANGUL FILLER" in caplog.text
    assert "the first is in record 2" in caplog.text
