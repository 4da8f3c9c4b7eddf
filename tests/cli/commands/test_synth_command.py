"""`aocr synth` in a process of its own: several processes, the console, an interruption."""

import os
import subprocess
import sys

from commands import environment, run_aocr

DRAW = ("synth", "--pattern=[A-Z]{3}", "--fonts=builtin", "--processes=2")


def test_two_processes_write_what_one_does(tmp_path):
    for name, processes in (("one", 1), ("two", 2)):
        done = run_aocr(
            *DRAW[:-1], name, f"--processes={processes}", "--count=40", cwd=tmp_path, check=0
        )
        assert done.stdout == ""
        assert done.stderr.splitlines()[-1].endswith(f"{name} holds 40 images.")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_sigterm_leaves_no_half_folder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "aocr", *DRAW, "out/", "--count=1000000"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert "Drawing with 1 font of 1." in process.stderr.readline()
    while not any("tmp" in name for name in os.listdir(tmp_path)):
        assert process.poll() is None
    process.terminate()
    console = process.stderr.read()
    assert console.endswith("Interrupted.\n")
    assert "Traceback" not in console
    assert process.wait(timeout=60) == 130
    assert os.listdir(tmp_path) == ["aocr.log"]
