"""Tests what `aocr inspect` says of small datasets whose contents are known."""

import logging

import numpy as np
import pytest
from helpers import dotted, encoded, white, write_records
from inspected import IMAGE, grey_png, raw_record
from PIL import Image

from aocr.data.limits import Limits
from aocr.data.records import schema
from aocr.util.errors import UserError

# Counts


def test_images_are_counted_by_kind_and_size(report, tmp_path):
    rgb = encoded(np.zeros([30, 90, 3], np.uint8), "JPEG")
    grey = encoded(np.zeros([10, 20], np.uint8), "BMP")
    facts = report((IMAGE, "A"), (grey_png(1), "B"), (rgb, "C"), (grey, "D"))
    assert facts["records"] == 4
    assert facts["bytes"] == (tmp_path / "dataset.tfrecords").stat().st_size
    assert facts["kinds"] == {"PNG L": 2, "JPEG RGB": 1, "BMP L": 1}
    assert [facts["width"][key] for key in ("smallest", "median", "largest")] == [20, 40, 90]
    assert [facts["height"][key] for key in ("smallest", "median", "largest")] == [10, 20, 30]
    assert [facts["aspect"][key] for key in ("smallest", "median", "largest")] == [2, 2, 3]
    assert facts["undecodable"] == {"count": 0, "named": []}


def test_characters_have_counts_code_points_and_names(report):
    facts = report((IMAGE, "BAB"), (grey_png(1), "A\u200f皖"), (grey_png(2), "\x07"))
    assert [tuple(each.values()) for each in facts["characters"]] == [
        ("\x07", "U+0007", "control character", 1, 1),
        ("A", "U+0041", "LATIN CAPITAL LETTER A", 2, 2),
        ("B", "U+0042", "LATIN CAPITAL LETTER B", 2, 1),
        ("\u200f", "U+200F", "RIGHT-TO-LEFT MARK", 1, 1),
        ("皖", "U+7696", "CJK UNIFIED IDEOGRAPH-7696", 1, 1),
    ]


def test_problems_of_labels_are_named(report):
    facts = report((IMAGE, "", "a.png"), raw_record(grey_png(1), b"\xc4"), (grey_png(2), "A\u0308"))
    assert facts["empty_labels"] == {"count": 1, "named": ["record 1, a.png"]}
    assert facts["latin_1_labels"] == {"count": 1, "named": ["record 2"]}
    assert facts["labels_not_nfc"] == {"count": 1, "named": ["record 3"]}
    assert [each["character"] for each in facts["characters"]] == ["A", "\xc4", "\u0308"]


def test_odd_labels_are_named(report):
    rows = (IMAGE, " A", "a.png"), (grey_png(1), "B\u200b")
    assert report(*rows)["odd_labels"] == {
        "blanks_at_ends": {"count": 1, "named": ["record 1, a.png: ' A'"]},
        "hidden_characters": {"count": 1, "named": ["record 2: 'B<U+200B>'"]},
    }
    assert "1 label begins or ends with a blank" in report(*rows, as_json=False)


def test_images_of_several_datasets_are_named(report, tmp_path):
    shards = {f"train-0000{n}-of-00002.tfrecords": [grey_png(n), IMAGE] for n in (0, 1)}
    files = {**shards, "test.tfrecords": [grey_png(9), IMAGE, grey_png(1)]}
    paths = [
        write_records(tmp_path / name, [schema.serialize(image, "A") for image in images])
        for name, images in files.items()
    ]
    train, test = f"{tmp_path}/train.tfrecords", f"{tmp_path}/test.tfrecords"
    named = [f"{test}, record {n}: A" for n in (2, 3)]
    expected = {"earlier": train, "dataset": test, "images": 2, "named": named}
    assert report(paths=paths)["shared_images"] == [expected]
    assert f"2 images of {test} are also in {train}\n" in report(paths=paths, as_json=False)


def test_five_are_named_and_all_are_counted(report):
    facts = report(*((grey_png(n), "") for n in range(7)))
    assert facts["empty_labels"]["count"] == 7
    assert facts["empty_labels"]["named"] == [f"record {n}" for n in range(1, 6)]


def test_images_that_the_model_cannot_decode_are_named_with_the_reason(report):
    webp = encoded(np.zeros([9, 9, 3], np.uint8), "WEBP")
    facts = report((b"", "A"), (b"no image", "B"), (IMAGE[:-20], "C"), (webp, "D"), (IMAGE, "E"))
    assert facts["undecodable"]["count"] == 4
    assert facts["undecodable"]["named"] == [
        "record 1: no bytes",
        "record 2: not an image: it is the text 'no image': give the image itself",
        "record 3: PNG L, broken or of a kind that the model cannot decode",
        "record 4: WEBP RGB, broken or of a kind that the model cannot decode",
    ]
    assert facts["kinds"] == {"PNG L": 2, "WEBP RGB": 1}


def test_dataset_of_nothing_but_broken_images_has_a_report(report):
    facts = report((b"", "AB"))
    assert facts["width"] is None
    assert facts["flags"]["100 %"] == ["--max-prediction=2"]
    assert "1 image cannot be decoded" in report((b"", "AB"), as_json=False)


def test_images_of_the_same_pixels_are_the_same_in_any_file(report):
    pixels = np.arange(200, dtype=np.uint8).reshape(10, 20)
    forms = [(encoded(pixels, form), label) for form, label in (("PNG", "A"), ("BMP", "B"))]
    facts = report(*forms, (encoded(pixels.T), "C"), (b"no image", "D"), (b"no image", "D"))
    assert facts["repeated_images"] == 2
    assert facts["contradictions"]["images"] == 1


def test_repeated_and_contradicted_images(report):
    a, b, c = grey_png(1), grey_png(2), grey_png(3)
    facts = report((c, "x"), (a, "A"), (b, "B"), (a, "A"), (b, "C", "b2.png"), (b, "B"))
    assert facts["repeated_images"] == 3
    assert facts["contradictions"] == {
        "images": 1,
        "records": 3,
        "named": [["record 3: B", "record 5, b2.png: C"]],
    }


# What fits


def test_flags_for_all_come_from_images_and_labels(report):
    facts = report((white(24, 94), "ABC"), (grey_png(1, (47, 24)), "7"))
    assert facts["flags"]["100 %"] == ["--max-width=94", "--max-height=24", "--max-prediction=3"]
    assert facts["fit"] is None
    facts = report((white(24, 94), "a"))
    assert facts["flags"]["100 %"][-1] == "--charset=auto"


@pytest.mark.parametrize(
    ("label", "recommended"),
    [("שלום 12", True), ("שלום שלום Abc", True), ("Abcdef שלום", False), ("12", False)],
)
def test_the_direction_is_that_of_most_letters_of_the_labels(report, label, recommended):
    flags = report((IMAGE, label))["flags"]
    assert ["--direction=rtl" in each for each in flags.values()] == [recommended] * len(flags)


def test_given_flags_are_checked(report):
    rows = (IMAGE, "AB"), (grey_png(1, (80, 20)), "ABC"), (b"", "A"), (grey_png(2), "éA")
    facts = report(*rows, limits=Limits(60, 30, 2, "ABC"))
    assert facts["fit"] == {
        "fitting": 1,
        "too_wide": 1,
        "too_high": 0,
        "squeezed": 1,
        "too_long": 1,
        "unknown": 1,
        "unknown_characters": {"é": 1},
    }
    text = report(*rows, limits=Limits(60, 30, 2, "ABC"), as_json=False)
    assert "With the given flags, 1 of 4 records fits. Records that exceed a flag:" in text
    assert "1  U+00E9   LATIN SMALL LETTER E WITH ACUTE  é" in text


def test_flag_that_is_not_given_is_not_spoken_of(report):
    text = report((IMAGE, "AB"), limits=Limits(max_prediction=2), as_json=False)
    assert "1 of 1 record fits" in text
    assert "0  with a label longer than 2: left out" in text
    assert "wider than" not in text
    assert "outside the charset" not in text
    assert "With the given flags" not in report((IMAGE, "AB"), as_json=False)


def test_height_that_is_given_is_kept(report):
    facts = report((white(24, 94), "A"), limits=Limits(max_height=48))
    assert {each["max_height"] for each in facts["coverage"]} == {48}
    assert facts["flags"]["100 %"][:2] == ["--max-width=188", "--max-height=48"]


# Datasets of several files, and none


def test_all_files_count_as_one_dataset(report, tmp_path):
    for number in range(3):
        rows = [
            schema.serialize(grey_png(number), ""),
            schema.serialize(grey_png(9), str(number)),
        ]
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
    ("fit", "width"), [(Limits(), 80), (Limits(160, 32), 160), (Limits(max_height=64), 80)]
)
def test_sheet_has_the_width_of_the_flags_or_of_what_fits(report, tmp_path, caplog, fit, width):
    with caplog.at_level(logging.INFO):
        report((white(32, 80), "A"), limits=fit, sheet=str(tmp_path / "sheet.png"))
    sheet = Image.open(tmp_path / "sheet.png")
    assert sheet.width == width * 3 + 2 * 16
    assert caplog.messages[-1].startswith(f"{tmp_path}/sheet.png shows 1 record, prepared with ")


def test_sheet_of_endless_images_is_not_endless(report, tmp_path):
    report((white(1, 900), "A"), sheet=str(tmp_path / "sheet.png"))
    assert Image.open(tmp_path / "sheet.png").width == 2048 + 2 * 16


def test_sheet_shows_samples_of_the_whole_dataset(report, tmp_path):
    rows = [(white(32, 32 + n), "A") for n in range(96)]  # every other one is drawn
    report(*rows, limits=Limits(128, 32), sheet=str(tmp_path / "sheet.png"))
    sheet = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB"))
    bars = (sheet == (255, 176, 0)).all(axis=2).sum() / 3 / 2
    assert round(bars) == sum(32 + n for n in range(0, 96, 2))


def test_sheet_is_in_colour_where_asked_for(report, tmp_path):
    red = encoded(np.full([32, 40, 3], (255, 0, 0), np.uint8))
    for color in (False, True):
        report((red, "A"), sheet=str(tmp_path / "sheet.png"), color=color)
        pixel = Image.open(tmp_path / "sheet.png").convert("RGB").getpixel((20, 20))
        assert (pixel == (255, 0, 0)) == color


def test_sheet_of_augmented_images_shows_those_of_their_records(report, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, [32, 80], np.uint8)
    rows = [(white(32, 80), "A"), (encoded(noise), "A")]
    sheets = []
    for augmentation in ("none", "light", "strong"):
        report(*rows, sheet=str(tmp_path / "sheet.png"), augmentation=augmentation)
        sheets.append(np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB")))
    plain, light, strong = sheets
    assert light.shape == strong.shape
    assert len(plain) < len(light)
    assert (light != strong).any()


def test_pictures_that_show_nothing_are_named_and_absurd_ones_change_no_flag(report):
    ink = np.full([20, 40, 4], 255, np.uint8)
    ink[:, 20:, 3] = 0
    rows = [(dotted(20, 40 + n), "ABCD") for n in range(6)]
    alone = report(*rows)
    blank = (white(20, 40), "A"), (white(20, 41), "")
    facts = report(*rows, *blank, (dotted(1, 300), "ABCD"), (encoded(Image.fromarray(ink)), "A"))
    assert facts["blank"]["named"] == ["record 7"]
    assert facts["on_black"]["named"] == ["record 10"]
    assert facts["absurd_sizes"]["named"] == ["record 9: 300 x 1 pixels"]
    assert facts["flags"] == alone["flags"]
    assert facts["width"]["largest"] == 300
