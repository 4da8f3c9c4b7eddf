"""Checks which colors gray does not show, and what `aocr inspect` says of them."""

import numpy as np
import pytest
from helpers import encoded
from inspected import grey_png
from PIL import Image

from aocr.inspection.gray_contrast import MIN_LOST_EDGES, compare_with_gray, share_of_lost_edges

RED, GREEN, BLUE, WHITE, BLACK = (220, 0, 0), (0, 112, 0), (0, 0, 255), (255,) * 3, (0,) * 3


def bars(ink, ground):
    """Vertical bars of ink on ground: uint8 `[20, 40, 3]`."""
    pixels = np.empty([20, 40, 3], np.uint8)
    pixels[:], pixels[:, 5::10] = ground, ink
    return pixels


@pytest.mark.parametrize(
    ("ink", "ground", "lost"),
    [
        (RED, GREEN, True),
        ((255, 255, 0), WHITE, True),
        (BLUE, BLACK, True),
        (RED, WHITE, False),
        (BLUE, WHITE, False),
        (BLACK, WHITE, False),
        (WHITE, WHITE, False),
    ],
)
def test_edges_of_ink_as_bright_as_its_ground_are_lost(ink, ground, lost):
    assert (share_of_lost_edges(bars(ink, ground)) >= MIN_LOST_EDGES) == lost


def test_files_that_show_nothing_lose_nothing():
    gray = Image.fromarray(bars(BLACK, WHITE)).convert("L")
    files = [b"", b"no image", encoded(bars(RED, GREEN))[:80], encoded(gray), grey_png(7, (1, 1))]
    assert compare_with_gray(files).lost == 0
    assert compare_with_gray([]).lost == 0


@pytest.mark.parametrize(("count", "matter"), [(1, False), (2, True)])
def test_color_is_recommended_where_a_tenth_of_the_images_needs_it(report, count, matter):
    rows = [(encoded(bars(RED, GREEN)), "A")] * count + [(encoded(bars(RED, WHITE)), "A")] * 18
    facts = report(*rows)
    assert facts["gray_contrast"] == {"sampled": 18 + count, "lost": count}
    assert [("--color" in flags) for flags in facts["flags"].values()] == [matter] * 3
    told = "2 of 20 images looked at show in color what gray does not: --color"
    assert (told in report(*rows, as_json=False)) == matter
