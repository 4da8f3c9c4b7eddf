"""Converts the values of flags from text and rejects values that are not permitted."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from aocr.util.options import INT32_MAX, Permitted


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
    """Returns a function for argparse's `type=` that returns a regular expression unchanged.

    Args:
        parse: raises a ValueError, with the reason, for an expression that is not permitted.
    """

    def check(text: str) -> str:
        try:
            parse(text)
            text.encode()
        except UnicodeEncodeError:
            raise argparse.ArgumentTypeError("the pattern is not UTF-8") from None
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text}: {error}") from None
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
