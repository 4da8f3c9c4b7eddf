"""Puts a number and its noun together."""

from __future__ import annotations


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """Returns a number with its noun: "1 image", "2 images".

    Args:
        number: how many there are.
        singular: the noun for exactly one.
        plural: the noun for any other number; by default `singular` with an "s".
    """
    return f"{number} {_noun(number, singular, plural)}"


def counted_in_groups(number: int, singular: str, plural: str | None = None) -> str:
    """Returns a number in groups of three digits with its noun: "2,000 images"; see `counted`."""
    return f"{number:,} {_noun(number, singular, plural)}"


def _noun(number: int, singular: str, plural: str | None) -> str:
    return singular if number == 1 else plural or f"{singular}s"
