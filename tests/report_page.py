"""Writes a report on results made by hand, and parses it."""

import base64
import html.parser
import os
import re
from typing import NamedTuple

from results import result_of, summary_of

from aocr.report import html_report as report

VOID = {"meta", "img", "source"}


def row(label, prediction, place=0, probability=0.5, **changed):
    """Returns a result with the label first, as the tables of the report have it."""
    return result_of(prediction, label, place=place, probability=probability, **changed)


def page_of(rows, folder, **facts):
    """Returns the HTML of the report on results."""
    made = report.Report(str(folder), facts)
    for each in rows:
        made.add(each)
    path = made.write(summary_of(rows))
    assert path == os.path.join(str(folder), "index.html")
    with open(path, encoding="utf-8") as file:
        return file.read()


class Page(NamedTuple):
    """Holds the parts of a page: its tags with their attributes, its text, its table cells."""

    tags: list[tuple[str, dict]]
    text: str
    cells: list[list[str]]


class Reader(html.parser.HTMLParser):
    """Parses a page; fails if an element is not closed where it should be."""

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
    """Parses a page."""
    reader = Reader()
    reader.feed(page)
    assert not reader.open
    cells = [[" ".join(cell.split()) for cell in line] for line in reader.cells]
    return Page(reader.tags, " ".join("".join(reader.texts).split()), cells)


def file_of(address: str, kind: str) -> bytes:
    """Returns the file in a data: URI of this media type."""
    start = f"data:{kind};base64,"
    assert address.startswith(start)
    return base64.b64decode(address.removeprefix(start), validate=True)


def items(page: str) -> list[str]:
    """Returns the HTML of each mistake."""
    return re.findall(r"<li>(.*?)</li>", page, re.DOTALL)
