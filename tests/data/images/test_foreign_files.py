"""What is no readable image is named, with the cure."""

import base64
import gzip

import pytest
from helpers import white

from aocr.data.images.files import ImageFileError, read_header

PNG = white(9, 200)
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3 1 0 obj"
BASE64 = base64.b64encode(PNG)
KINDS = {
    "AVIF": b"\0\0\0\x1cftypavif\0\0\0\0mif1avif",
    "AVIF in a common brand": b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif",
    "HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    "PDF": PDF,
    "HTML": b"\xef\xbb\xbf\n<!DOCTYPE html><title>404</title>",
    "HTML after a comment": b"<!-- a proxy --><HTML><body>",
    "HTML in UTF-16": "<html>".encode("utf-16"),
    "SVG": b"<?xml version='1.0'?><!-- drawn --><svg xmlns='http://www.w3.org/2000/svg'>",
    "XML": b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
    "JSON": b'{"error": "no such key"}\n',
    "gzip": gzip.compress(PNG),
    "ZIP": b"PK\3\4\x14\0\0\0",
    "Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
    "form": b"--x9\r\nContent-Disposition: form-data; name=file\r\n\r\n" + PNG,
    "zero bytes": b"\0" * 1000,
    "base64 text of an image": BASE64,
    "base64 text of an image, in lines": base64.encodebytes(PNG * 20),
    "base64 text of an image, in quotes": b'"' + BASE64 + b'"',
    "base64 text of an image, for URLs": base64.urlsafe_b64encode(PNG),
    "base64 text of a PDF": base64.b64encode(PDF),
    "data URI (base64)": b"data:image/png;base64," + BASE64,
    "the text 'images/a.png'": b"images/a.png\n",
    "text that begins 'Gr\u00f6\u00dfe'": "Gr\u00f6\u00dfe\n42\n".encode(),
    "the text 'caf\u00e9 au lait'": "caf\u00e9 au lait".encode("latin-1"),
    "TFRecords": (20).to_bytes(8, "little") + b"\x8c\1\2\3\n" + bytes(40),
    "begins as an image": PNG[:12],
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_image_is_named_with_the_cure(kind):
    with pytest.raises(ImageFileError, match="^not a readable image") as caught:
        read_header(KINDS[kind], 10_000)
    name, detail = kind.split(", ")[0].split(" in ")[0].split(" after")[0], caught.value.detail
    assert all(word in detail for word in name.replace("(", "").replace(")", "").split())
    assert detail.startswith("it ")
    assert ": " in detail
    assert "\n" not in detail


def test_what_is_of_no_known_kind_stays_without_a_name():
    with pytest.raises(ImageFileError) as caught:
        read_header(bytes(range(128, 160)), 10_000)
    assert str(caught.value) == "not a readable image"
