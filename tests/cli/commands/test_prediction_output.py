"""The lines that `aocr predict` writes for one file."""

import json
import logging

import pytest

from aocr.cli.commands import prediction_output
from aocr.model.readings import RankedText, Reading

PATH = "a é.png"
READ = Reading("AÄ", 0.123456789, (0.5, 0.25))
FAILED = Reading(failure="no such file")


def test_tsv_line():
    assert prediction_output.tsv_line_of(PATH, READ) == "a é.png\tAÄ\t0.123457\n"


SEARCHED = READ._replace(readings=(RankedText("AÄ", 0.123456789), RankedText("A\t", 0.01)))


def test_further_readings_follow_in_the_line():
    line = prediction_output.tsv_line_of(PATH, SEARCHED)
    assert line == "a é.png\tAÄ\t0.123457\tA\\t\t0.010000\n"


def test_readings_in_json():
    found = json.loads(prediction_output.json_line_of(PATH, SEARCHED._replace(is_exact=False)))
    assert found["readings"] == [
        {"text": "AÄ", "probability": 0.123457},
        {"text": "A\t", "probability": 0.01},
    ]
    assert found["exact"] is False


def test_control_characters_leave_a_row_whole():
    reading = READ._replace(text="A\x1b[2J\u2028B")
    assert prediction_output.tsv_line_of("a\tb\n.png", reading) == (
        "a\\tb\\n.png\tA\\x1b[2J\\u2028B\t0.123457\n"
    )


def test_bytes_of_a_file_name_that_are_not_utf_8_stay():
    name = "a\udcff\n.png"
    assert prediction_output.tsv_line_of(name, READ).startswith("a\udcff\\n.png\t")


def test_control_characters_are_escaped_in_json():
    path, reading = "a\n\x9b2J\x7f\u2028.png", READ._replace(text="", character_probabilities=())
    line = prediction_output.json_line_of(path, reading)
    assert line.startswith(r'{"path": "a\n\u009b2J\u007f\u2028.png"')
    assert json.loads(line)["path"] == path


@pytest.mark.parametrize(
    ("path", "reading", "expected"),
    [
        (
            PATH,
            READ,
            {
                "path": "a é.png",
                "text": "AÄ",
                "probability": 0.123457,
                "characters": [
                    {"character": "A", "probability": 0.5},
                    {"character": "Ä", "probability": 0.25},
                ],
            },
        ),
        ("b.png", FAILED, {"path": "b.png", "error": "no such file"}),
    ],
)
def test_json_line(path, reading, expected):
    line = prediction_output.json_line_of(path, reading)
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert list(json.loads(line).items()) == list(expected.items())


def test_log_lines(caplog):
    caplog.set_level(logging.INFO)
    prediction_output.log_prediction(PATH, READ)
    prediction_output.log_prediction("b.png", FAILED)
    assert caplog.messages == [
        "Result: OK. 0.12 AÄ",
        "Result: error while opening file b.png.",
        "b.png: no such file",
    ]
    assert [record.levelname for record in caplog.records] == ["INFO", "ERROR", "ERROR"]


def test_a_complaint_of_the_decoder_is_a_warning_before_the_text(caplog):
    caplog.set_level(logging.INFO)
    prediction_output.log_prediction(PATH, READ._replace(complaint="Corrupt JPEG data: x"))
    assert caplog.messages == [
        "a é.png: the image was read, but the JPEG decoder complains: Corrupt JPEG data: x",
        "Result: OK. 0.12 AÄ",
    ]
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_the_mark_stands_before_further_readings():
    line = prediction_output.tsv_line_of(PATH, SEARCHED, 0.1)
    assert line == "a é.png\tAÄ\t0.123457\tok\tA\\t\t0.010000\n"
    row = json.loads(prediction_output.json_line_of(PATH, SEARCHED, 0.1))
    assert list(row)[2:] == ["probability", "characters", "uncertain", "readings", "exact"]


@pytest.mark.parametrize(
    ("limit", "mark", "uncertain"), [(0.1, "ok", False), (0.2, "uncertain", True)]
)
def test_a_minimum_probability_marks_texts(limit, mark, uncertain):
    assert prediction_output.tsv_line_of(PATH, READ, limit) == f"a é.png\tAÄ\t0.123457\t{mark}\n"
    assert json.loads(prediction_output.json_line_of(PATH, READ, limit))["uncertain"] is uncertain
    assert prediction_output.is_uncertain(READ, limit) is uncertain
    assert not prediction_output.is_uncertain(FAILED, 1)


def test_nan_is_uncertain():
    assert prediction_output.is_uncertain(READ._replace(probability=float("nan")), 0)


def test_unknown_probabilities_of_characters_are_left_out():
    line = prediction_output.json_line_of(PATH, READ._replace(character_probabilities=None))
    assert list(json.loads(line)) == ["path", "text", "probability"]
