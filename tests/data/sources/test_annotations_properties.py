"""Whatever the bytes of an annotation file: each line is a pair, a named rejection, or blank."""

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from aocr.data.sources.annotations import Annotations
from aocr.data.sources.formats import DELIMITERS
from aocr.util.text.encodings import UTF_8, encoding_of

LINE = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=40).map(str.encode),
    st.sampled_from([b"a.png AB", b"a.png,AB", b"a.png\tAB", b'"a', b"", b"\0", b"\xef\xbb\xbf"]),
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("annotations") / "a.txt"


def is_utf_16(content):
    """UTF-16 and UTF-32 are read as such, and without a mark refused: see `test_encodings.py`."""
    try:
        return not encoding_of(content).startswith(UTF_8)
    except ValueError:
        return True


@settings(deadline=None, max_examples=150)
@given(
    lines=st.lists(LINE, max_size=8),
    end=st.sampled_from([b"\n", b"\r\n", b"\r"]),
    delimiter=st.sampled_from(list(DELIMITERS)),
)
@example(lines=[b"a.png A", b"b.png B"], end=b"\r", delimiter="space")
def test_every_line_is_accounted_for(path, lines, end, delimiter):
    lines = [line.replace(b"\n", b"").replace(b"\r", b"") for line in lines]
    content = end.join([*lines, b""])
    assume(not is_utf_16(content))
    path.write_bytes(content)
    rows = list(Annotations(str(path), delimiter).read())
    bare = [lines[0].removeprefix(b"\xef\xbb\xbf"), *lines[1:]] if lines else []
    assert [row.number for row in rows] == [n for n, line in enumerate(bare, 1) if line.strip()]
    for row in rows:
        assert row.path if not row.rejection else row.rejection.reason
        assert row.rejection or (row.path + row.label).encode()
