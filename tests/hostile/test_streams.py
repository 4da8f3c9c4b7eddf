"""Standard streams that are closed, full or no longer read: one line, and no hang."""

import re
import subprocess
import sys

import pytest
from commands import draw, environment
from helpers import write_records

from aocr.data.records import schema

CLOSED = {"stdin": "<&-", "stdout": ">&-", "stderr": "2>&-"}
ALL = " ".join(CLOSED.values())
WELL_FORMED = re.compile(r"\d{4}-\d\d-\d\d \S+ \S+ +(INFO|WARNING|ERROR) .*|    .*")


@pytest.fixture(scope="module")
def folder(trained, tmp_path_factory):
    """Makes a folder with an image, annotations, a dataset, and a model that reads them."""
    folder = tmp_path_factory.mktemp("streams")
    (folder / "checkpoints").symlink_to(trained.folder / "checkpoints")
    (folder / "a.png").write_bytes(draw("AB"))
    (folder / "ok.txt").write_text("a.png AB\n")
    write_records(folder / "ok.tfrecords", [schema.serialize(draw("AB"), "AB")])
    return folder


@pytest.fixture
def shell(folder):
    """Returns a function that runs `aocr ARGUMENTS` with redirections, without an old log."""
    (folder / "aocr.log").unlink(missing_ok=True)

    def run(arguments, redirections):
        return subprocess.run(
            ["bash", "-c", f"{sys.executable} -m aocr {arguments} {redirections}"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=environment(),
            timeout=60,
        )

    return run


def logged_errors(folder):
    """Returns the errors in the log, and checks that each of its lines is one of the log."""
    lines = (folder / "aocr.log").read_text().splitlines()
    assert [line for line in lines if not WELL_FORMED.fullmatch(line)] == []
    return [line.split("ERROR")[1].strip() for line in lines if " root  ERROR " in line]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ("dataset nosuch.txt out.tfrecords", 1, "no annotation file nosuch.txt"),
        ("test ok.tfrecords --json", 1, "cannot write to stdout: it is closed"),
        ("test ok.tfrecords", 0, None),
        ("dataset ok.txt out.tfrecords", 0, None),
    ],
)
def test_with_all_streams_closed_the_line_is_in_the_log(folder, shell, arguments, code, says):
    done = shell(arguments, ALL)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")
    errors = logged_errors(folder)
    assert len(errors) == code
    assert all(says in error for error in errors)


@pytest.mark.parametrize(
    ("arguments", "redirection", "says"),
    [
        ("predict", CLOSED["stdin"], "cannot read file names from stdin: it is closed"),
        ("predict a.png", CLOSED["stdout"], "cannot write to stdout: it is closed"),
        ("inspect ok.tfrecords", CLOSED["stdout"], "cannot write to stdout: it is closed"),
        ("predict a.png", ">/dev/full", "cannot write to stdout: No space left on device"),
        ("--help", ">/dev/full", "cannot write to stdout: No space left"),
        ("inspect --help", CLOSED["stdout"], "cannot write to stdout: it is closed"),
    ],
)
def test_a_stream_that_is_needed_is_named(shell, arguments, redirection, says):
    done = shell(arguments, redirection)
    assert done.returncode == 1
    assert says in done.stderr.splitlines()[-1]
    assert len(re.findall("ERROR|^aocr: ", done.stderr)) == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "redirection"),
    [("predict a.png", "<&- 2>&-"), ("predict a.png", "2>/dev/full"), ("--version", "<&- 2>&-")],
)
def test_a_stream_that_is_not_needed_is_not_missed(shell, arguments, redirection):
    done = shell(arguments, redirection)
    assert (done.returncode, done.stdout.count("\n"), done.stderr) == (0, 1, "")


def test_closed_stderr_after_wrong_usage_goes_nowhere_else(shell):
    done = shell("bogus", CLOSED["stderr"])
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


def test_a_full_log_is_told_once(shell):
    done = shell("predict a.png a.png", "--log-path=/dev/full")
    assert done.returncode == 0
    assert done.stderr.count("cannot write the log file /dev/full: No space left on device") == 1
    assert done.stderr.count("Result: OK.") == done.stdout.count("\n") == 2


def test_a_reader_that_ends_early_ends_predict_as_sigpipe_does(folder, shell):
    (folder / "many.txt").write_text("a.png\n" * 1000)
    done = shell("predict", "<many.txt | head -1; exit ${PIPESTATUS[0]}")
    assert done.returncode == 141
    assert done.stdout.count("\n") == 1
    assert "ERROR" not in done.stderr
    assert "The program that reads stdout has ended." in (folder / "aocr.log").read_text()
