"""Finds plain faces: upright, with even strokes and digits as high as capitals, as on plates.

What a font says of itself, such as its PANOSE numbers, is wrong in many; so its `H` and its digits
are measured as they are drawn.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from PIL import Image, ImageDraw

from aocr.synthesis.fonts.choice import FontFile, open_font
from aocr.synthesis.fonts.letterforms import likeness_to_reference

_SIZE = 64  # pixels per em

_TELLING_DIGITS = "037"
"""Digits that are low or hang in faces whose digits have several heights."""

_COMPARED = "ABEGKMQRS2359"

STEM = (0.08, 0.27)
"""Least and largest thickness of the stems of an `H`, relative to its height."""

LEAST_BAR = 0.55
"""Least thickness of its bar, relative to that of its stems."""

MOST_LEAN = 0.02
"""Most that its stems lean aside, relative to its height."""

MOST_UNEVEN = 0.08
"""Most that the upper and lower edges of digits differ from those of the `H`, by its height."""

LEAST_LIKENESS = 0.73
"""Least mean likeness of `_COMPARED` to the characters of the reference face, an even grotesque."""


def plain_face(fonts: tuple[FontFile, ...], rng: np.random.Generator) -> FontFile:
    """Returns a random plain face; any face if none is plain, as in scripts without an `H`."""
    order = rng.permutation(len(fonts)).tolist()
    return next((fonts[number] for number in order if is_plain(fonts[number])), fonts[order[0]])


@functools.cache
def is_plain(file: FontFile) -> bool:
    """Returns whether a face is plain. A face without an `H` or digits is not."""
    stems = _ink(file, "H")
    return (
        _has_even_strokes(stems)
        and all(
            _edges_differ_by(_ink(file, digit), stems) <= MOST_UNEVEN for digit in _TELLING_DIGITS
        )
        and likeness_to_reference(file, _COMPARED) > LEAST_LIKENESS
    )


def _ink(file: FontFile, character: str) -> np.ndarray:
    """Returns a character as it is drawn, bool `[3 * _SIZE, 3 * _SIZE]`."""
    canvas, font = Image.new("L", (3 * _SIZE, 3 * _SIZE)), open_font(file, _SIZE)
    ImageDraw.Draw(canvas).text((_SIZE, _SIZE), character, fill=255, font=font)
    return np.asarray(canvas) > 127


def _edges_differ_by(ink: np.ndarray, other: np.ndarray) -> float:
    """Returns how far the upper or lower edges of two characters lie apart, by the second's height.

    Infinite: one has no ink.
    """
    rows, others = np.flatnonzero(ink.any(1)), np.flatnonzero(other.any(1))
    if not (len(rows) and len(others)):
        return math.inf
    apart = max(abs(rows[0] - others[0]), abs(rows[-1] - others[-1]))
    return float(apart / (others[-1] - others[0] + 1))


def _has_even_strokes(ink: np.ndarray) -> bool:
    """Returns whether an `H`, bool `[H, W]`, has two upright stems and a bar about as thick."""
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    if not len(rows):
        return False
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = ink.shape
    upper, lower = _runs(ink[round(0.25 * height)]), _runs(ink[round(0.75 * height) - 1])
    bar = _runs(ink[:, width // 2])
    if not (len(upper) == len(lower) == 2 and len(bar) == 1):
        return False
    stem = (upper[0][1] - upper[0][0] + lower[0][1] - lower[0][0]) / 2
    lean = abs(upper[0][0] - lower[0][0]) / height
    thickness = bar[0][1] - bar[0][0]
    return STEM[0] < stem / height < STEM[1] and thickness > LEAST_BAR * stem and lean < MOST_LEAN


def _runs(line: np.ndarray) -> list[tuple[int, int]]:
    """Returns where the runs of ink in a row or column begin and end."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], line, [False]]))).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))
