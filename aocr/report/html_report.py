"""Writes the page of `aocr test --report`: one HTML file that contains everything."""

from __future__ import annotations

import datetime
import importlib.util
import math
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

import aocr
from aocr.evaluation.alignment import Confusion, Confusions, align
from aocr.evaluation.calibration import Calibration
from aocr.evaluation.metric_sums import Interval, Measurement, Summary
from aocr.evaluation.metrics import METRICS, Result
from aocr.report import PAGE, plots
from aocr.report.accuracy_by_length import LengthCounts
from aocr.report.mistakes import WorstMistakes, describe_mistake
from aocr.util.errors import UserError, first_line
from aocr.util.paths.files import write_atomically
from aocr.util.text.characters import describe_character, visible_character
from aocr.util.text.plurals import counted, counted_in_groups

if TYPE_CHECKING:
    import jinja2

REQUIRED_PACKAGES = ("jinja2", "matplotlib")
MAX_CONFUSIONS = 40

TITLE, MOST_BYTES_BEFORE_TITLE = "<title>aocr test report</title>", 1000
"""What the page is recognized by, and the number of bytes that it stands in."""


class ConfusedCharacter(NamedTuple):
    """Holds one side of a confusion; all fields are empty if there is no character.

    Attributes:
        text: the character, made visible.
        title: its code point and name.
        note: the title again, if the text does not show which character it is.
    """

    text: str = ""
    title: str = ""
    note: str = ""


class ConfusionRow(NamedTuple):
    """Holds a confusion as the page shows it."""

    true: ConfusedCharacter
    read: ConfusedCharacter
    times: int
    share: float | None


class MetricRow(NamedTuple):
    """Holds the texts of one row of the table; the interval is empty if there is none."""

    title: str
    value: str
    interval: str


class Report:
    """Collects the results of a test and writes the page.

    Its memory does not grow with the number of images.

    Args:
        folder: folder for the page, local or remote; it is created.
        facts: descriptions of the run by their titles, shown in this order.

    Raises:
        UserError: a package is missing, the folder cannot be created, or it holds a page of another
            program.
    """

    def __init__(self, folder: str, facts: dict[str, str]) -> None:
        _require_packages()
        self._folder, self._facts = folder, facts
        self._started = datetime.datetime.now().astimezone()
        self._undecodable = 0
        self._lengths = LengthCounts()
        self._confusions, self._calibration = Confusions(), Calibration()
        self._mistakes = WorstMistakes()
        try:
            tf.io.gfile.makedirs(folder)
            is_foreign = _holds_another_page(folder)
        except tf.errors.OpError as error:
            raise _unwritable(folder, error) from error
        if is_foreign:
            raise UserError(f"--report={folder} has an {PAGE} of another program: name another")

    def add(self, result: Result) -> None:
        """Adds one image, in the order of the dataset."""
        self._lengths.add(len(result.label), result.exact)
        if result.decoded:
            self._calibration.add(result.probability, result.exact)
            self._confusions.add(result.label, align(result.label, result.prediction))
        else:  # The model read nothing, so there is neither a probability nor a confusion.
            self._undecodable += 1
        if not result.exact:
            self._mistakes.add(result)

    def write(self, summary: Summary) -> str:
        """Writes the page and returns its path.

        Args:
            summary: summary of the images that were added.

        Raises:
            UserError: the page cannot be written.
        """
        path: str = tf.io.gfile.join(self._folder, PAGE)
        page = self._page(summary).encode(errors="replace")  # paths may contain invalid UTF-8
        try:
            write_atomically(path, page)
        except tf.errors.OpError as error:
            raise _unwritable(self._folder, error) from error
        return path

    def _page(self, summary: Summary) -> str:
        """Returns the page as HTML."""
        groups, bins = self._lengths.groups(), self._calibration.bins
        confusions = self._confusions.ranked()
        return _template().render(
            title=TITLE,
            version=aocr.__version__,
            date=f"{self._started:%Y-%m-%d %H:%M %z}",
            facts=self._facts,
            summary=summary,
            undecodable=self._undecodable,
            metric_rows=metric_rows(summary),
            metrics=METRICS,
            groups=groups,
            lengths_plot=plots.accuracy_by_length(groups) if groups else None,
            characters=self._confusions.occurrences.total(),
            substitutions=self._confusions.substitutions,
            insertions=self._confusions.insertions,
            deletions=self._confusions.deletions,
            confusions=[_confusion_row(each) for each in confusions[:MAX_CONFUSIONS]],
            confusions_left_out=max(0, len(confusions) - MAX_CONFUSIONS),
            calibration=self._calibration,
            reliability_plot=plots.reliability(bins) if self._calibration.count else None,
            mistakes=[describe_mistake(result) for result in self._mistakes.ranked()],
            mistakes_in_all=self._mistakes.count,
        )


def _holds_another_page(folder: str) -> bool:
    """Returns whether a folder has a page that is not such a report."""
    path = tf.io.gfile.join(folder, PAGE)
    if not tf.io.gfile.exists(path):
        return False
    with tf.io.gfile.GFile(path, "rb") as file:
        return TITLE.encode() not in file.read(MOST_BYTES_BEFORE_TITLE)


def _template() -> jinja2.Template:
    """Returns the template of the page, which escapes every inserted text."""
    import jinja2  # an optional dependency

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("aocr", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        number="{:,}".format,
        counted=counted_in_groups,
        percent=_percent,
        percent_range=_percent_range,
    )
    return environment.get_template("report.html")


def _percent(share: float) -> str:
    """Returns `12.34 %`."""
    return f"{100 * share:.2f} %"


def _percent_range(interval: Interval) -> str:
    """Returns `12.3 to 45.6 %`."""
    return f"{100 * interval.low:.1f} to {100 * interval.high:.1f} %"


def metric_rows(summary: Summary) -> list[MetricRow]:
    """Returns a row for each metric; metrics that are NaN are left out."""
    return [
        _metric_row(measurement, summary.images)
        for measurement in summary.measurements.values()
        if not math.isnan(measurement.value)
    ]


def _metric_row(measurement: Measurement, images: int) -> MetricRow:
    """Returns the row of a metric.

    Args:
        measurement: the metric.
        images: number of images tested; the title says if fewer have this metric.
    """
    metric, unit = measurement.metric, measurement.metric.unit
    title = metric.title
    if measurement.images < images:
        title += f", of {counted(measurement.images, 'image')}"
    value = unit.report.format(unit.factor * measurement.value) + unit.symbol
    if measurement.interval is None:
        return MetricRow(title, value, "")
    ends = (unit.report.format(unit.factor * end) for end in measurement.interval)
    return MetricRow(title, value, " to ".join(ends) + unit.symbol)


def _confusion_row(confusion: Confusion) -> ConfusionRow:
    """Returns the row of a confusion."""
    true, read = _confused_character(confusion.true), _confused_character(confusion.read)
    return ConfusionRow(true, read, confusion.times, confusion.share)


def _confused_character(character: str) -> ConfusedCharacter:
    """Returns one side of a confusion, with a note for combining and invisible characters."""
    if not character:
        return ConfusedCharacter()
    recognizable = character == " " or unicodedata.category(character)[0] not in "CMZ"
    title = describe_character(character)
    return ConfusedCharacter(visible_character(character), title, "" if recognizable else title)


def _require_packages() -> None:
    """Raises a `UserError` if a package that the report needs is missing."""
    missing = [name for name in REQUIRED_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        names = " ".join(missing)
        raise UserError(f"--report needs packages that are not installed: pip install {names}")


def _unwritable(folder: str, error: tf.errors.OpError) -> UserError:
    """Returns the error for a report that cannot be written."""
    reason = first_line(error)
    return UserError(f"cannot write the report --report={folder}: {reason}")
