"""`aocr test`: every record, in order, lines as they are scraped, a true summary, pictures."""

import io
import math
import re

import pytest
import tensorflow as tf
from conftest import MODEL, WORDS, draw, run_aocr
from PIL import Image

from aocr.model import evaluator
from aocr.util import records

LINE = re.compile(
    r"Step (?P<step>\d+) \((?P<seconds>\d+\.\d{3})s\)\. Accuracy: +(?P<mean>[\d.]+)%, "
    r"loss: (?P<loss>[\d.]+|nan), perplexity: (?P<perplexity>\S+), "
    r"probability: +(?P<probability>[\d.]+)% +(?P<accuracy>\d+)% "
    r"\((?P<texts>.*?)\)(?: (?P<comment>\S+))?$"
)


def parse(log):
    return [m.groupdict() for m in map(LINE.search, log.splitlines()) if m]


def run_test(trained, dataset, *arguments):
    done = run_aocr("test", dataset, *MODEL, *arguments, cwd=trained.folder, check=0)
    return done.stderr


def enlarged(image):
    """Twice as large; shrunk to fit it has the same pixels again."""
    picture = Image.open(io.BytesIO(image))
    file = io.BytesIO()
    picture.resize((96, 64), Image.Resampling.NEAREST).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def mixed(trained):
    """Records that the model reads, and others that it cannot."""
    path = trained.folder / "mixed.tfrecords"
    rows = [
        (draw("AB"), "AB"),
        (draw("BA"), "ABAB"),  # longer than the model writes
        (draw("CAB"), "ca!"),  # characters that it lacks
        (b"no image", "ACC"),
        (draw("B"), ""),
        (enlarged(draw("CAB")), "CAB"),  # larger than --max-width
    ]
    with tf.io.TFRecordWriter(str(path)) as writer:
        for number, (image, label) in enumerate(rows):
            writer.write(records.serialize(image, label, f"{number}.png"))
    return str(path)


def test_every_record_has_its_line_in_order(trained):
    lines = parse(run_test(trained, "words.tfrecords"))
    assert [int(line["step"]) for line in lines] == list(range(1, 13))
    assert [line["texts"] for line in lines] == list(WORDS * 2)
    assert {line["accuracy"] for line in lines} == {"100"}
    assert {line["comment"] for line in lines} == {None}
    for line in lines:
        assert math.exp(float(line["loss"])) == pytest.approx(float(line["perplexity"]), rel=1e-4)


def test_what_cannot_be_read_right_is_wrong_and_not_absent(trained, mixed):
    log = run_test(trained, mixed)
    lines = parse(log)
    assert [line["texts"] for line in lines] == [
        "AB",
        "BA vs ABAB",
        "CAB vs ca!",
        " vs ACC",
        "B vs ",
        "CAB",
    ]
    assert [line["comment"] for line in lines] == [None, "1.png", "2.png", "3.png", "4.png", None]
    assert [line["accuracy"] for line in lines] == ["100", "50", "0", "0", "0", "100"]
    assert [line["loss"] == "nan" for line in lines] == [False, True, True, True, False, False]
    assert [float(line["mean"]) for line in lines] == [100.0, 75.0, 50.0, 37.5, 30.0, 41.67]
    assert "1 images cannot be decoded: counted as read wrong." in log
    assert "Tested 6 images: 2 read exactly." in log
    assert "Exact match: 33.33%" in log
    assert "Edit-distance accuracy: 41.67%" in log
    assert "Character error rate: 60.00%" in log  # 2 + 3 + 3 + 1 edits of 15 characters
    assert "over 3 images" in log


def test_no_distance_counts_exact_matches(trained, mixed):
    lines = parse(run_test(trained, mixed, "--no-distance"))
    assert [line["accuracy"] for line in lines] == ["100", "0", "0", "0", "0", "100"]
    assert float(lines[-1]["mean"]) == 33.33


def test_lines_do_not_depend_on_the_batch_size(trained, mixed):
    def facts(log):
        return [
            (line["step"], line["texts"], line["accuracy"], line["mean"]) for line in parse(log)
        ]

    assert facts(run_test(trained, mixed, "--batch-size=1")) == facts(run_test(trained, mixed))


def test_visualize_makes_a_folder_an_image(trained, mixed, tmp_path):
    run_test(trained, mixed, "--visualize", f"--output-dir={tmp_path}/out")
    folders = sorted(p.parent.relative_to(tmp_path / "out") for p in tmp_path.rglob("word.txt"))
    assert [folder.parts[0] for folder in folders] == ["correct"] * 2 + ["incorrect"] * 3
    for folder in folders:
        files = {p.name for p in (tmp_path / "out" / folder).iterdir()}
        assert files == {"attention.gif", "attention.png", "word.txt"}
    words = {(tmp_path / "out" / folder / "word.txt").read_text() for folder in folders}
    assert "BA\nABAB\n" in words


def test_an_empty_dataset_is_an_error(trained, tmp_path):
    tf.io.TFRecordWriter(str(tmp_path / "empty.tfrecords")).close()
    done = run_aocr("test", tmp_path / "empty.tfrecords", *MODEL, cwd=trained.folder, check=1)
    assert "the dataset is empty" in done.stderr


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (25.672, "25.6720"),  # as 0.7.6 prints it
        (1.0012, "1.00120"),
        (1.0, "1.00000"),
        (1e20, "1e+20"),  # zeros at the end would make it 1e+2000
        (math.inf, "inf"),
        (math.nan, "nan"),
    ],
)
def test_perplexity_is_seven_places_wide(value, text):
    assert evaluator._seven_wide(value) == text
