"""A new model whose CTC reads from the wrong side is told."""

import logging

import pytest

from aocr.training.options import ModelChoice, Run
from aocr.training.start.model_choice import choose_config

HEBREW, ARABIC, LATIN = "אבגדהוזחט יכלמנ 0123456789", "ابتث", "abcdefghijklmnopqrstuvwxyz"
FROM_THE_LEFT = "but CTC reads columns from the left: give --direction=rtl"
FROM_THE_RIGHT = "but no letter of the charset is read from right to left: give --direction=ltr"


@pytest.mark.parametrize(
    ("given", "warning"),
    [
        ({"decoder": "ctc", "characters": HEBREW}, FROM_THE_LEFT),
        ({"decoder": "joint", "characters": ARABIC}, FROM_THE_LEFT),
        ({"decoder": "joint", "characters": HEBREW + LATIN}, FROM_THE_LEFT),
        ({"decoder": "joint", "characters": ARABIC, "direction": "rtl"}, None),
        ({"decoder": "ctc", "characters": LATIN + "א"}, None),
        ({"decoder": "ctc", "characters": "0123"}, None),
        ({"characters": HEBREW}, None),
        ({"decoder": "ctc", "characters": LATIN, "direction": "rtl"}, FROM_THE_RIGHT),
        ({"characters": LATIN, "direction": "rtl"}, None),
    ],
)
def test_a_new_model_whose_ctc_reads_from_the_wrong_side_is_told(tmp_path, caplog, given, warning):
    run = Run([], [], str(tmp_path), None, True, None, -1, "float32")
    with caplog.at_level(logging.WARNING):
        choose_config(run, ModelChoice(given=given))
    told = [each.split(", ", 1)[1] for each in caplog.messages]
    assert [each.split(", unless")[0] for each in told] == ([warning] if warning else [])
