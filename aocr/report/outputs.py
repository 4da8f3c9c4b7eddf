"""Opens the outputs of a test before any image is read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

from aocr.evaluation.evaluator import Observer
from aocr.report.attention import AttentionPictures
from aocr.report.html_report import Report
from aocr.report.predictions_file import open_predictions_file


class OutputPaths(NamedTuple):
    """Names the outputs of a test; None for an output that is not wanted.

    Attributes:
        predictions: file with a row for each image, `.tsv` or `.jsonl`.
        pictures: folder for pictures of the attention.
        report: folder for the HTML report.
        readings: readings of each image in the file of the predictions.
    """

    predictions: str | None = None
    pictures: str | None = None
    report: str | None = None
    readings: int = 1


@contextlib.contextmanager
def open_outputs(
    paths: OutputPaths, facts: dict[str, str]
) -> Iterator[tuple[list[Observer], Report | None]]:
    """Opens the outputs; the predictions file appears under its name when the block ends.

    Yields the functions that receive the result of each image, and the HTML report, if it is
    wanted; it is one of them, and is to be written after the block.

    Args:
        paths: the outputs that are wanted.
        facts: descriptions of the run for the HTML report, by their titles.

    Raises:
        UserError: an output cannot be written, or a package for the HTML report is missing.
    """
    observers: list[Observer] = []
    report = None
    with contextlib.ExitStack() as stack:
        if paths.predictions is not None:
            file = open_predictions_file(paths.predictions, paths.readings)
            observers.append(stack.enter_context(file))
        if paths.report is not None:
            report = Report(paths.report, facts)
            observers.append(report.add)
        if paths.pictures is not None:
            observers.append(AttentionPictures(paths.pictures).add)
        yield observers, report
