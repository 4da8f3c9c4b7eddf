"""What `aocr inspect` says of small datasets whose contents are known."""

import collections
import itertools
import json
import logging
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
import tensorflow as tf
from helpers import encoded, white, write_records
from PIL import Image

from aocr.config import Fit
from aocr.data import records
from aocr.data.record_files import Row
from aocr.inspection import statistics as tally
from aocr.inspection.duplicates import find
from aocr.inspection.inspector import inspect
from aocr.util.errors import UserError

IMAGE = white(20, 40)
NOTHING = Fit()


def raw(image_bytes, label):
    """A record with a label of any bytes."""
    values = {
        name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        for name, value in {"image": image_bytes, "label": label}.items()
    }
    return tf.train.Example(features=tf.train.Features(feature=values)).SerializeToString()


def picture(number, size=(40, 20)):
    """A PNG unlike those of other numbers."""
    return encoded(np.full([size[1], size[0]], number, np.uint8))


@pytest.fixture
def report(tmp_path, capsys):
    """A function that inspects (image, label, comment) rows; returns text, or JSON's value."""

    def inspected(*rows, fit=NOTHING, as_json=True, sheet=None, color=False, paths=None):
        if paths is None:
            serialized = (r if isinstance(r, bytes) else records.serialize(*r) for r in rows)
            paths = [write_records(tmp_path / "dataset.tfrecords", serialized)]
        inspect(paths, fit, as_json, sheet, color)
        printed = capsys.readouterr().out
        return json.loads(printed) if as_json else printed

    return inspected


# Counts


def test_images_are_counted_by_kind_and_size(report, tmp_path):
    rgb = encoded(np.zeros([30, 90, 3], np.uint8), "JPEG")
    grey = encoded(np.zeros([10, 20], np.uint8), "BMP")
    facts = report((IMAGE, "A"), (picture(1), "B"), (rgb, "C"), (grey, "D"))
    assert facts["records"] == 4
    assert facts["bytes"] == (tmp_path / "dataset.tfrecords").stat().st_size
    assert facts["kinds"] == {"PNG L": 2, "JPEG RGB": 1, "BMP L": 1}
    assert [facts["width"][key] for key in ("smallest", "median", "largest")] == [20, 40, 90]
    assert [facts["height"][key] for key in ("smallest", "median", "largest")] == [10, 20, 30]
    assert [facts["aspect"][key] for key in ("smallest", "median", "largest")] == [2, 2, 3]
    assert facts["undecodable"] == {"count": 0, "named": []}


def test_histogram_covers_every_value_once(report):
    widths = [3, 9, 9, 27, 100, 101, 640, 2000]
    facts = report(*((picture(n, (w, 9)), "A") for n, w in enumerate(widths)))
    bins = facts["width"]["bins"]
    assert len(bins) <= 8
    assert (bins[0]["first"], bins[-1]["last"]) == (3, 2000)
    for one, other in itertools.pairwise(bins):
        assert one["last"] + 1 == other["first"]
    for each in bins:
        assert each["count"] == sum(each["first"] <= w <= each["last"] for w in widths)


def test_histogram_of_few_values_has_one_each(report):
    facts = report(*((picture(n), "A" * length) for n, length in enumerate([0, 2, 2, 7])))
    bins = facts["label_length"]["bins"]
    assert [(b["first"], b["last"], b["count"]) for b in bins] == [
        (n, n, [0, 2, 2, 7].count(n)) for n in range(8)
    ]


def test_histogram_begins_at_zero_where_a_label_is_empty(report):
    bins = report((IMAGE, ""), (picture(1), "A" * 30))["label_length"]["bins"]
    assert (bins[0]["first"], bins[0]["count"], bins[-1]["last"]) == (0, 1, 30)


def test_characters_have_counts_code_points_and_names(report):
    facts = report((IMAGE, "BAB"), (picture(1), "A\u200f皖"), (picture(2), "\x07"))
    assert [tuple(each.values()) for each in facts["characters"]] == [
        ("\x07", "U+0007", "control character", 1, 1),
        ("A", "U+0041", "LATIN CAPITAL LETTER A", 2, 2),
        ("B", "U+0042", "LATIN CAPITAL LETTER B", 2, 1),
        ("\u200f", "U+200F", "RIGHT-TO-LEFT MARK", 1, 1),
        ("皖", "U+7696", "CJK UNIFIED IDEOGRAPH-7696", 1, 1),
    ]


def test_problems_of_labels_are_named(report):
    facts = report((IMAGE, "", "a.png"), raw(picture(1), b"\xc4"), (picture(2), "A\u0308"))
    assert facts["empty_labels"] == {"count": 1, "named": ["record 1, a.png"]}
    assert facts["latin_1_labels"] == {"count": 1, "named": ["record 2"]}
    assert facts["labels_not_nfc"] == {"count": 1, "named": ["record 3"]}
    assert [each["character"] for each in facts["characters"]] == ["A", "\xc4", "\u0308"]


def test_five_are_named_and_all_are_counted(report):
    facts = report(*((picture(n), "") for n in range(7)))
    assert facts["empty_labels"]["count"] == 7
    assert facts["empty_labels"]["named"] == [f"record {n}" for n in range(1, 6)]


def test_images_that_the_model_cannot_decode_are_named_with_the_reason(report):
    webp = encoded(np.zeros([9, 9, 3], np.uint8), "WEBP")
    facts = report((b"", "A"), (b"no image", "B"), (IMAGE[:-20], "C"), (webp, "D"), (IMAGE, "E"))
    assert facts["undecodable"]["count"] == 4
    assert facts["undecodable"]["named"] == [
        "record 1: no bytes",
        "record 2: not an image",
        "record 3: PNG L, broken or of a kind that the model cannot decode",
        "record 4: WEBP RGB, broken or of a kind that the model cannot decode",
    ]
    assert facts["kinds"] == {"PNG L": 2, "WEBP RGB": 1}


def huge(side):
    """The beginning of a PNG file that says it has so many pixels a side."""
    header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 9999) + b"IDAT"


@pytest.mark.parametrize("side", [8000, 10_000, 20_000])
def test_huge_image_is_not_decoded(side, recwarn):
    rows = iter([Row("record 1", huge(side), b"A")])
    counts = tally.tally(rows, Fit(), lambda _: pytest.fail("decoded"))
    (named,) = counts.images.undecodable.named
    assert f"{side} x {side} pixels" in named or f"({side * side} pixels)" in named
    assert not [w for w in recwarn if issubclass(w.category, Image.DecompressionBombWarning)]


def test_dataset_of_nothing_but_broken_images_has_a_report(report):
    facts = report((b"", "AB"))
    assert facts["width"] is None
    assert facts["flags"]["100 %"] == ["--max-prediction=2"]
    assert "1 images cannot be decoded" in report((b"", "AB"), as_json=False)


def test_memory_does_not_grow_with_the_records(monkeypatch):
    """16 bytes a record, whatever it holds; Python's own lists of it would take ten times that."""
    monkeypatch.setattr(tally, "look_at", lambda *_: tally.Picture("PNG L", (2, 2), ""))
    rows = (Row(f"record {n}", b"%i" % n * 99, b"AB") for n in range(30_000))
    tracemalloc.start()
    counts = tally.tally(rows, Fit(), lambda _: None)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert counts.records == 30_000
    assert held < 30_000 * 16 * 1.5 + 500_000


# Duplicates


def test_repeated_and_contradicted_images(report):
    a, b, c = picture(1), picture(2), picture(3)
    facts = report((c, "x"), (a, "A"), (b, "B"), (a, "A"), (b, "C", "b2.png"), (b, "B"))
    assert facts["repeated_images"] == 3
    assert facts["contradictions"] == {
        "images": 1,
        "records": 3,
        "named": [["record 3: B", "record 5, b2.png: C"]],
    }


def test_duplicates_are_those_of_a_slow_search():
    generator = np.random.default_rng(1)
    images, labels = generator.integers(0, 40, 99), generator.integers(0, 3, 99)
    groups = collections.defaultdict(dict)
    for place, (i, label) in enumerate(zip(images, labels, strict=True)):
        groups[i].setdefault(label, place)
    contradicted = {i: firsts for i, firsts in groups.items() if len(firsts) > 1}
    found = find(images, labels, 5)
    assert found.repeated == 99 - len(groups)
    assert found.contradicted == len(contradicted)
    assert found.contradicting == sum(i in contradicted for i in images)
    assert found.examples == [sorted(firsts.values()) for firsts in contradicted.values()][:5]


def test_digests_of_all_sizes_are_told_apart():
    assert find([0, 2**64 - 1, 0], [1, 2, 1], 5) == (1, 0, 0, [])
    assert find([2**64 - 1], [0], 5).repeated == 0


# What fits


def test_flags_for_all_come_from_images_and_labels(report):
    facts = report((white(24, 94), "ABC"), (picture(1, (47, 24)), "7"))
    assert facts["flags"]["100 %"] == ["--max-width=94", "--max-height=24", "--max-prediction=3"]
    assert facts["fit"] is None
    facts = report((white(24, 94), "a"))
    assert facts["flags"]["100 %"][-1] == "--charset=auto"


def test_given_flags_are_checked(report):
    rows = (IMAGE, "AB"), (picture(1, (80, 20)), "ABC"), (b"", "A"), (picture(2), "éA")
    facts = report(*rows, fit=Fit(60, 30, 2, "ABC"))
    assert facts["fit"] == {
        "fitting": 1,
        "too_wide": 1,
        "too_high": 0,
        "squeezed": 1,
        "too_long": 1,
        "unknown": 1,
        "unknown_characters": {"é": 1},
    }
    text = report(*rows, fit=Fit(60, 30, 2, "ABC"), as_json=False)
    assert "With the flags given 1 of 4 records fit; there are" in text
    assert "1  U+00E9   LATIN SMALL LETTER E WITH ACUTE  é" in text


def test_flag_that_is_not_given_is_not_spoken_of(report):
    text = report((IMAGE, "AB"), fit=Fit(max_prediction=2), as_json=False)
    assert "1 of 1 records fit" in text
    assert "0  with a label longer than 2: left out" in text
    assert "wider than" not in text
    assert "outside the charset" not in text
    assert "With the flags given" not in report((IMAGE, "AB"), as_json=False)


def test_height_that_is_given_is_kept(report):
    facts = report((white(24, 94), "A"), fit=Fit(max_height=48))
    assert {each["max_height"] for each in facts["coverage"]} == {48}
    assert facts["flags"]["100 %"][:2] == ["--max-width=188", "--max-height=48"]


# The text


def test_text_of_a_small_dataset(report, tmp_path):
    text = report((IMAGE, "A B"), (IMAGE, "é\u0301\u200f", "b.png"), as_json=False)
    lines = text.splitlines()
    assert lines[0] == f"2 records, 0.0 MB: {tmp_path}/dataset.tfrecords"
    assert lines[1] == "Images: PNG L 2"
    assert "1 records repeat the image of an earlier one" in lines
    assert "1 images have different labels, in 2 records" in lines
    assert "      record 1: A B" in lines
    assert "  and record 2, b.png: é\u0301<U+200F>" in lines
    assert "Characters: 6 different, 6 in all" in lines
    assert "  \u2423 1  A 1  B 1" in lines
    assert "        1  U+00E9   LATIN SMALL LETTER E WITH ACUTE  é" in lines
    assert "        1  U+0301   COMBINING ACUTE ACCENT  \u25cc\u0301" in lines
    assert "        1  U+200F   RIGHT-TO-LEFT MARK" in lines
    assert "  --max-width                               40          40          40" in lines
    assert lines[-1] == "  --max-width=40 --max-height=20 --max-prediction=3 --charset=auto"


def test_text_is_as_wide_as_a_terminal_but_for_names(report):
    labels = ["".join(map(chr, range(32, 127))) * 50, "a" * 300, "xyz"]
    rows = [(picture(n, (n * 700 + 9, 99 - n)), label) for n, label in enumerate(labels)]
    text = report(*rows * 3, as_json=False, fit=Fit(1, 1, 1, "a"))
    assert max(map(len, text.splitlines()[1:])) <= 85


def test_many_characters_are_cut_in_the_middle(report):
    label = "".join(chr(0x4E00 + n) * (100 - n) for n in range(60))
    text = report((IMAGE, label), as_json=False)
    assert "       81  U+4E13" in text
    assert "U+4E14" not in text
    assert "... 20 more, see --json ..." in text
    assert "U+4E27" not in text
    assert "       60  U+4E28" in text
    assert "       41  U+4E3B" in text


def test_right_to_left_character_ends_its_line(report):
    text = report((IMAGE, "\u0627"), as_json=False)
    assert "        1  U+0627   ARABIC LETTER ALEF  \u0627\n" in text


def test_clean_dataset_is_said_to_be_clean(report):
    assert "No broken image, no image twice, no empty label." in report((IMAGE, "A"), as_json=False)


# Datasets of several files, and none


def test_all_files_count_as_one_dataset(report, tmp_path):
    for number in range(3):
        rows = [records.serialize(picture(number), ""), records.serialize(picture(9), str(number))]
        write_records(tmp_path / f"{number}.tfrecords", rows)
    facts = report(paths=[str(tmp_path)])
    assert facts["files"] == [f"{tmp_path}/{number}.tfrecords" for number in range(3)]
    assert facts["records"] == 6
    assert facts["empty_labels"]["named"][1] == f"{tmp_path}/1.tfrecords, record 1"
    assert facts["contradictions"]["named"] == [
        [f"{tmp_path}/{number}.tfrecords, record 2: {number}" for number in range(3)]
    ]
    assert report(paths=[str(tmp_path)], as_json=False).startswith("6 records, 0.0 MB: 3 files\n")


def test_empty_dataset_is_an_error(report):
    with pytest.raises(UserError, match="the dataset is empty: no record in .*dataset.tfrecords"):
        report()


def test_missing_dataset_is_an_error(report):
    with pytest.raises(UserError, match="no dataset nosuch: make one"):
        report(paths=["nosuch"])


# The sheet


@pytest.mark.parametrize(
    ("fit", "width"), [(Fit(), 80), (Fit(160, 32), 160), (Fit(max_height=64), 80)]
)
def test_sheet_has_the_width_of_the_flags_or_of_what_fits(report, tmp_path, caplog, fit, width):
    with caplog.at_level(logging.INFO):
        report((white(32, 80), "A"), fit=fit, sheet=str(tmp_path / "sheet.png"))
    sheet = Image.open(tmp_path / "sheet.png")
    assert sheet.width == width * 3 + 2 * 16
    assert caplog.messages[-1].startswith(f"{tmp_path}/sheet.png shows 1 records, prepared with ")


def test_sheet_of_endless_images_is_not_endless(report, tmp_path):
    report((white(1, 900), "A"), sheet=str(tmp_path / "sheet.png"))
    assert Image.open(tmp_path / "sheet.png").width == 2048 + 2 * 16


def test_sheet_shows_samples_of_the_whole_dataset(report, tmp_path):
    rows = [(white(32, 32 + n), "A") for n in range(96)]  # every other one is drawn
    report(*rows, fit=Fit(128, 32), sheet=str(tmp_path / "sheet.png"))
    sheet = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB"))
    bars = (sheet == (255, 176, 0)).all(axis=2).sum() / 3 / 2
    assert round(bars) == sum(32 + n for n in range(0, 96, 2))


def test_sheet_is_in_colour_where_asked_for(report, tmp_path):
    red = encoded(np.full([32, 40, 3], (255, 0, 0), np.uint8))
    for color in (False, True):
        report((red, "A"), sheet=str(tmp_path / "sheet.png"), color=color)
        pixel = Image.open(tmp_path / "sheet.png").convert("RGB").getpixel((20, 20))
        assert (pixel == (255, 0, 0)) == color
