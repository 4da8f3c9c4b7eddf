"""`aocr benchmark` on an export, and what it refuses to measure."""

import json

import pytest
from helpers import encoded
from tiny_model import picture

from aocr.cli.command import build_parser
from aocr.util.errors import UserError


def benchmark(*arguments):
    args = build_parser().parse_args(["benchmark", *map(str, arguments), "--seconds=0.1"])
    return args.task(args).run() or 0


def test_measurements_as_json_and_text(tiny, tmp_path, capfd):
    for name in "ab":
        (tmp_path / f"{name}.png").write_bytes(encoded(picture(name)))
    assert benchmark(tiny.saved_model, tmp_path, "--json", "--batch-size=3") == 0
    measured = json.loads(capfd.readouterr().out)
    assert measured["images"] == 2
    one, many = measured["one_image"], measured["batches"]
    latency = one["latency_ms"]
    assert 0 < latency["p50"] <= latency["p90"] <= latency["p99"] <= latency["max"]
    assert one["images_per_second"] == pytest.approx(one["calls"] / 0.1, rel=0.9)
    assert many["batch_size"] == 3
    assert many["images_per_second"] > 0
    assert benchmark(tiny.saved_model) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].startswith("One image at a time: ")
    assert "4 different images" in lines[1]


def test_an_image_that_cannot_be_read_is_not_measured(tiny, tmp_path):
    (tmp_path / "cut.png").write_bytes(encoded(picture("a"))[:-60])
    with pytest.raises(UserError, match=r"cut\.png: not a whole PNG image"):
        benchmark(tiny.saved_model, tmp_path)
    with pytest.raises(UserError, match="no such file"):
        benchmark(tiny.saved_model, "nosuch.png")
