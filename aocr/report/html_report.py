"""`aocr test --report`: one HTML page about a test, with everything in it."""

from __future__ import annotations

import datetime
import importlib.util
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

import aocr
from aocr.evaluation import metrics
from aocr.evaluation.alignment import Confusion, Confusions, align
from aocr.evaluation.calibration import Calibration
from aocr.evaluation.confidence_intervals import Interval
from aocr.evaluation.result import Result
from aocr.report import plots as report_plots
from aocr.report.accuracy_by_length import Lengths
from aocr.report.metrics_table import Intervals
from aocr.report.mistakes import Worst, mistake_of
from aocr.util.characters import describe_character, visible_character
from aocr.util.errors import UserError, first_line
from aocr.util.files import replacing

if TYPE_CHECKING:
    import jinja2

PAGE = "index.html"
NEEDED = ("jinja2", "matplotlib")
MOST_CONFUSIONS = 40


class Character(NamedTuple):
    """A side of a confusion; all empty where nothing stands.

    Attributes:
        text: as it is drawn.
        title: code point and name.
        note: the same, where the drawing alone does not tell the character.
    """

    text: str = ""
    title: str = ""
    note: str = ""


class Row(NamedTuple):
    """A confusion as the template shows it."""

    true: Character
    read: Character
    times: int
    share: float | None


class Report:
    """Counts the images of a test, keeps the worst mistakes, writes a page.

    What is kept does not grow with the number of images.

    Args:
        folder: where the page goes; made if it is not there.
        facts: about the run, shown in their order.

    Raises:
        UserError: a package is missing, or the folder cannot be made.
    """

    def __init__(self, folder: str, facts: dict[str, str]) -> None:
        _require_packages()
        self._folder, self._facts = folder, facts
        self._started = datetime.datetime.now().astimezone()
        self._undecodable = 0
        self._intervals, self._lengths = Intervals(), Lengths()
        self._confusions, self._calibration = Confusions(), Calibration()
        self._worst = Worst()
        try:
            tf.io.gfile.makedirs(folder)
        except tf.errors.OpError as error:
            raise _unwritable(folder, error) from error

    def add(self, tested: Result) -> None:
        """Counts one image, in the order of the dataset."""
        exact = tested.prediction == tested.label
        self._intervals.add(tested)
        self._lengths.add(len(tested.label), exact)
        if tested.columns:
            self._calibration.add(tested.probability, exact)
            self._confusions.add(tested.label, align(tested.label, tested.prediction))
        else:  # nothing was read: neither a probability nor a character says anything
            self._undecodable += 1
        if not exact:
            self._worst.add(tested)

    def write(self, summary: metrics.Summary) -> str:
        """Writes the page.

        Args:
            summary: of the images added.

        Returns:
            Its path.

        Raises:
            UserError: it cannot be written.
        """
        path: str = tf.io.gfile.join(self._folder, PAGE)
        # a path may hold bytes that are no text
        page = self._page(summary).encode(errors="replace")
        try:
            with replacing([path]) as (temporary,), tf.io.gfile.GFile(temporary, "wb") as file:
                file.write(page)
        except tf.errors.OpError as error:
            raise _unwritable(self._folder, error) from error
        return path

    def _page(self, summary: metrics.Summary) -> str:
        """The HTML."""
        groups, bins = self._lengths.groups(), self._calibration.bins
        confusions = self._confusions.ranked()
        return _template().render(
            version=aocr.__version__,
            date=f"{self._started:%Y-%m-%d %H:%M %z}",
            facts=self._facts,
            summary=summary,
            undecodable=self._undecodable,
            rows=self._intervals.rows(summary),
            groups=groups,
            lengths_plot=report_plots.accuracy_by_length(groups) if groups else None,
            characters=self._confusions.occurrences.total(),
            substitutions=self._confusions.substitutions,
            insertions=self._confusions.insertions,
            deletions=self._confusions.deletions,
            confusions=[_row(confusion) for confusion in confusions[:MOST_CONFUSIONS]],
            confusions_left_out=max(0, len(confusions) - MOST_CONFUSIONS),
            calibration=self._calibration,
            reliability_plot=report_plots.reliability(bins) if self._calibration.count else None,
            mistakes=[mistake_of(ranked) for ranked in self._worst.ranked()],
            mistakes_in_all=self._worst.count,
        )


def _template() -> jinja2.Template:
    """What it inserts is escaped, whoever wrote it."""
    import jinja2  # an optional dependency

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("aocr", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        counted="{:,}".format, images=_images, percent=_percent, percent_range=_percent_range
    )
    return environment.get_template("report.html")


def _images(count: int) -> str:
    return f"{count:,} image" + "s" * (count != 1)


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _percent_range(interval: Interval) -> str:
    return f"{100 * interval.low:.1f} to {100 * interval.high:.1f} %"


def _row(confusion: Confusion) -> Row:
    return Row(_side(confusion.true), _side(confusion.read), confusion.times, confusion.share)


def _side(character: str) -> Character:
    """A space is known by its open box; what else is invisible, and marks, by their names."""
    if not character:
        return Character()
    telling = character == " " or unicodedata.category(character)[0] not in "CMZ"
    title = describe_character(character)
    return Character(visible_character(character), title, "" if telling else title)


def _require_packages() -> None:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        names = " ".join(missing)
        raise UserError(f"--report needs packages that are not installed: pip install {names}")


def _unwritable(folder: str, error: tf.errors.OpError) -> UserError:
    reason = first_line(error)
    return UserError(f"cannot write the report --report={folder}: {reason}")
