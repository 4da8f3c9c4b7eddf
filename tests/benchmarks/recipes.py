"""Trains with a recipe for some minutes on a folder of labelled images, and prints the results.

The folder holds `annotations-training.txt` and `annotations-testing.txt`, with paths relative to
it. Without `--test`, a tenth of the training images is held back, drawn by the seed, and tested on:
tune on those, and use the test images once. Training, on two cores, ends with the minutes of wall
clock (`--minutes`, by `aocr train --max-minutes`), or of CPU time (`--cpu-minutes`: user and system
time of `aocr train` as a whole, so that other load on the machine counts little). For CPU time a
short run measures first how much of it a step takes, and `--max-steps` ends the schedule in time.
Either way SIGTERM ends a training that takes over a tenth longer. Other flags go to `aocr train`.

    python tests/benchmarks/recipes.py DATA --recipe modern --minutes 15 --seed 1 [--images 200]
        [--test] [--ignore-case] [--keep FOLDER] [--backbone=... and other flags of aocr train]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from typing import NamedTuple

import measure

CORES = 2
HELD_BACK = 0.1
TOLERATED = 1.1
"""A training that takes this many times its minutes is ended."""

CALIBRATION_STEPS = 8
MOST_MINUTES = 10_000
MARGIN = 0.97
"""Share of the CPU time that is planned for, so that the schedule ends in time."""

HEAD = (
    "| data | recipe | seed | images | wall minutes | CPU minutes | steps | exact | CER |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


class Split(NamedTuple):
    """Lines of annotation files: to train on, and to test on."""

    training: list[str]
    testing: list[str]


class Training(NamedTuple):
    """What a run of `aocr train` took.

    Attributes:
        wall: seconds from its start to its end.
        cpu: seconds of user and system time.
        steps: steps taken.
        cpu_at_steps: seconds of CPU time when each step's line came.
    """

    wall: float
    cpu: float
    steps: int
    cpu_at_steps: list[float]


def split(folder: pathlib.Path, seed: int, images: int | None, test: bool) -> Split:
    """Chooses the images: the first ones of the file, without those held back."""
    lines = _lines(folder / "annotations-training.txt")
    held_back: set[int] = set()
    if not test:
        count = max(1, round(HELD_BACK * len(lines)))
        held_back = set(random.Random(seed).sample(range(len(lines)), count))
    training = [line for number, line in enumerate(lines) if number not in held_back]
    testing = [lines[number] for number in sorted(held_back)]
    return Split(training[:images], _lines(folder / "annotations-testing.txt") if test else testing)


def _lines(path: pathlib.Path) -> list[str]:
    return path.read_text(encoding="utf-8").rstrip("\n").split("\n")


def aocr(work: str, *arguments: str) -> str:
    """Runs a command of aocr in a folder, and returns its stdout."""
    done = subprocess.run(
        [sys.executable, "-m", "aocr", *arguments],
        cwd=work,
        env=measure.environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"aocr {' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def build(folder: pathlib.Path, chosen: Split, work: str, ignore_case: bool) -> list[str]:
    """Builds both datasets, and returns the model flags that fit the training images."""
    case = [] if ignore_case else ["--no-force-uppercase"]
    for name, lines in chosen._asdict().items():
        path = pathlib.Path(work, f"{name}.txt")
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        base = f"--base-dir={folder.resolve()}"
        aocr(work, "dataset", path.name, f"{name}.tfrecords", base, "--save-filename", *case)
    flags = json.loads(aocr(work, "inspect", "training.tfrecords", "--json"))["flags"]["100 %"]
    return [*(flag for flag in flags if flag.startswith("--max-")), "--charset=auto"]


def cpu_seconds(pid: int) -> float:
    """User and system time of a running process, all its threads included; Linux only."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def train(
    work: str, flags: list[str], most_wall: float | None = None, most_cpu: float | None = None
) -> Training:
    """Runs `aocr train`; SIGTERM ends it after so many seconds.

    Args:
        work: folder of the dataset and the model.
        flags: of the command.
        most_wall: seconds of wall clock since the first step.
        most_cpu: seconds of CPU time since the start.
    """
    started = time.monotonic()
    ends = [math.inf]
    process = subprocess.Popen(
        [sys.executable, "-m", "aocr", "train", "training.tfrecords", *flags],
        cwd=work,
        env=measure.environment(),
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    finished = threading.Event()

    def watch() -> None:
        while not finished.wait(0.5):
            is_late = time.monotonic() > ends[0]
            if is_late or (most_cpu is not None and cpu_seconds(process.pid) > most_cpu):
                process.send_signal(signal.SIGTERM)
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert process.stderr is not None
    lines, cpu_at_steps = [], []
    for line in process.stderr:
        lines.append(line)
        if "Step " in line:
            cpu_at_steps.append(cpu_seconds(process.pid))
            if most_wall is not None and len(cpu_at_steps) == 1:
                ends[0] = time.monotonic() + most_wall
    finished.set()  # before the process is waited for, so that its number is still its own
    watcher.join()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"aocr train {' '.join(flags)} failed:\n{''.join(lines[-5:])}")
    cpu = usage.ru_utime + usage.ru_stime
    return Training(time.monotonic() - started, cpu, len(cpu_at_steps), cpu_at_steps)


def steps_for(work: str, flags: list[str], cpu: float) -> int:
    """Measures the CPU time of a start and of a step; returns the steps that fit into a time."""
    short = [*flags, f"--max-steps={CALIBRATION_STEPS}", "--model-dir=calibration"]
    measured = train(work, short).cpu_at_steps
    first, last = measured[1], measured[-1]
    step = (last - first) / (len(measured) - 2)
    return max(1, int(2 + (MARGIN * cpu - first) / step))


def run(args: argparse.Namespace, work: str) -> str:
    """Builds, trains and tests; returns the row."""
    folder = pathlib.Path(args.data)
    chosen = split(folder, args.seed, args.images, args.test)
    flags = build(folder, chosen, work, args.ignore_case)
    flags += [f"--recipe={args.recipe}", f"--seed={args.seed}", "--gpu-id=-1", *args.flags]
    if args.cpu_minutes:
        cpu = 60 * args.cpu_minutes
        flags.append(f"--max-minutes={MOST_MINUTES}")  # which a recipe may limit
        steps = steps_for(work, flags, cpu)
        trained = train(work, [*flags, f"--max-steps={steps}"], most_cpu=TOLERATED * cpu)
    else:
        most = 60 * TOLERATED * args.minutes
        trained = train(work, [*flags, f"--max-minutes={args.minutes}"], most_wall=most)
    metrics = json.loads(aocr(work, "test", "testing.tfrecords", "--json", "--gpu-id=-1"))
    what = folder.name + ("" if args.test else ", held back")
    cells = (
        what + (", case ignored" if args.ignore_case else ""),
        " ".join([args.recipe, *args.flags]),
        str(args.seed),
        str(len(chosen.training)),
        f"{trained.wall / 60:.1f}",
        f"{trained.cpu / 60:.1f}",
        str(trained.steps),
        f"{metrics['exact']} of {metrics['images']}",
        f"{100 * metrics['character_error_rate']:.2f} %",
    )
    return f"| {' | '.join(cells)} |"


def parse() -> argparse.Namespace:
    """Reads the command line; `flags` are those of `aocr train`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("data", metavar="DATA", help="folder with images and annotations")
    add("--recipe", default="classic", help="(default: %(default)s)")
    minutes = parser.add_mutually_exclusive_group(required=True)
    minutes.add_argument("--minutes", type=float, help="of wall clock")
    minutes.add_argument("--cpu-minutes", type=float, help="of user and system time")
    add("--seed", type=int, default=1, help="(default: %(default)s)")
    add("--images", type=int, help="train on the first N images (default: all)")
    add("--test", action="store_true", help="train on all training images, test on the test images")
    add("--ignore-case", action="store_true", help="convert all labels to upper case")
    add("--keep", metavar="FOLDER", help="keep datasets, model and log in this new folder")
    args, args.flags = parser.parse_known_args()
    return args


def main() -> None:
    """Prints the table of one row."""
    args = parse()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    with tempfile.TemporaryDirectory() as temporary:
        work = args.keep or temporary
        os.makedirs(work, exist_ok=not args.keep)
        print(HEAD, run(args, work), sep="\n", flush=True)


if __name__ == "__main__":
    main()
