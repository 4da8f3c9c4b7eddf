"""Outputs that would destroy something are refused before anything is touched."""

import os

import pytest

from aocr.util.errors import UserError
from aocr.util.paths.checks import check_paths, named


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").touch()
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "A.png").touch()
    (tmp_path / "link.txt").symlink_to("a.txt")
    os.link("a.txt", "hard.txt")
    os.mkfifo("pipe")
    return tmp_path


def check(inputs=(), outputs=(), log="aocr.log"):
    check_paths(named("annotations", inputs), named("output", outputs), log)


@pytest.mark.parametrize("output", ["a.txt", "./a.txt", "images/../a.txt", "link.txt", "hard.txt"])
def test_an_output_that_is_an_input_is_refused(folder, output):
    with pytest.raises(UserError, match="output .* and annotations a.txt are the same file"):
        check(["a.txt"], [output])


def test_a_log_that_is_an_input_or_an_output_is_refused(folder):
    with pytest.raises(UserError, match="--log-path a.txt and annotations a.txt are the same"):
        check(["a.txt"], [], log="a.txt")
    with pytest.raises(UserError, match="--log-path new and output ./new are the same file"):
        check([], ["./new"], log="new")


def test_two_outputs_of_one_name_are_refused_before_they_exist(folder):
    with pytest.raises(UserError, match="output ./new and output new are the same file"):
        check([], ["new", "./new"])


@pytest.mark.parametrize("given", ["images", "images/*.png", "images/A.png"])
def test_files_of_folders_and_globs_are_inputs(folder, given):
    with pytest.raises(UserError, match="output images/A.png and annotations images/A.png"):
        check([given], ["images/A.png"])


@pytest.mark.parametrize(("path", "kind"), [("/dev/null", "a device"), ("pipe", "a pipe")])
def test_an_output_that_is_no_file_is_refused(folder, path, kind):
    with pytest.raises(UserError, match=f"output {path} is {kind}"):
        check([], [path])


def test_the_log_may_be_a_device(folder):
    check(["a.txt"], ["new"], log="/dev/null")


def test_remote_paths_are_compared_by_name(folder):
    check(["gs://bucket/a"], ["gs://bucket/b"])
    with pytest.raises(UserError, match="are the same file"):
        check(["gs://bucket/a"], ["gs://bucket/a"])


def test_what_differs_is_allowed(folder):
    check(["a.txt", "images", "nosuch*"], ["new.tfrecords", "images/new.png"])


def test_a_working_directory_that_was_deleted_is_named(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    with monkeypatch.context() as context:  # pytest itself needs a directory
        context.chdir(gone)
        gone.rmdir()
        with pytest.raises(UserError, match="the working directory was deleted: change into"):
            check(["a.txt"])
