"""The file of `aocr test --predictions`: TSV and JSON Lines, whole or not there."""

import csv
import dataclasses
import json
import math

import numpy as np
import pytest
import tensorflow as tf
from results import result_of

from aocr.model.readings import RankedText
from aocr.report import predictions_file
from aocr.util.errors import UserError

HEADER = "number\tpath\tlabel\tprediction\tprobability\tcorrect\tedit_distance\tloss"


def image_of(place, prediction, label, comment="", probabilities=None, loss=0.25):
    if probabilities is None:
        probabilities = (0.5,) * len(prediction)
    return result_of(
        prediction,
        label,
        place=place,
        comment=comment,
        probability=math.prod(probabilities),
        character_probabilities=tuple(probabilities),
        loss=loss,
    )


def write(path, images, readings=1):
    with predictions_file.open_predictions_file(str(path), readings) as add:
        for image in images:
            add(image)


def lines_of(path):
    with tf.io.gfile.GFile(str(path), "rb") as file:
        text = file.read().decode("utf-8")
    assert text.endswith("\n")
    return text.split("\n")[:-1]


# TSV


def test_further_readings_have_columns_of_their_own(tmp_path):
    several = dataclasses.replace(
        image_of(0, "AB", "AB"), readings=(RankedText("AB", 0.25), RankedText("A", 0.125))
    )
    only_one = dataclasses.replace(image_of(1, "B", "B"), readings=(RankedText("B", 0.5),))
    write(tmp_path / "p.tsv", [several, only_one], readings=3)
    header, *rows = lines_of(tmp_path / "p.tsv")
    assert header == HEADER + "\treading_2\tprobability_2\treading_3\tprobability_3"
    assert [row.split("\t")[8:] for row in rows] == [["A", "0.125", "", ""], ["", "", "", ""]]
    write(tmp_path / "p.jsonl", [several], readings=3)
    (line,) = lines_of(tmp_path / "p.jsonl")
    assert json.loads(line)["readings"][1] == {"text": "A", "probability": 0.125}
    assert json.loads(line)["exact"] is True


def test_tsv_by_hand(tmp_path):
    path = tmp_path / "p.tsv"
    images = [
        image_of(0, "AB", "AB", "a.png", (0.9, 0.8), loss=0.125),
        image_of(1, "AX", "ABC", "b c.png", (0.5, 0.25), loss=math.nan),
        image_of(2, "", "日本", "", (), loss=2.0),
    ]
    write(path, images)
    assert lines_of(path) == [
        HEADER,
        "1\ta.png\tAB\tAB\t0.72\t1\t0\t0.125",
        "2\tb c.png\tABC\tAX\t0.125\t0\t2\t",
        "3\t\t日本\t\t1.0\t0\t2\t2.0",
    ]


def test_tsv_of_what_would_break_a_row(tmp_path):
    path = tmp_path / "p.tsv"
    images = [
        image_of(0, "A\nB", "A\tB", "x\ty\r\n.png"),
        image_of(1, "\x00", "\u2028", "\x85"),
    ]
    write(path, images)
    assert len(lines_of(path)) == 3
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert rows[0]["label"] == r"A\tB"
    assert rows[0]["prediction"] == r"A\nB"
    assert rows[0]["path"] == r"x\ty\r\n.png"
    assert (rows[1]["label"], rows[1]["prediction"]) == (r"\u2028", r"\x00")
    assert rows[1]["path"] == r"\x85"
    assert [row["edit_distance"] for row in rows] == ["1", "1"]


def test_tsv_leaves_quotes_alone(tmp_path):
    write(tmp_path / "p.tsv", [image_of(0, '"A', '"A" 2')])
    assert lines_of(tmp_path / "p.tsv")[1].split("\t")[2:4] == ['"A" 2', '"A']


# JSON Lines


def test_jsonl_by_hand(tmp_path):
    path = tmp_path / "p.jsonl"
    images = [
        image_of(0, "Aé", "Aé", "a.png", (0.99, 0.5), loss=0.125),
        image_of(4, "日\t", "日\n本", "", (0.25, 0.5), loss=math.nan),
    ]
    write(path, images)
    lines = lines_of(path)
    assert "é" in lines[0]
    assert "日" in lines[1]
    assert [json.loads(line) for line in lines] == [
        {
            "number": 1,
            "path": "a.png",
            "label": "Aé",
            "prediction": "Aé",
            "probability": 0.495,
            "correct": True,
            "edit_distance": 0,
            "loss": 0.125,
            "characters": [
                {"character": "A", "probability": 0.99},
                {"character": "é", "probability": 0.5},
            ],
        },
        {
            "number": 5,
            "path": "",
            "label": "日\n本",
            "prediction": "日\t",
            "probability": 0.125,
            "correct": False,
            "edit_distance": 2,
            "loss": None,
            "characters": [
                {"character": "日", "probability": 0.25},
                {"character": "\t", "probability": 0.5},
            ],
        },
    ]


def test_jsonl_of_nothing_read(tmp_path):
    write(tmp_path / "p.jsonl", [image_of(0, "", "AB")])
    (line,) = lines_of(tmp_path / "p.jsonl")
    assert json.loads(line)["characters"] == []


def test_as_many_probabilities_as_characters():
    with pytest.raises(ValueError, match="shorter|longer"):
        predictions_file.with_probabilities("AB", (0.5,))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (float(np.float32(0.99)), 0.99),
        (1.23456789e-12, 1.23457e-12),
        (1.0, 1.0),
        (math.nan, None),
        (math.inf, None),
    ],
)
def test_six_digits(value, shown):
    assert predictions_file.six_digits(value) == shown


def test_json_line_of_a_name_that_is_not_unicode():
    line = predictions_file.json_line({"path": "\udcff日"})
    assert line == '{"path": "\\udcff日"}\n'
    assert json.loads(line.encode("utf-8")) == {"path": "\udcff日"}


# The file


def test_works_on_other_file_systems():
    write("ram://predictions.tsv", [image_of(0, "A", "A")])
    assert len(lines_of("ram://predictions.tsv")) == 2


@pytest.mark.parametrize("name", ["p.csv", "p", "p.json", "p.tsv.gz"])
def test_another_suffix_is_an_error(tmp_path, name):
    with pytest.raises(UserError, match=r"must end in \.tsv or \.jsonl"):
        write(tmp_path / name, [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", ["tsv", "jsonl"])
def test_a_place_that_cannot_be_written_is_told_before_the_first_image(tmp_path, suffix):
    path = f"{tmp_path}/no/such/p.{suffix}"
    with (
        pytest.raises(UserError, match=f"cannot write --predictions={path}"),
        predictions_file.open_predictions_file(path),
    ):
        pytest.fail("the block was entered")


def test_a_folder_is_told(tmp_path):
    (tmp_path / "p.tsv").mkdir()
    with pytest.raises(UserError, match="is a folder"):
        write(tmp_path / "p.tsv", [])


def test_a_file_system_that_is_not_there_is_told():
    with pytest.raises(UserError, match="cannot write --predictions=nosuch://p.tsv"):
        write("nosuch://p.tsv", [])


@pytest.mark.parametrize("suffix", ["tsv", "jsonl"])
def test_without_an_image_there_is_an_empty_file(tmp_path, suffix):
    write(tmp_path / f"p.{suffix}", [])
    assert (tmp_path / f"p.{suffix}").read_text() == {"tsv": f"{HEADER}\n", "jsonl": ""}[suffix]


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), tf.errors.ResourceExhaustedError(None, None, "memory")]
)
def test_after_an_error_a_former_file_stays_as_it_was(tmp_path, error):
    path = tmp_path / "p.tsv"
    path.write_text("before")

    def images():
        yield image_of(0, "A", "A")
        raise error

    with pytest.raises(type(error)):
        write(path, images())
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_until_it_is_complete_a_former_file_stays(tmp_path):
    path = tmp_path / "p.tsv"
    path.write_text("before")
    with predictions_file.open_predictions_file(str(path)) as add:
        add(image_of(0, "A", "A"))
        assert path.read_text() == "before"
    assert len(lines_of(path)) == 2
    assert list(tmp_path.iterdir()) == [path]
