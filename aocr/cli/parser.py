"""Builds the parser of the command line (docs/compatibility.md, "Command line")."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from aocr import __version__
from aocr.cli.commands import (
    benchmark,
    dataset,
    export,
    inspect,
    predict,
    serve,
    synth,
    test,
    train,
)
from aocr.cli.flags.parser import CommandParser

COMMANDS = (dataset, inspect, synth, train, test, predict, export, benchmark, serve)
"""The modules of the commands, in the order of `aocr --help`."""


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser; `run` of its result is the function that runs the command."""
    parser = CommandParser(
        prog="aocr", description="Train, test, export and run models that read text in images."
    )
    parser.add_argument("--version", action="version", version=f"aocr {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(commands)
    return parser


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parses a command line.

    Args:
        arguments: the command line without the program's name; None for that of the process.

    Raises:
        SystemExit: the arguments are wrong (exit code 2) or ask for help.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    return build_parser().parse_args(_job_dir_after_command(words))


def _job_dir_after_command(words: list[str]) -> list[str]:
    """Moves a `--job-dir` that a training service puts in front of the command behind it."""
    length = 2 if words[:1] == ["--job-dir"] else 1
    if not words or words[0].partition("=")[0] != "--job-dir" or len(words) <= length:
        return words
    return [words[length], *words[:length], *words[length + 1 :]]
