"""Signals at any moment: each command ends with `Interrupted.`, without a traceback."""

import itertools
import re
import signal
import subprocess
import sys
import time

import pytest
from commands import MODEL, draw, environment
from helpers import write_records
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aocr.data.records import schema

PROGRAM = """
import sys
print("begun", flush=True)
from aocr.__main__ import main
sys.exit(main())
"""
"""The entry point `aocr`. The clock starts when it prints: before that, Python itself starts, whose
own traceback nobody can prevent."""

LAST_LINE = re.compile(r"(\S+ \S+ root  ERROR    )?Interrupted\.\n$")

COMMANDS = {
    "dataset": ("long.txt", "out.tfrecords"),
    "inspect": ("long.tfrecords",),
    "synth": ("out.tfrecords", "--pattern=[A-Z]+", "--count=300000", "--processes=2"),
    "train": ("long.tfrecords", *MODEL, "--model-dir=new", "--batch-size=4"),
    "test": ("long.tfrecords", "--model-dir={trained}"),
    "predict": ("--model-dir={trained}",),
    "export": ("out", "--model-dir={trained}"),
}


@pytest.fixture(scope="module")
def place(trained, tmp_path_factory):
    """Makes a folder with inputs that keep every command busy."""
    folder = tmp_path_factory.mktemp("signals")
    (folder / "a.png").write_bytes(draw("AB"))
    (folder / "long.txt").write_text("a.png AB\n" * 300_000)
    write_records(folder / "long.tfrecords", [schema.serialize(draw("AB"), "AB")] * 20_000)
    arguments = {
        command: [command, *(each.format(trained=trained.folder / "checkpoints") for each in given)]
        for command, given in COMMANDS.items()
    }
    return folder, arguments


def start(place, command):
    """Starts a command and returns its process as soon as it begins to import aocr."""
    folder, arguments = place
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments[command]],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert process.stdout.readline() == "begun\n"
    return process


def wait_for_line(process, text):
    """Reads the console up to a line with the text."""
    assert any(text in line for line in iter(process.stderr.readline, ""))


def check_end(place, command, process):
    """Checks exit code and last line, and that nothing is left of a file that was begun.

    Only commands that have ended in good order exit with 0: a training, which saves a checkpoint,
    and an export that was quicker than the signal.
    """
    folder, _ = place
    _, console = process.communicate(timeout=30)
    assert "Traceback" not in console
    assert "ignored" not in console
    names = {path.name for path in folder.iterdir()}
    allowed = {"a.png", "long.txt", "long.tfrecords", "aocr.log"}
    if process.returncode == 0:
        assert command in ("train", "export")
        assert command == "export" or "Training has stopped" in console
        allowed |= {"out"}
    else:
        assert process.returncode == 130, console
        assert LAST_LINE.search(console), console
        assert console.count("Interrupted.") == 1
    assert names <= allowed | {"new"}
    if "out" in names:
        for path in sorted((folder / "out").rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        (folder / "out").rmdir()


FIXED = zip(
    itertools.product(COMMANDS, (0.02, 1.0)),
    itertools.cycle((signal.SIGINT, signal.SIGTERM, signal.SIGTERM, signal.SIGINT)),
    strict=False,
)


@pytest.mark.parametrize(("start_of", "number"), FIXED, ids=str)
def test_a_signal_during_the_start_ends_each_command(place, start_of, number):
    command, moment = start_of
    process = start(place, command)
    time.sleep(moment)
    process.send_signal(number)
    check_end(place, command, process)


@settings(
    max_examples=8,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    command=st.sampled_from(sorted(COMMANDS)),
    moments=st.lists(st.floats(0.02, 3), min_size=1, max_size=2).map(sorted),
    number=st.sampled_from([signal.SIGINT, signal.SIGTERM]),
)
def test_signals_at_any_moments_end_any_command(place, command, moments, number):
    process = start(place, command)
    begun = time.monotonic()
    for moment in moments:
        time.sleep(max(0, begun + moment - time.monotonic()))
        if process.poll() is None:
            process.send_signal(number)
    check_end(place, command, process)


@pytest.mark.parametrize("pause", [0, 0.02, 0.2])
def test_more_signals_do_not_disturb_the_end(place, pause):
    process = start(place, "dataset")
    wait_for_line(process, "Processed 500 pairs.")
    for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM):
        if process.poll() is None:
            process.send_signal(number)
        time.sleep(pause)
    check_end(place, "dataset", process)


def test_predict_that_waits_for_a_name_ends(place):
    process = start(place, "predict")
    wait_for_line(process, "Reading model parameters")
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=10)  # its stdin is still open
    check_end(place, "predict", process)
