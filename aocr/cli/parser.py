"""Builds the parser of the command line (docs/compatibility.md, "Command line")."""

from __future__ import annotations

import argparse

from aocr import __version__
from aocr.cli import benchmark, dataset, export, inspect, predict, serve, synth, test, train
from aocr.cli.command_parser import CommandParser

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
