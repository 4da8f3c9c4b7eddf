"""Adds parts of the rows above and below a line of text, as crops of pages and signs have them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image


class Rows(NamedTuple):
    """Holds a line with free space or parts of other rows around it.

    Attributes:
        mask: the ink, an image of mode `L`.
        above, below: whether a part of a row lies at the upper, at the lower border.
    """

    mask: Image.Image
    above: bool = False
    below: bool = False


def add_rows(line: Image.Image, chance: float, free: int, rng: np.random.Generator) -> Rows:
    """Returns a line with parts of other rows, each with some chance, and free columns and rows.

    The parts are the line's own ink, moved aside: of so little nobody can tell what it says.

    Args:
        line: the ink of a line, of mode `L`.
        chance: probability of a part of a row above, and of one below.
        free: pixels without ink around the line, and between it and other rows at least.
        rng: the source of chance.
    """
    above, below = rng.random(2) < chance
    if not (above or below):
        whole = Image.new("L", (line.width + 2 * free, line.height + 2 * free))
        whole.paste(line, (free, free))
        return Rows(whole)
    height = line.height
    parts = [round(height * rng.uniform(0.06, 0.2)) if each else 0 for each in (above, below)]
    gap = free + round(height * rng.uniform(0.05, 0.25))
    size = line.width + 2 * free, height + 2 * gap + sum(parts)
    whole = Image.new("L", size)
    whole.paste(line, (free, gap + parts[0]))
    for is_there, top, at in ((above, height - parts[0], 0), (below, 0, size[1] - parts[1])):
        if is_there:
            part = line.crop((0, top, line.width, top + parts[0 if at == 0 else 1]))
            whole.paste(part, (round(line.width * rng.uniform(-0.4, 0.4)), at))
    return Rows(whole, bool(above), bool(below))
