"""Tells whether images show in color what they no longer show in gray, as red ink on green."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image

from aocr.config import MAX_PIXELS
from aocr.data.images.files import ImageFileError, quiet_pillow, read_header

GRAY_MODES = ("1", "L", "LA", "I", "I;16", "F")
"""Modes of Pillow that have no colors."""

LOOKED_AT = (400, 64)
"""Largest width and height, in pixels, at which edges are looked for."""

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Shares of red, green and blue in gray."""

MIN_EDGE, MIN_EDGE_SHARE = 24, 0.3
"""An edge is a change of colors by this number of levels, of 255, and by this share of the image's
largest change."""

MIN_GRAY_SHARE = 0.4
"""An edge is lost where gray changes by less than this share of the change of colors."""

MIN_LOST_EDGES = 0.3
"""Share of lost edges of an image whose colors matter. Of 5,000 words in photos (IIIT5K) 25 have
as many, and of captchas and plates in colors none."""

MIN_LOST_IMAGES = 0.1
"""Share of the images whose colors matter from which on a model should see colors."""


@dataclasses.dataclass(frozen=True)
class GrayContrast:
    """Counts images that lose edges in gray. The names are keys of `aocr inspect --json`.

    Attributes:
        sampled: number of images that were looked at, those without colors included.
        lost: number of those that lose many of their edges.
    """

    sampled: int = 0
    lost: int = 0

    @property
    def colors_matter(self) -> bool:
        """Whether a model should see colors."""
        return self.lost > 0 and self.lost >= MIN_LOST_IMAGES * self.sampled


def have_colors(kinds: Iterable[str]) -> bool:
    """Returns whether images may have colors, from their kinds, such as `PNG RGB`."""
    return any(kind.split()[-1] not in GRAY_MODES for kind in kinds)


def compare_with_gray(images: Sequence[bytes]) -> GrayContrast:
    """Looks at images in color and in gray. Those that Pillow cannot decode lose nothing.

    Args:
        images: image files.
    """
    with quiet_pillow():
        return GrayContrast(len(images), sum(map(_loses_edges, images)))


def _loses_edges(encoded: bytes) -> bool:
    try:
        picture = read_header(encoded, MAX_PIXELS)
        if picture.mode in GRAY_MODES:
            return False
        picture.thumbnail(LOOKED_AT)
        return share_of_lost_edges(np.asarray(picture.convert("RGB"))) >= MIN_LOST_EDGES
    except (ImageFileError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False


def share_of_lost_edges(pixels: np.ndarray) -> float:
    """Returns the share of an image's edges that gray does not show.

    Args:
        pixels: uint8 `[h, w, 3]`.
    """
    levels = pixels.astype(np.float32)
    steps = levels[:, 2:] - levels[:, :-2], levels[2:] - levels[:-2]
    change = np.concatenate([each.reshape(-1, 3) for each in steps])  # [E, 3]
    in_color, in_gray = np.sqrt(np.mean(change**2, axis=1)), np.abs(change @ LUMA)  # [E]
    is_edge = in_color >= max(MIN_EDGE, MIN_EDGE_SHARE * in_color.max(initial=0))
    lost = is_edge & (in_gray < MIN_GRAY_SHARE * in_color)
    return float(lost.sum() / max(1, is_edge.sum()))
