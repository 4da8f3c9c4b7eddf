"""Text from outside: its encoding is that of its byte order mark, or UTF-8, or an error."""

import codecs

import pytest

from aocr.util.errors import UserError
from aocr.util.text.encodings import in_utf_8, read_text

TEXT = "a.png É\r\nb.png 字\r\n"
ENCODED = {
    "utf-8": TEXT.encode(),
    "utf-8-sig": TEXT.encode("utf-8-sig"),
    "utf-16-le": codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
    "utf-16-be": codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
    "utf-32-le": codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"),
    "utf-32-be": codecs.BOM_UTF32_BE + TEXT.encode("utf-32-be"),
}


def pieces(content, size):
    return (content[start : start + size] for start in range(0, len(content), size))


@pytest.mark.parametrize("content", ENCODED.values(), ids=ENCODED)
def test_a_byte_order_mark_says_the_encoding(tmp_path, content):
    path = tmp_path / "text"
    path.write_bytes(content)
    assert read_text("--words", str(path)) == TEXT
    for size in (5, len(content)):
        assert b"".join(in_utf_8("list", pieces(content, size))) == TEXT.encode()


WRONG = {
    "UTF-8": (b"a\nb\xe9", ", line 2: it is not UTF-8 .cannot decode the byte 0xe9"),
    "odd": (ENCODED["utf-16-le"][:-1], ": it begins with .* UTF-16, but is not UTF-16"),
    "no mark, LE": (TEXT.encode("utf-16-le"), ": it looks like UTF-16LE without .* iconv"),
    "no mark, BE": (TEXT.encode("utf-16-be"), ": it looks like UTF-16BE without .* iconv"),
}


@pytest.mark.parametrize(("content", "says"), WRONG.values(), ids=WRONG)
def test_another_encoding_is_named(tmp_path, content, says):
    path = tmp_path / "text"
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"--words={path}{says}"):
        read_text("--words", str(path))
    if not says.startswith(", line"):  # those are named with their lines by who reads the list
        with pytest.raises(UserError, match=f"list{says}"):
            list(in_utf_8("list", [content]))
