"""Parses command lines: checks the value of each flag, and flags against each other."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from aocr.util.options import INT32_MAX, Permitted
from aocr.util.terminal.console import print_text
from aocr.util.text.characters import escape, visible_text
from aocr.util.text.encodings import nfc

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


def value_type(permitted: Permitted) -> Callable[[str], Any]:
    """Returns a function for argparse's `type=` that converts text to a permitted value."""

    def convert(text: str) -> Any:
        try:
            value = CONVERTERS[permitted.kind](text)
        except ValueError:
            value = None
        if not permitted.accepts(value):
            raise argparse.ArgumentTypeError(f"{text} is not {permitted.requirement}")
        return value

    return convert


def whole_number(minimum: int, maximum: int = INT32_MAX) -> Callable[[str], int]:
    """Returns the `value_type` of a whole number in a range."""
    return value_type(Permitted(int, minimum, maximum))


def not_empty(text: str) -> str:
    """Returns a path or a name unchanged; refuses an empty one, left by an unset shell variable."""
    if not text:
        raise argparse.ArgumentTypeError("the value is empty: is a shell variable not set?")
    return text


def pattern(parse: Callable[[str], object]) -> Callable[[str], str]:
    """Returns a function for argparse's `type=` that returns a regular expression in NFC.

    Args:
        parse: a function that raises a ValueError, with the reason, for an expression that is not
            permitted.
    """

    def check(text: str) -> str:
        text = nfc(not_empty(text))
        try:
            parse(text)
            text.encode()
        except UnicodeEncodeError:
            raise argparse.ArgumentTypeError("the pattern is not UTF-8") from None
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{visible_text(text)}: {error}") from None
        return text

    return check


def _whole_numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


CONVERTERS: dict[type, Callable[[str], Any]] = {
    int: int,
    float: float,
    str: str,
    tuple: _whole_numbers,
}
"""Functions that convert text to each kind of value, or raise ValueError."""
