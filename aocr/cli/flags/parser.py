"""A command-line parser that checks flags against each other and complains in one line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from aocr.util.terminal.console import print_text
from aocr.util.text.characters import escape

Check = Callable[[argparse.Namespace], str]
"""Returns what is wrong with a parsed command line; empty if nothing is."""


class CommandParser(argparse.ArgumentParser):
    """Ends in a usage error (exit code 2) if a check finds something wrong.

    Output to stdout that fails is an error here, which argparse itself would hide.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._checks: list[Check] = []

    def add_check(self, check: Check) -> None:
        """Adds a check of the parsed command line."""
        self._checks.append(check)

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parses as argparse does, and runs the checks."""
        parsed, unknown = super().parse_known_args(args, namespace)
        for check in self._checks:
            if problem := check(parsed):
                self.error(problem)
        return parsed, unknown

    def error(self, message: str) -> NoReturn:
        """Prints usage and complaint, and exits with 2; escapes control characters."""
        super().error(escape(message))

    def _print_message(self, message: str, file: Any = None) -> None:
        if file is sys.stdout:
            print_text(message)
        else:
            super()._print_message(message, file)
