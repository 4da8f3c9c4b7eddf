"""Drawing in processes: the same bytes for any number of them, and errors that come through."""

import pytest

from aocr.synthesis.drawing.image import Plan
from aocr.synthesis.drawing.processes import CHUNK, drawing
from aocr.synthesis.fonts.choice import FontFile
from aocr.synthesis.fonts.files import coverage
from aocr.synthesis.options import BUILT_IN, LookOptions
from aocr.synthesis.texts.sources import WordList
from aocr.util.errors import UserError

FONTS = coverage([FontFile(BUILT_IN)], "AB")


def plan_of(words=("AB", "BA", "A"), backgrounds=()):
    return Plan(WordList(words, 1), FONTS, LookOptions(), backgrounds, None, seed=2)


def draw(plan, count, processes):
    with drawing(plan, count, processes) as images:
        return list(images)


def test_any_number_of_processes_draws_the_same():
    count = 3 * CHUNK + 5
    one = draw(plan_of(), count, 1)
    assert len(one) == count
    assert draw(plan_of(), count, 3) == one


def test_an_error_in_a_process_is_raised_here(tmp_path):
    bad = str(tmp_path / "none.png")
    with pytest.raises(UserError, match=r"none of 1 image can be decoded: .*none.png"):
        draw(plan_of(backgrounds=(bad,)), 2 * CHUNK, 2)


def test_texts_that_no_font_can_draw_end_in_an_error():
    with pytest.raises(UserError, match="no font has all characters of any of 1000 texts"):
        draw(plan_of(words=("C", "")), 1, 1)


def test_no_process_outlives_the_block():
    import multiprocessing

    with drawing(plan_of(), 100_000, 2) as images:
        next(images)
        assert len(multiprocessing.active_children()) == 2
    assert multiprocessing.active_children() == []
