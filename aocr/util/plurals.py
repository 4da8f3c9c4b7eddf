"""Puts a number and its noun together."""

from __future__ import annotations


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """Returns a number with its noun: "1 image", "2 images".

    Args:
        number: how many there are.
        singular: the noun for exactly one.
        plural: the noun for any other number; by default `singular` with an "s".
    """
    return f"{number} {singular if number == 1 else plural or singular + 's'}"
