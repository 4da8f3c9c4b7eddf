"""Signals at any moment: each command ends with `Interrupted.`, without a traceback."""

import itertools
import re
import signal
import subprocess
import sys

import pytest
from commands import MODEL, TIMEOUT, draw, environment
from helpers import write_records

from aocr.data.records import schema

PROGRAM = """
import sys

class Pause:
    moment = sys.argv.pop(1)

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name == cls.moment:
            cls.moment = ""
            print("at", name, flush=True)
            import time
            while True:
                time.sleep(600)

sys.meta_path.insert(0, Pause)
print("begun", flush=True)
from aocr.__main__ import main
sys.exit(main())
"""
"""The entry point `aocr`, which stops at the import of a module until a signal arrives. Before it
prints, Python itself starts, whose own traceback nobody can prevent."""

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


def start(place, command, moment=""):
    """Starts a command and returns its process once it begins to import aocr.

    Args:
        place: see the fixture.
        command: its name.
        moment: module at whose import the process stops; this waits for that. Empty for none.
    """
    folder, arguments = place
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, moment, *arguments[command]],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert process.stdout.readline() == "begun\n"
    if moment:
        assert process.stdout.readline() == f"at {moment}\n"
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
    _, console = process.communicate(timeout=TIMEOUT)
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


SIGNALS = (signal.SIGINT, signal.SIGTERM)

DURING_THE_START = {
    "dataset": ("aocr.cli.command", "aocr.data.building.builder"),
    "inspect": ("aocr.util.terminal.streams", "tensorflow"),
    "synth": ("aocr.cli.commands.synth", "aocr.synthesis.synthesizer"),
    "train": ("aocr.util.terminal.log", "aocr.training.trainer"),
    "test": ("tensorflow.python.framework.ops", "aocr.evaluation.evaluator"),
    "predict": ("numpy", "aocr.reading.reader"),
    "export": ("argparse", "aocr.exports.export"),
}
"""Modules at whose import each command is stopped: before and after it has started its log."""

MOMENTS = [(command, each) for command, pair in DURING_THE_START.items() for each in pair]


@pytest.mark.parametrize(
    ("at", "number"), zip(MOMENTS, itertools.cycle((*SIGNALS, *SIGNALS[::-1])), strict=False)
)
def test_a_signal_during_the_start_ends_each_command(place, at, number):
    command, moment = at
    process = start(place, command, moment)
    process.send_signal(number)
    check_end(place, command, process)


WORKING = {
    "dataset": "Processed 500 pairs.",
    "synth": "Drawing",
    "train": "Step 2:",
    "test": "Step 2 ",
    "export": "Reading model parameters",
}
"""The beginning of a line that each command logs once it works."""


@pytest.mark.parametrize("command", WORKING)
def test_a_signal_ends_a_command_that_works(place, command):
    process = start(place, command)
    wait_for_line(process, WORKING[command])
    process.send_signal(signal.SIGTERM)
    check_end(place, command, process)


def test_more_signals_at_once_do_not_disturb_the_end(place):
    process = start(place, "dataset")
    wait_for_line(process, WORKING["dataset"])
    for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM):
        process.send_signal(number)
    check_end(place, "dataset", process)


def test_a_signal_after_the_last_line_does_not_disturb_the_end(place):
    process = start(place, "dataset")
    wait_for_line(process, WORKING["dataset"])
    process.send_signal(signal.SIGINT)
    wait_for_line(process, "Interrupted.")
    process.send_signal(signal.SIGTERM)  # nothing happens if the process has just ended
    _, console = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, console) == (130, "")


def test_predict_that_waits_for_a_name_ends(place):
    process = start(place, "predict")
    print("a.png", file=process.stdin, flush=True)
    assert process.stdout.readline().startswith("a.png\t")  # it waits for the next name now
    process.send_signal(signal.SIGINT)
    process.wait(timeout=TIMEOUT)  # its stdin is still open
    check_end(place, "predict", process)
