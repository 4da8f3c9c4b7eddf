"""The rows of a report's headline table."""

import math
import re

from report_page import row
from results import summary_of

from aocr.evaluation.metric_sums import Z
from aocr.report.html_report import metric_rows


def test_intervals_hold_the_values_and_stay_possible():
    rows = [row("ABCD", "ABCX"), row("A", "XYZ"), row("AB", "AB")] * 3
    for name, value, interval in metric_rows(summary_of(rows)):
        if interval:
            low, high = map(float, re.findall(r"[\d.]+", interval))
            assert low <= float(value.split()[0]) <= high, name
            assert high <= 100 or "rate" in name


def rows_of(*rows):
    return {name: (value, interval) for name, value, interval in metric_rows(summary_of(rows))}


def test_interval_of_the_error_rate_by_hand():
    # ratio 2 / 8 of the pairs (0, 4) and (2, 4): 0.25 +- Z sqrt(2 / 1 * 2) / 8, cut at 0
    table = rows_of(row("ABCD", "ABCD"), row("ABCD", "ABXY"))
    assert table["Character error rate"] == ("25.00 %", f"0.00 to {25 + 100 * Z * 2 / 8:.2f} %")


def test_interval_of_the_perplexity_is_that_of_the_loss():
    table = rows_of(row("A", "A", loss=0.1), row("A", "A", loss=0.3))
    ends = [0.2 - Z * 0.1, 0.2 + Z * 0.1]
    assert table["Mean teacher-forced loss"] == (
        "0.2000",
        " to ".join(f"{end:.4f}" for end in ends),
    )
    powers = " to ".join(f"{math.exp(end):.4g}" for end in ends)
    assert table["Perplexity"] == (f"{math.exp(0.2):.4g}", powers)


def test_what_is_not_a_number_is_left_out():
    table = rows_of(row("", "A", loss=math.nan))
    assert list(table) == [
        "Exact match",
        "Exact match, case ignored",
        "Edit-distance accuracy",
        "1-NED",
    ]
    assert rows_of() == {}


def test_title_says_how_many_images_have_a_loss():
    rows = [row("A", "A"), row("B", "B", loss=math.nan)]
    titles = list(rows_of(*rows))
    assert titles[-2:] == ["Mean teacher-forced loss, of 1 image", "Perplexity, of 1 image"]
