"""What the values of flags may be."""

from __future__ import annotations

import argparse

from aocr.config import COLUMN_WIDTH

SHOW_DEFAULT = "(default: %(default)s)"


def number(add, name: str, default, text: str, of_type=None) -> None:
    """A flag that takes a number, by default a whole one from 1 on."""
    of_type = of_type or positive_int
    add(name, type=of_type, default=default, metavar="N", help=f"{text} {SHOW_DEFAULT}")


def positive_int(text: str) -> int:
    """A whole number from 1 on."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return value


def positive_float(text: str) -> float:
    """A finite number above 0."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def natural(text: str) -> int:
    """A whole number from 0 on that fits 31 bits."""
    value = int(text)
    if not 0 <= value < 2**31:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to {2**31 - 1}")
    return value


def fraction(text: str) -> float:
    """A number from 0 to less than 1."""
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to less than 1")
    return value


def widths(text: str) -> tuple[int, ...]:
    """Rising multiples of `COLUMN_WIDTH`, with commas between."""
    values = tuple(int(part) for part in text.split(","))
    for value in values:
        if value < 1 or value % COLUMN_WIDTH:
            raise argparse.ArgumentTypeError(f"{value} is not a multiple of {COLUMN_WIDTH}")
    if sorted(set(values)) != list(values):
        raise argparse.ArgumentTypeError(f"{text} does not rise")
    return values


widths.__name__ = "list of whole numbers"
natural.__name__ = "whole number"
fraction.__name__ = "number"
positive_int.__name__ = "whole number"  # argparse: "invalid whole number value: 'x'"
positive_float.__name__ = "number"
