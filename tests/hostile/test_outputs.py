"""Outputs that would destroy something and empty paths are refused before anything starts."""

import io
import os
import stat
import sys

import pytest
from commands import draw
from hostile_runs import check_failure

SAME = [
    (("dataset", "ok.txt", "ok.txt"), "output ok.txt and annotations ok.txt are the same file"),
    (("dataset", "ok.txt", "./link"), "output ./link and annotations ok.txt are the same file"),
    (("dataset", "ok.txt", "out", "--log-path=out"), "--log-path out and output out are the same"),
    (("dataset", "ok.txt", "out", "--log-path=ok.txt"), "--log-path ok.txt and annotations ok.txt"),
    (
        ("dataset", "ok.txt", "out", "--log-path=out.rejected.tsv"),
        "and output out.rejected.tsv are",
    ),
    (("dataset", "ok.txt", "o", "--shards=2", "--log-path=o-00001-of-00002"), "are the same file"),
    (("dataset", "ok.txt", "out", "--log-path=a.png"), "--log-path a.png is not a text file"),
    (("dataset", "ok.txt", "a.png"), "the output would replace the image a.png"),
    (("dataset", ".", "a.png"), "the output would replace the image .*a.png"),
    (("inspect", "ok.tfrecords", "--sheet=ok.tfrecords"), "--sheet ok.tfrecords and dataset ok"),
    (("inspect", ".", "--sheet=ok.tfrecords"), "--sheet ok.tfrecords and dataset ./ok.tfrecords"),
    (("synth", "ok.txt", "--words=ok.txt"), "output ok.txt and --words ok.txt are the same"),
    (("train", "ok.tfrecords", "--log-path=ok.tfrecords"), "--log-path ok.tfrecords is not a text"),
    (("test", "ok.tfrecords", "--predictions=p.tsv", "--log-path=p.tsv"), "are the same file"),
    (("predict", "a.png", "--log-path=a.png"), "--log-path a.png is not a text file"),
    (("export", "e", "--log-path=e/frozen_graph.pb"), "and dir e/frozen_graph.pb are the same"),
]

EMPTY = [
    ("dataset", "", "out"),
    ("dataset", "ok.txt", ""),
    ("dataset", "ok.txt", "out", "--base-dir="),
    ("dataset", "ok.txt", "out", "--charset="),
    ("dataset", "ok.txt", "out", "--log-path="),
    ("inspect", ""),
    ("inspect", "ok.tfrecords", "--sheet="),
    ("synth", "", "--pattern=A"),
    ("synth", "out", "--words="),
    ("synth", "out", "--pattern=A", "--backgrounds="),
    ("train", "ok.tfrecords", "--model-dir="),
    ("train", "ok.tfrecords", "--validation="),
    ("train", "ok.tfrecords", "--init-from="),
    ("test", "ok.tfrecords", "--predictions="),
    ("test", "ok.tfrecords", "--report="),
    ("test", "ok.tfrecords", "--output-dir="),
    ("predict", ""),
    ("predict", "a.png", "--checkpoint="),
    ("export", ""),
    ("export", "out", "--job-dir="),
]


@pytest.mark.parametrize(("arguments", "says"), SAME, ids=lambda each: " ".join(each)[:60])
def test_an_output_that_is_an_input_is_refused(run, folder, arguments, says):
    (folder / "link").symlink_to("ok.txt")
    check_failure(run(*arguments), says)


@pytest.mark.parametrize("arguments", EMPTY, ids=" ".join)
def test_an_empty_path_is_wrong_usage(run, folder, arguments):
    check_failure(run(*arguments), "the value is empty: is a shell variable not set", code=2)
    assert not (folder / "aocr.log").exists()


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: os.symlink("/dev/null", path)])
@pytest.mark.parametrize(
    "command", [("dataset", "ok.txt", "x"), ("inspect", "ok.tfrecords", "--sheet=x")]
)
def test_an_output_that_is_no_file_is_refused(run, folder, make, command):
    make("x")
    before = os.stat("x")
    check_failure(run(*command), " x is a (pipe or socket|device): give it the name of a file")
    assert stat.S_IFMT(os.stat("x").st_mode) == stat.S_IFMT(before.st_mode)


@pytest.mark.parametrize("command", [("dataset", "ok.txt", "o"), ("inspect", "ok.tfrecords")])
def test_a_log_that_is_a_pipe_without_a_reader_is_refused(run, command):
    os.mkfifo("pipe")
    says = "cannot write the log --log-path=pipe: no program reads this pipe"
    assert run(*command, "--log-path=pipe").stderr.endswith(says + "\n")


def test_a_working_directory_without_room_for_the_default_log_is_told(run, folder):
    (folder / "aocr.log").mkdir()  # root may write into any folder
    outcome = run("inspect", "ok.tfrecords")
    assert outcome.code == 0
    assert "No log file: aocr.log cannot be written here (Is a directory)" in outcome.stderr


def test_a_folder_as_output_is_refused(run, folder):
    (folder / "x").mkdir()
    check_failure(run("dataset", "ok.txt", "x"), "cannot write x: it is a folder")


def test_links_are_followed(run, folder):
    (folder / "x").symlink_to("real")
    assert run("dataset", "ok.txt", "x").new_files == ["real", "x"]
    assert (folder / "x").is_symlink()


def test_a_second_run_in_a_folder_of_its_own_images_is_allowed(run, folder):
    assert run("dataset", ".", "again").code == 0
    outcome = run("inspect", ".")
    assert outcome.code == 0


# Annotations that are no plain file


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_stdin_is_read_once(run, monkeypatch, end):
    content = f"a.png AB{end}a.png BA{end}nosuch.png X".encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    outcome = run("dataset", "-", "out")
    assert outcome.code == 0
    assert "-, line 3: no such file: nosuch.png" in outcome.stderr
    assert "out holds 2 pairs; 1 line was rejected." in outcome.stderr


def test_a_pipe_is_read_once(run, folder):
    reader, writer = os.pipe()
    os.write(writer, b"a.png AB\n")
    os.close(writer)
    outcome = run("dataset", f"/dev/fd/{reader}", "out")
    os.close(reader)
    assert "out holds 1 pair; 0 lines were rejected." in outcome.stderr


def test_closed_stdin_and_devices_are_refused(run, monkeypatch):
    check_failure(
        run("dataset", "/dev/zero", "out"), "no annotation file /dev/zero: it is a device"
    )
    monkeypatch.setattr(sys, "stdin", None)
    check_failure(
        run("dataset", "-", "out"), "cannot read the annotations from stdin: it is closed"
    )


def test_files_of_a_folder_that_cannot_be_used_are_named(run, folder):
    (folder / "images").mkdir()
    for name in (b"A.png", b"B\xff.png", b".hidden.png"):
        with open(os.path.join(os.fsencode(folder), b"images", name), "wb") as file:
            file.write(draw("A"))
    outcome = run("dataset", "images", "out")
    assert outcome.code == 0
    assert "images: 1 hidden file is left out: .hidden.png" in outcome.stderr
    assert r"images, file 2: file name that is not UTF-8: B\udcff.png" in outcome.stderr
    assert "out holds 1 pair; 1 file was rejected." in outcome.stderr


def test_a_bmp_with_trailing_bytes_is_converted(run, folder):
    (folder / "a.bmp").write_bytes(draw("AB", mode="RGB", form="BMP") + b"trailing")
    (folder / "bmp.txt").write_text("a.bmp AB\n")
    outcome = run("dataset", "bmp.txt", "out")
    assert "1 image was converted to PNG" in outcome.stderr
    assert "out holds 1 pair" in outcome.stderr
