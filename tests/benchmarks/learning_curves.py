"""Plots the learning curves that `aocr train` has logged: training loss and validation.

    python tests/benchmarks/learning_curves.py OUTPUT.svg NAME=aocr.log ...

The training loss is the mean of the steps between two checkpoints; of the validations it shows the
share of images read exactly. It needs matplotlib (`pip install '.[report]'`).
"""

from __future__ import annotations

import argparse
import pathlib
import re
from typing import NamedTuple

from matplotlib.figure import Figure

STEP = re.compile(r"Global step (\d+)\. Time: [\d.]+, loss: ([\d.]+),")
VALIDATION = re.compile(r"Validation: .*?exact match ([\d.]+)%", re.IGNORECASE)
SIZE = (7, 5)


class Curves(NamedTuple):
    """The curves of a log: global steps with training losses, and with shares read exactly."""

    losses: list[tuple[int, float]]
    exact: list[tuple[int, float]]


def read(lines: list[str]) -> Curves:
    """Reads a log; a validation belongs to the checkpoint that was logged before it."""
    curves = Curves([], [])
    for line in lines:
        if found := STEP.search(line):
            curves.losses.append((int(found[1]), float(found[2])))
        elif (found := VALIDATION.search(line)) and curves.losses:
            curves.exact.append((curves.losses[-1][0], float(found[1])))
    return curves


def draw(logs: dict[str, Curves]) -> Figure:
    """Draws two plots, one below the other, with a line for each log."""
    figure = Figure(figsize=SIZE, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    for name, curves in logs.items():
        upper.plot(*zip(*curves.losses, strict=True), label=name)
        if curves.exact:
            lower.plot(*zip(*curves.exact, strict=True), "o-", markersize=3, label=name)
    upper.set_ylabel("training loss")
    lower.set_ylabel("validation images\nread exactly, %")
    lower.set_ylim(0, 100)
    lower.set_xlabel("step")
    upper.legend()
    return figure


def main() -> None:
    """Reads the logs and writes the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("output")
    parser.add_argument("logs", nargs="+", metavar="NAME=LOG")
    args = parser.parse_args()
    named = dict(each.split("=", 1) for each in args.logs)
    logs = {n: read(pathlib.Path(f).read_text("utf-8").splitlines()) for n, f in named.items()}
    draw(logs).savefig(args.output, metadata={"Date": None})


if __name__ == "__main__":
    main()
