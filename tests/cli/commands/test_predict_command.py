"""Tests `aocr predict` in processes of its own: rows, JSON, images that cannot be read."""

import json
import os
import re
import subprocess
import sys

from commands import MODEL, WORDS, draw, environment, run_aocr


def test_predict_prints_rows_on_stdout_and_results_on_stderr(trained):
    done = run_aocr("predict", *trained.images, *MODEL, cwd=trained.folder, check=0)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == trained.images
    assert [row[1] for row in rows] == list(WORDS * 2)
    assert all(0 < float(row[2]) <= 1 for row in rows)
    results = re.findall(r"Result: OK\. (\d\.\d\d) (\w*)\n", done.stderr)
    assert results == [(f"{float(row[2]):.2f}", row[1]) for row in rows]


def test_predict_goes_on_after_a_bad_image(trained, tmp_path):
    (tmp_path / "cut.png").write_bytes(draw("AB")[:-60])
    names = ["images/00.png", "nosuch.png", f"{tmp_path}/cut.png", "", "images/01.png"]
    stdin = "\n".join(names)
    done = run_aocr("predict", *MODEL, cwd=trained.folder, stdin=stdin, check=1)
    rows = [line.split("\t")[:2] for line in done.stdout.splitlines()]
    assert rows == [["images/00.png", "AB"], ["images/01.png", "BA"]]
    assert "Result: error while opening file nosuch.png.\n" in done.stderr
    assert f"Result: error while opening file {tmp_path}/cut.png.\n" in done.stderr
    assert "Traceback" not in done.stderr


def test_predict_goes_on_after_a_name_that_is_not_unicode(trained):
    stdin = "images/\udcff\udce9.png\nimages/00.png\n"
    done = run_aocr("predict", *MODEL, cwd=trained.folder, stdin=stdin, check=1)
    assert done.stdout.startswith("images/00.png\tAB\t")
    assert "not UTF-8" in done.stderr
    assert "Traceback" not in done.stderr


def test_predict_json_prints_an_object_a_line(trained):
    names = ["images/00.png", "nosuch.png", "images/02.png"]
    done = run_aocr("predict", "--json", cwd=trained.folder, stdin="\n".join(names), check=1)
    first, failed, last = map(json.loads, done.stdout.splitlines())
    assert failed == {"path": "nosuch.png", "error": "no such file"}
    for found, name, word in ((first, names[0], "AB"), (last, names[2], "CAB")):
        assert list(found) == ["path", "text", "probability", "characters"]
        assert (found["path"], found["text"]) == (name, word)
        assert [each["character"] for each in found["characters"]] == list(word)
        probabilities = [each["probability"] for each in found["characters"]]
        assert 0 < found["probability"] <= min(probabilities) <= max(probabilities) <= 1
    rows = run_aocr("predict", names[0], names[2], cwd=trained.folder, check=0).stdout
    assert rows == "".join(
        f"{found['path']}\t{found['text']}\t{found['probability']:.6f}\n" for found in (first, last)
    )


def test_predict_json_of_a_name_that_is_not_unicode_is_unicode(trained):
    stdin = "images/\udcff\udce9.png\n"
    done = run_aocr("predict", "--json", cwd=trained.folder, stdin=stdin)
    (line,) = done.stdout.splitlines()
    found = json.loads(line)
    assert os.fsencode(found["path"]) == b"images/\xff\xe9.png"
    assert "not UTF-8" in found["error"]


def test_predict_answers_each_line_before_the_next_one_comes(trained):
    process = subprocess.Popen(
        [sys.executable, "-m", "aocr", "predict", *MODEL],
        cwd=trained.folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(),
    )
    for name, word in zip(trained.images, WORDS, strict=False):
        process.stdin.write(f"{name}\n")
        process.stdin.flush()
        assert process.stdout.readline().split("\t")[:2] == [name, word]
    process.stdin.close()
    assert process.wait(timeout=60) == 0
