"""Lexicon files: one word a line."""

import pytest

from aocr.data.word_lists import read_lexicon
from aocr.util.errors import UserError


def write(tmp_path, content):
    (tmp_path / "words.txt").write_bytes(content)
    return str(tmp_path / "words.txt")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a\nb", ["a", "b"]),
        (b"\xef\xbb\xbfa\r\n\r\nb c \r\n", ["a", "b c "]),
        ("e\u0301\n".encode(), ["é"]),
        (b"a\ra\n", ["a", "a"]),
    ],
)
def test_words(tmp_path, content, words):
    assert read_lexicon(write(tmp_path, content)) == words


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no word"),
        (b"\n\r\n", "holds no word"),
        (b"a\nb\xff\n", "line 2: it is not UTF-8"),
    ],
)
def test_files_without_words_are_refused(tmp_path, content, message):
    with pytest.raises(UserError, match=message):
        read_lexicon(write(tmp_path, content))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"--lexicon=.*nosuch\.txt: "):
        read_lexicon(str(tmp_path / "nosuch.txt"))
    with pytest.raises(UserError, match=f"--lexicon={tmp_path}: "):
        read_lexicon(str(tmp_path))
