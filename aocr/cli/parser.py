"""Builds the parser of the command line (docs/compatibility.md, "Command line")."""

from __future__ import annotations

import argparse
import sys
from typing import Any, NoReturn

from aocr import __version__
from aocr.cli import dataset, export, inspect, predict, test, train
from aocr.util.characters import escape
from aocr.util.console import print_text

COMMANDS = (dataset, inspect, train, test, predict, export)
"""The modules of the commands, in the order of `aocr --help`."""


class _Parser(argparse.ArgumentParser):
    """Parses a command line, and complains in one line about a wrong one.

    argparse itself hides that help or version cannot be printed.
    """

    def error(self, message: str) -> NoReturn:
        """Prints usage and complaint, and exits with 2; escapes control characters."""
        super().error(escape(message))

    def _print_message(self, message: str, file: Any = None) -> None:
        if file is sys.stdout:
            print_text(message)
        else:
            super()._print_message(message, file)


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser; `run` of its result is the function that runs the command."""
    parser = _Parser(
        prog="aocr", description="Train, test, export and run models that read text in images."
    )
    parser.add_argument("--version", action="version", version=f"aocr {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(commands)
    return parser
