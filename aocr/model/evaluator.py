"""The test loop: every record in order, a log line each, a summary at the end."""

from __future__ import annotations

import functools
import logging
import math
import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from aocr.defaults import COLUMN_WIDTH, TEST_BATCH_SIZE, Config
from aocr.model import image, session
from aocr.model.graph import EvalGraph, build_eval_graph
from aocr.util import metrics, records
from aocr.util.charset import EOS_ID, FIRST_CHARACTER_ID
from aocr.util.dataset_files import expand
from aocr.util.errors import UserError
from aocr.util.survey import log_for_testing, survey
from aocr.util.visualizations import save_attention


class Tested(NamedTuple):
    """One image and what was read from it.

    Attributes:
        place: of the record in the dataset, from 0.
        prediction, label, comment: texts; the comment is the image's path, or empty.
        probability: of the prediction.
        loss: teacher-forced; NaN for a label that the model cannot spell.
        attention: `[characters, T]`.
        columns: how many of the T columns hold the image, padding apart; 0 without an image.
        encoded: the image file.
        seconds: its share of its batch's time.
    """

    place: int
    prediction: str
    label: str
    comment: str
    probability: float
    loss: float
    attention: np.ndarray
    columns: float
    encoded: bytes
    seconds: float


class Display(NamedTuple):
    """What `evaluate` shows: the measure of its Accuracy, and where pictures go (None: nowhere)."""

    use_distance: bool = True
    picture_dir: str | None = None


def evaluate(
    config: Config,
    paths: list[str],
    model_dir: str,
    gpu_id: int,
    batch_size: int = TEST_BATCH_SIZE,
    display: Display = Display(),  # noqa: B008 (it is frozen)
) -> metrics.Tally:
    """Reads every record, logs a line each and a summary.

    Args:
        config: the model.
        paths: TFRecords: files, folders or globs.
        model_dir: where its checkpoints are.
        gpu_id: negative for the CPU.
        batch_size: images at a time; the lines do not depend on it.
        display: see `Display`.

    Raises:
        UserError: no checkpoint, or no record.
    """
    session.require_checkpoint(model_dir)
    decode, files = functools.partial(image.decode, channels=config.channels), expand(paths)
    found = survey(files, config, decode, session.open_on_cpu)
    log_for_testing(found, config)
    model = build_eval_graph(config, files, found.undecodable.places, batch_size)
    tally = metrics.Tally()
    with session.open_session(model.graph, gpu_id) as opened:
        session.restore(opened, model_dir)
        for tested in _results(opened, model, frozenset(found.undecodable.places)):
            tally.add(tested.prediction, tested.label, tested.loss)
            _log_image(tested, tally, display.use_distance)
            if display.picture_dir is not None and tested.columns:
                _draw(tested, display.picture_dir)
    _log_summary(tally)
    return tally


def _results(
    opened: tf.compat.v1.Session, model: EvalGraph, undecodable: frozenset[int]
) -> Iterator[Tested]:
    """Every image of every batch, in order."""
    opened.run(model.start)
    while True:
        started = time.monotonic()
        try:
            batch, reading, losses = opened.run((model.batch, model.reading, model.losses))
        except tf.errors.OutOfRangeError:
            return
        seconds = (time.monotonic() - started) / len(losses)
        for n, place in enumerate(batch.place):
            readable = place not in undecodable
            label = records.text_of(batch.labels[n])
            spellable = batch.targets[n].any()
            yield Tested(
                place=int(place),
                prediction=reading.text[n].decode() if readable else "",
                label=label,
                comment=records.text_of(batch.comments[n]),
                probability=float(reading.probability[n]) if readable else 0.0,
                loss=float(losses[n]) if readable and spellable else math.nan,
                attention=_attention_of_characters(reading.symbols[n], reading.attention[n]),
                columns=batch.widths[n] / COLUMN_WIDTH,
                encoded=batch.encoded[n],
                seconds=seconds,
            )


def _attention_of_characters(symbols: np.ndarray, attention: np.ndarray) -> np.ndarray:
    """The rows of `[S, T]` in which a character was written: `[characters, T]`."""
    ended = np.cumsum(symbols == EOS_ID) > 0
    return attention[(symbols >= FIRST_CHARACTER_ID) & ~ended]


def _log_image(tested: Tested, tally: metrics.Tally, use_distance: bool) -> None:
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


def _draw(tested: Tested, picture_dir: str) -> None:
    """Writes the pictures of one image; one that Pillow cannot draw is named and passed over."""
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


def _log_summary(tally: metrics.Tally) -> None:
    logging.info("Tested %i images: %i read exactly.", tally.images, tally.exact)
    logging.info("Exact match: %.2f%%", 100 * tally.exact_match)
    logging.info("Edit-distance accuracy: %.2f%%", 100 * tally.edit_distance_accuracy)
    logging.info("Character error rate: %.2f%%", 100 * tally.character_error_rate)
    logging.info("Mean teacher-forced loss: %f, over %i images", tally.loss, tally.images_with_loss)
