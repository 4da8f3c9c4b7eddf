"""Rows of a test made up, the page about them, and that page taken apart."""

import base64
import html.parser
import os
import re
from typing import NamedTuple

import numpy as np
from helpers import encoded

from aocr.evaluation import metrics
from aocr.evaluation import result as tested
from aocr.report import html_report as report

COLUMNS = 20
GREY = encoded(np.tile(np.arange(0, 240, 2, dtype=np.uint8), [40, 1]))  # 120 x 40
VOID = {"meta", "img", "source"}


def row(label, prediction, place=0, probability=0.5, **changed):
    attention = np.eye(COLUMNS, dtype=np.float32)[np.arange(len(prediction)) % COLUMNS]
    options = {
        "comment": f"images/{place}.png",
        "character_probabilities": (probability,) * len(prediction),
        "loss": 0.25,
        "attention": attention,
        "columns": COLUMNS,
        "encoded": GREY,
        "seconds": 0.01,
    }
    return tested.Result(place, prediction, label, probability=probability, **(options | changed))


def summary_of(rows):
    tally = metrics.Tally()
    for each in rows:
        tally.add(each.prediction, each.label, each.loss)
    return tally.summary()


def page_of(rows, folder, **facts):
    made = report.Report(str(folder), facts)
    for each in rows:
        made.add(each)
    path = made.write(summary_of(rows))
    assert path == os.path.join(str(folder), "index.html")
    with open(path, encoding="utf-8") as file:
        return file.read()


class Page(NamedTuple):
    """A page taken apart."""

    tags: list[tuple[str, dict]]
    text: str
    cells: list[list[str]]


class Reader(html.parser.HTMLParser):
    """Takes a page apart; fails if an element is not closed where it should be."""

    def __init__(self):
        super().__init__()
        self.tags, self.open, self.texts, self.cells = [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.cells.append([])
        if tag in ("td", "th"):
            self.cells[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts.append(data)
        if {"td", "th"} & set(self.open):
            self.cells[-1][-1] += data


def read(page) -> Page:
    reader = Reader()
    reader.feed(page)
    assert not reader.open
    cells = [[" ".join(cell.split()) for cell in line] for line in reader.cells]
    return Page(reader.tags, " ".join("".join(reader.texts).split()), cells)


def file_of(address: str, kind: str) -> bytes:
    start = f"data:{kind};base64,"
    assert address.startswith(start)
    return base64.b64decode(address.removeprefix(start), validate=True)


def items(page: str) -> list[str]:
    return re.findall(r"<li>(.*?)</li>", page, re.DOTALL)
