"""The test loop: every record in order, a log line each, a summary at the end."""

from __future__ import annotations

import contextlib
import functools
import logging
import math
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import tensorflow as tf

from aocr.config import COLUMN_WIDTH, TEST_BATCH_SIZE, Config
from aocr.data import records
from aocr.data.dataset_scan import log_for_testing, scan
from aocr.data.record_files import expand
from aocr.evaluation import metrics
from aocr.evaluation.graph import EvalGraph, build_eval_graph
from aocr.evaluation.result import Result
from aocr.model import checkpoints
from aocr.model.postprocessing import character_steps
from aocr.report import predictions_file
from aocr.report.attention import save_attention
from aocr.report.html_report import Report
from aocr.util.errors import UserError
from aocr.util.session import open_session


class Display(NamedTuple):
    """What `evaluate` shows, besides a log line an image.

    Attributes:
        use_distance: the Accuracy of the lines is that of edit distances, else of exact matches.
        picture_dir: where pictures of the attention go; None: nowhere.
        predictions: file that gets a row an image, `.tsv` or `.jsonl`; None: none.
        report_dir: where a report in HTML goes; None: nowhere.
    """

    use_distance: bool = True
    picture_dir: str | None = None
    predictions: str | None = None
    report_dir: str | None = None


def evaluate(
    config: Config,
    paths: list[str],
    checkpoint: str,
    gpu_id: int,
    batch_size: int = TEST_BATCH_SIZE,
    display: Display = Display(),  # noqa: B008 (it is frozen)
) -> metrics.Summary:
    """Reads every record, logs a line each and a summary.

    Args:
        config: the model.
        paths: TFRecords: files, folders or globs.
        checkpoint: its weights.
        gpu_id: negative for the CPU.
        batch_size: images at a time; the lines do not depend on it.
        display: see `Display`.

    Raises:
        UserError: the checkpoint is of another model, no record, no package for the report, or a
            file that cannot be written.
    """
    files = expand(paths)
    facts = {"Checkpoint": checkpoint, "Dataset": ", ".join(paths)}
    with contextlib.ExitStack() as stack:  # first the outputs: what fails there is told at once
        shows = _shows(display, stack)
        report = Report(display.report_dir, facts) if display.report_dir else None
        if report:
            shows.append(report.add)
        found = scan(files, config)
        log_for_testing(found, config)
        undecodable = found.undecodable.record_indices
        model = build_eval_graph(config, files, undecodable, batch_size)
        opened = stack.enter_context(open_session(model.graph, gpu_id))
        checkpoints.restore(opened, checkpoint)
        tally = metrics.Tally()
        for tested in results(opened, model, frozenset(undecodable)):
            tally.add(tested.prediction, tested.label, tested.loss)
            _log_image(tested, tally, display.use_distance)
            for show in shows:
                show(tested)
    summary = tally.summary()
    _log_summary(summary)
    if report:
        report.write(summary)
    return summary


def _shows(display: Display, stack: contextlib.ExitStack) -> list[Callable[[Result], None]]:
    """What each image is given to, the report apart; the stack closes it."""
    shows: list[Callable[[Result], None]] = []
    if display.predictions is not None:
        shows.append(stack.enter_context(predictions_file.writing(display.predictions)))
    if display.picture_dir is not None:
        shows.append(functools.partial(_draw, picture_dir=display.picture_dir))
    return shows


def results(
    opened: tf.compat.v1.Session, model: EvalGraph, undecodable: frozenset[int]
) -> Iterator[Result]:
    """Reads every image of the graph's dataset, from its start, in order.

    Args:
        opened: a session on the model's graph, whose variables have their values.
        model: what reads.
        undecodable: places of the records whose images cannot be decoded: nothing is read there.
    """
    opened.run(model.start)
    while True:
        started = time.monotonic()
        try:
            batch, reading, losses = opened.run((model.batch, model.reading, model.losses))
        except tf.errors.OutOfRangeError:
            return
        seconds = (time.monotonic() - started) / len(losses)
        for n, place in enumerate(batch.record_indices):
            readable = place not in undecodable
            written = character_steps(reading.symbols[n]) & readable  # [S]
            label = records.text_of(batch.labels[n])
            spellable = batch.targets[n].any()
            yield Result(
                place=int(place),
                prediction=reading.text[n].decode() if readable else "",
                label=label,
                comment=records.text_of(batch.comments[n]),
                probability=float(reading.probability[n]) if readable else 0.0,
                character_probabilities=tuple(reading.step_probabilities[n][written].tolist()),
                loss=float(losses[n]) if readable and spellable else math.nan,
                attention=reading.attention[n][written],  # [S, T] --> [characters, T]
                columns=batch.widths[n] / COLUMN_WIDTH,
                encoded=batch.encoded[n],
                seconds=seconds,
            )


def _log_image(tested: Result, tally: metrics.Tally, use_distance: bool) -> None:
    """The line of COMPAT.md, section 4, with the running mean of the accuracy."""
    if use_distance:
        accuracy = metrics.edit_distance_accuracy(tested.prediction, tested.label)
        mean = tally.edit_distance_accuracy
    else:
        accuracy = metrics.exact_match(tested.prediction, tested.label)
        mean = tally.exact_match
    outcome = f"({tested.label})"
    if accuracy < 1:
        outcome = f"({tested.prediction} vs {tested.label}) {tested.comment}"
    logging.info(
        "Step %i (%.3fs). Accuracy: %s, loss: %f, perplexity: %s, probability: %s %s %s",
        tested.place + 1,
        tested.seconds,
        f"{mean:6.2%}",
        tested.loss,
        _seven_wide(metrics.perplexity(tested.loss)),
        f"{tested.probability:6.2%}",
        f"{accuracy:>4.0%}",
        outcome.rstrip() if accuracy < 1 else outcome,
    )


def _seven_wide(value: float) -> str:
    """Six digits, filled with zeros to seven places, as 0.7.6 prints a perplexity.

    A number with an exponent, which zeros at the end would change, is left as it is.
    """
    text = f"{value:.6}"
    return text if "e" in text or "n" in text else f"{text:0<7}"


def _draw(tested: Result, picture_dir: str) -> None:
    """Writes the pictures of one image; one that Pillow cannot draw is named and passed over."""
    if not tested.columns:
        return
    try:
        save_attention(
            output_dir=picture_dir,
            index=tested.place + 1,
            image=tested.encoded,
            attention=tested.attention,
            prediction=tested.prediction,
            label=tested.label,
            content_columns=tested.columns,
        )
    except UserError as error:
        logging.error("No picture: %s", error)


def _log_summary(summary: metrics.Summary) -> None:
    logging.info("Tested %i images: %i read exactly.", summary.images, summary.exact)
    for name, share in (
        ("Exact match", summary.exact_match),
        ("Exact match, case ignored", summary.exact_match_ignoring_case),
        ("Edit-distance accuracy", summary.edit_distance_accuracy),
        ("1-NED", summary.one_minus_ned),
        ("Character error rate", summary.character_error_rate),
    ):
        logging.info("%s: %.2f%%", name, 100 * share)
    if not math.isnan(summary.word_error_rate):
        logging.info("Word error rate: %.2f%%", 100 * summary.word_error_rate)
    loss, images = summary.loss, summary.images_with_loss
    logging.info("Mean teacher-forced loss: %f, over %i images", loss, images)
    logging.info("Perplexity: %f", summary.perplexity)
