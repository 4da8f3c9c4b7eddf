"""Tests which mistakes a report shows, in which order, and what it shows of each."""

import functools
import io
import re

import numpy as np
import pytest
from PIL import Image
from report_page import file_of, items, page_of, read, row
from results import summary_of

from aocr.report import html_report as report
from aocr.report import mistakes as report_mistakes
from aocr.report import plots as report_plots

pytest.importorskip("matplotlib", reason="a report needs matplotlib")
pytest.importorskip("jinja2", reason="a report needs jinja2")


@pytest.fixture
def page_without_plots(tmp_path, monkeypatch):
    """As `page_of`, in a tenth of the time."""
    monkeypatch.setattr(report_plots, "_svg", lambda draw, colours: "data:image/svg+xml,")
    return functools.partial(page_of, folder=tmp_path)


def test_mistakes_are_ranked_by_probability_then_by_edits(page_without_plots):
    rows = [
        row("AB", "AX", 0, 0.9),
        row("AB", "XY", 1, 0.9),
        row("AB", "Y", 2, 0.95),
        row("AB", "AB", 3, 0.99),
        row("AB", "XZ", 4, 0.9),
    ]
    page = page_without_plots(rows)
    assert [re.search(r"images/(\d)", item)[1] for item in items(page)] == ["2", "1", "4", "0"]
    assert "All 4, the most confident first." in read(page).text


def test_only_the_worst_are_kept(tmp_path):
    most = report_mistakes.MAX_MISTAKES
    made = report.Report(str(tmp_path), {})
    rows = [row("A", "B", n, n / 1000, columns=0) for n in range(most + 40)]
    for each in rows:
        made.add(each)
    assert [result.place for result in made._mistakes.ranked()] == list(range(99, 39, -1))
    made.write(summary_of(rows))
    page = (tmp_path / "index.html").read_text()
    assert len(items(page)) == most
    assert "The 60 most confident of 100 mistakes" in read(page).text


def test_a_mistake_is_shown_with_all_there_is(page_without_plots):
    page = page_without_plots([row("B8 B", "88XB", 41, 0.95)])
    (item,) = items(page)
    assert '<bdi class="text"><ins>B</ins>8<ins>␣</ins>B</bdi>' in item
    assert '<bdi class="text"><del>8</del>8<del>X</del>B</bdi>' in item
    assert 'title="95.0 %, U+0058 LATIN CAPITAL LETTER X">X</span>' in item
    assert "95.00 %, 2 edits from the label" in item
    assert '42, <bdi dir="ltr">images/41.png</bdi>' in item
    picture, *views = [a["src"] for tag, a in read(item).tags if tag == "img"]
    assert Image.open(io.BytesIO(file_of(picture, "image/png"))).size == (240, 80)
    assert len(views) == 4


def test_views_are_bright_where_the_model_looked(page_without_plots):
    (item,) = items(page_without_plots([row("?", "AB", attention=np.eye(20)[[2, 17]])]))
    views = [a["src"] for tag, a in read(item).tags if tag == "img"][1:]
    for view, middle in zip(views, (2.5 / 20, 17.5 / 20), strict=True):
        bar = np.asarray(Image.open(io.BytesIO(file_of(view, "image/jpeg"))).convert("L"))[-4]
        assert np.argmax(bar) / len(bar) == pytest.approx(middle, abs=0.05)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"columns": 0}, "no image: it could not be decoded"),
        ({"encoded": b"not an image"}, "no image: Pillow cannot draw it"),
    ],
)
def test_mistake_without_an_image(page_without_plots, changed, reason):
    (item,) = items(page_without_plots([row("AB", "", **changed)]))
    assert reason in item
    assert "<img" not in item


@pytest.mark.parametrize(
    ("prediction", "label", "shown"),
    [("AB", "", "Label empty Prediction AB"), ("", "AB", "Label AB Prediction empty Probability")],
)
def test_empty_texts(page_without_plots, prediction, label, shown):
    text = read(items(page_without_plots([row(label, prediction)]))[0]).text
    assert shown in re.sub(r"(Label|Prediction)", r"\1 ", text).replace("  ", " ")


def test_attention_of_long_predictions_is_cut(page_without_plots):
    (item,) = items(page_without_plots([row("A" * 167, "B" * 167)]))
    assert item.count("<figure>") == report_mistakes.MAX_VIEWS == 32
    assert "and 135 more characters" in item
    assert item.count('class="doubt"') == 167
    assert f"<del>{'B' * 167}</del>" in item


def test_invisible_characters_in_texts(page_without_plots):
    page = page_without_plots([row("e\u0301a\u200b b", "eab\u00a0")])
    (item,) = items(page)
    assert "e<ins>\u25cc\u0301</ins>a<ins>" in item
    assert "&lt;U+200B&gt;" in item
    assert "&lt;U+00A0&gt;" in item


def test_texts_of_any_direction_are_isolated(page_without_plots):
    (item,) = items(page_without_plots([row("سلام", "سلم")]))
    assert '<bdi class="text">سل<ins>ا</ins>م</bdi>' in item
    assert '<bdi class="text">سلم</bdi>' in item
