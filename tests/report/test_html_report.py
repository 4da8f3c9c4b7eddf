"""The page of `aocr test --report`: what stands in it; that it is whole, and harmless."""

import functools
import math
import os
import re
import xml.etree.ElementTree

import pytest
from report_page import file_of, page_of, read, row
from results import summary_of

from aocr.evaluation.metrics import METRICS
from aocr.report import html_report as report
from aocr.report import plots as report_plots
from aocr.util.errors import UserError

pytest.importorskip("matplotlib", reason="a report needs matplotlib")
pytest.importorskip("jinja2", reason="a report needs jinja2")

ROWS = [
    row("ABC", "ABC", 0, 0.98),
    row("B8B", "888", 1, 0.95),
    row("AB", "ab", 2, 0.45),
    row("two words", "twowords", 3, 0.7),
    row("gone", "", 4, 0.0, columns=0, encoded=b"", loss=math.nan),
]


@pytest.fixture
def page_without_plots(tmp_path, monkeypatch):
    """As `page_of`, in a tenth of the time."""
    monkeypatch.setattr(report_plots, "_svg", lambda draw, colours: "data:image/svg+xml,")
    return functools.partial(page_of, folder=tmp_path)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Of `ROWS`."""
    facts = {"Model": "m & m", "Dataset": "d<b>"}
    return page_of(ROWS, tmp_path_factory.mktemp("report"), **facts)


# The whole page


def test_page_needs_nothing_from_elsewhere(page):
    tags = read(page).tags
    assert "script" not in {tag for tag, _ in tags}
    addresses = [
        attributes[name]
        for _, attributes in tags
        for name in ("src", "srcset", "href", "action", "data")
        if name in attributes
    ]
    assert addresses
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert "url(" not in page
    assert "@import" not in page


def test_facts_come_first_in_their_order(page):
    text = read(page).text
    assert re.search(
        r"Test report Model ?m & m Dataset ?d<b> Date ?\d{4}-\d\d-\d\d \d\d:\d\d", text
    )
    assert f"aocr {report.aocr.__version__}" in text


def test_metrics_and_their_intervals(page):
    page = read(page)
    rows = {cells[0]: cells[1:] for cells in page.cells if len(cells) == 3}
    assert rows["Exact match"] == ["20.00 %", "3.62 to 62.45 %"]
    assert rows["Exact match, case ignored"] == ["40.00 %", "11.76 to 76.93 %"]
    edits, characters = [0, 2, 2, 1, 4], [3, 3, 2, 9, 4]
    assert rows["Character error rate"][0] == f"{100 * sum(edits) / sum(characters):.2f} %"
    assert rows["Word error rate"][0] == f"{100 * (0 + 1 + 1 + 2 + 1) / 6:.2f} %"
    assert rows["Mean teacher-forced loss, of 4 images"] == ["0.2500", "–"]
    assert "1 of 5 images read exactly, 4 not." in page.text
    assert "1 image could not be decoded" in page.text


def test_every_metric_is_defined(page):
    text = read(page).text
    for metric in METRICS:
        assert metric.definition in text


def test_word_error_rate_is_not_shown_without_spaces(page_without_plots):
    page = read(page_without_plots(ROWS[:3]))
    assert "Word error rate" not in [cells[0] for cells in page.cells]


def test_table_of_label_lengths(page):
    page = read(page)
    start = page.cells.index(["Characters", "Images", "Read exactly", "95 % interval"])
    assert page.cells[start + 1 : start + 5] == [
        ["2", "1", "0.00 %", "0.0 to 79.3 %"],
        ["3", "2", "50.00 %", "9.5 to 90.5 %"],
        ["4", "1", "0.00 %", "0.0 to 79.3 %"],
        ["9", "1", "0.00 %", "0.0 to 79.3 %"],
    ]


def test_confusions_and_what_is_not_counted_among_them(page):
    page = read(page)
    start = page.cells.index(["True", "Read as", "Times", "Share"])
    assert page.cells[start + 1 : start + 5] == [
        ["B", "8", "2", "50.00 %"],
        ["␣", "nothing", "1", "100.00 %"],
        ["A", "a", "1", "50.00 %"],
        ["B", "b", "1", "25.00 %"],
    ]
    assert "true character. Images that could not" in page.text
    assert "In 17 characters of the labels: 4 read as others" in page.text
    assert "g" not in [cells[0] for cells in page.cells]  # of the image that was not decoded


def test_invisible_and_combining_characters_are_named(page_without_plots):
    rows = [row("a\u200bb", "ab"), row("e\u0301", "e"), row("", "\n", 2)]
    cells = read(page_without_plots(rows)).cells
    assert ["<U+200B> U+200B ZERO WIDTH SPACE", "nothing", "1", "100.00 %"] in cells
    assert ["\u25cc\u0301 U+0301 COMBINING ACUTE ACCENT", "nothing", "1", "100.00 %"] in cells
    assert ["nothing", "<U+000A> U+000A control character", "1", "–"] in cells


def test_only_the_most_frequent_confusions_are_listed(page_without_plots):
    rows = [row(chr(0x4E00 + n), "x", n) for n in range(report.MAX_CONFUSIONS + 3)]
    page = read(page_without_plots(rows))
    assert len([line for line in page.cells if line[1:] == ["x", "1", "100.00 %"]]) == 40
    assert "3 other confusions, none of them more frequent." in page.text


def test_calibration_is_of_what_was_read(page):
    page = read(page)
    assert "over 4 predictions" in page.text
    squares = (0.98 - 1) ** 2 + 0.95**2 + 0.45**2 + 0.7**2
    assert f"Brier score {squares / 4:.4f}" in page.text
    assert ["90–100 %", "2", "96.50 %", "50.00 %"] in page.cells
    assert ["0–10 %", "0", "–", "–"] in page.cells


def test_plots_are_drawn_for_light_and_for_dark(page):
    tags = read(page).tags
    dark = [a for tag, a in tags if tag == "source"]
    light = [a for tag, a in tags if tag == "img" and "svg" in a["src"]]
    assert len(dark) == len(light) == 2
    for one, other in zip(dark, light, strict=True):
        assert one["media"] == "(prefers-color-scheme: dark)"
        files = file_of(one["srcset"], "image/svg+xml"), file_of(other["src"], "image/svg+xml")
        assert files[0] != files[1]
        for file in files:
            assert xml.etree.ElementTree.fromstring(file).tag.endswith("svg")
        assert other["alt"]


@pytest.mark.parametrize("attack", ["<script>alert(1)</script>", '"><img src=x onerror=x>', "&lt;"])
def test_markup_in_texts_is_shown_not_obeyed(page_without_plots, attack):
    rows = [row(attack, "x", 0, comment=attack), row("y", attack, 1), row(attack, "", 2)]
    page = page_without_plots(rows, **{attack: attack})
    whole = read(page)
    assert {tag for tag, _ in whole.tags} & {"script", "iframe"} == set()
    assert not any("onerror" in attributes for _, attributes in whole.tags)
    assert all(a["src"].startswith("data:") for tag, a in whole.tags if tag == "img")
    assert attack in whole.text


def test_path_that_is_no_text_does_not_stop_it(page_without_plots):
    assert "d?" in page_without_plots(ROWS, Dataset="d\udcff")


# Odd runs


@pytest.mark.parametrize(
    "rows",
    [
        ROWS[:1],
        ROWS[1:2],
        ROWS[4:],
        ROWS[1:],
        [],
        [row("", "")],
        [row("", "", loss=math.inf), row("A", "A", probability=1.0000001)],
    ],
    ids=["right", "wrong", "undecodable", "all wrong", "nothing", "empty", "extreme"],
)
def test_odd_runs_are_reported(tmp_path, rows):
    page = read(page_of(rows, tmp_path))
    assert "nan" not in page.text.lower().split()
    assert len([tag for tag, _ in page.tags if tag == "section"]) == 5


def test_no_mistake(page_without_plots):
    assert "Mistakes None." in read(page_without_plots(ROWS[:1])).text.replace("sNone", "s None")


def test_an_earlier_report_is_replaced(page_without_plots, tmp_path):
    page_without_plots(ROWS, Dataset="earlier")
    page = page_without_plots(ROWS[:1], Dataset="later")
    assert "earlier" not in page
    assert os.listdir(tmp_path) == ["index.html"]


def test_a_page_of_another_program_stays(tmp_path):
    (tmp_path / "index.html").write_text("<title>mine</title>")
    with pytest.raises(UserError, match="has an index.html of another program: name another"):
        report.Report(str(tmp_path), {})


def test_folder_need_not_be_local():
    made = report.Report("ram://reports/new", {})
    made.add(ROWS[0])
    assert made.write(summary_of(ROWS[:1])) == "ram://reports/new/index.html"


def test_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot write the report --report=.*file/below"):
        report.Report(str(tmp_path / "file" / "below"), {})


def test_missing_package_is_named_before_anything_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(report.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install jinja2 matplotlib"):
        report.Report(str(tmp_path / "new"), {})
    assert not (tmp_path / "new").exists()
