"""Runs the test loop: reads every record in order, logs a line for each, then a summary."""

from __future__ import annotations

import logging
import math
import posixpath
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tensorflow as tf

from aocr.config import COLUMN_WIDTH, Config
from aocr.data import same_images
from aocr.data.batches.evaluation import EvaluationBatch
from aocr.data.dataset_scan import log_for_testing, scan
from aocr.data.images.decoder_complaints import hidden_complaints
from aocr.data.records import schema
from aocr.data.records.identity import changes_named, check_unchanged
from aocr.data.same_images import ImageSet, SameImages
from aocr.evaluation import metrics
from aocr.evaluation.graph import EvalGraph, build_eval_graph
from aocr.evaluation.metric_sums import MetricSums, Summary
from aocr.evaluation.metrics import Result
from aocr.model.postprocessing import RankedTexts, Transcription, character_mask
from aocr.model.readings import inexact_text
from aocr.model.weights import checkpoints
from aocr.util.session import open_session
from aocr.util.terminal.console import shown_progress
from aocr.util.terminal.log import DETAIL
from aocr.util.text.plurals import counted

if TYPE_CHECKING:
    from aocr.model.search.text_search import Search

Observer = Callable[[Result], None]
"""Receives the result of each image, in the order of the dataset."""


class Evaluation(NamedTuple):
    """Defines what is tested, and how.

    Attributes:
        config: the model.
        checkpoint: path of the model's weights.
        files: TFRecord files, tested in this order.
        gpu_id: index of the GPU; negative for the CPU.
        batch_size: number of images read together, which does not change the results; None for a
            number that suits the model.
        accuracy: key of the metric that the line of an image shows as its accuracy.
        search: the texts that are looked for; None for greedy decoding.
        which: what the checkpoint was found by (`checkpoints.read_while_replaced`).
    """

    config: Config
    checkpoint: str
    files: list[str]
    gpu_id: int
    batch_size: int | None = None
    accuracy: str = "edit_distance_accuracy"
    search: Search | None = None
    which: str | None = "path"


@hidden_complaints()
def evaluate(evaluation: Evaluation, observers: Sequence[Observer] = ()) -> Summary:
    """Reads every record, logs a line for each, and logs and returns a summary.

    Args:
        evaluation: what is tested.
        observers: functions that get the result of each image, after its line is logged.

    Raises:
        UserError: the checkpoint belongs to another model, there is no record, or a file was
            changed meanwhile.
    """
    same = SameImages(_trained_on(evaluation.checkpoint))
    found = scan(evaluation.files, evaluation.config, same.add)
    log_for_testing(found, evaluation.config)
    same.log("tested")
    undecodable = found.undecodable.record_indices
    model = build_eval_graph(
        evaluation.config, evaluation.files, undecodable, evaluation.batch_size, evaluation.search
    )
    accuracy = metrics.metric_of(evaluation.accuracy)
    sums, inexact = MetricSums(), 0
    with open_session(model.graph, evaluation.gpu_id) as session:
        checkpoints.restore(session, evaluation.checkpoint, evaluation.which)
        with changes_named(found.files), shown_progress(found.records, "images") as advance:
            for result in results(session, model, frozenset(undecodable)):
                sums.add(result)
                inexact += not result.is_exact
                _log_result(result, accuracy.of(result), sums.value(accuracy.key))
                for observe in observers:
                    observe(result)
                advance()
    check_unchanged(found.files)
    summary = sums.summary()
    log_summary(summary)
    if inexact:
        logging.warning("%s", inexact_text(inexact, summary.images))
    return summary


def _trained_on(checkpoint: str) -> ImageSet:
    """Returns the images that a model was trained on, as far as its directory tells."""
    images = ImageSet()
    images.update(posixpath.join(posixpath.dirname(checkpoint), same_images.FILE_NAME))
    return images


def results(
    session: tf.compat.v1.Session, model: EvalGraph, undecodable: frozenset[int]
) -> Iterator[Result]:
    """Reads every image of the graph's dataset, from its start, in order.

    Args:
        session: a session on the graph, with all variables restored.
        model: the evaluation graph.
        undecodable: places of the records whose image cannot be decoded; their prediction is
            empty.
    """
    names = "batch", "transcription", "losses", "readings"
    fetches = {name: tensors for name in names if (tensors := getattr(model, name)) is not None}
    session.run(model.start)
    waiting: dict[int, Result] = {}  # for those before them, which are in a later batch
    next_place = 0
    for outputs in _outputs(lambda: session.run(fetches)):
        for row, place in enumerate(outputs.batch.record_indices.tolist()):
            waiting[place] = _result(outputs, row, place not in undecodable)
        while next_place in waiting:
            yield waiting.pop(next_place)
            next_place += 1


def _outputs(run: Callable[[], dict[str, Any]]) -> Iterator[BatchOutputs]:
    """Yields the outputs of each batch, while a thread already computes those of the next one.

    Args:
        run: the function that computes those of a batch.
    """

    def timed() -> BatchOutputs:
        started = time.monotonic()
        values = run()
        return BatchOutputs(time.monotonic() - started, **values)

    with ThreadPoolExecutor(1, "aocr-test") as thread:
        computed = thread.submit(timed)
        while True:
            try:
                outputs = computed.result()
            except tf.errors.OutOfRangeError:
                return
            computed = thread.submit(timed)
            yield outputs


class BatchOutputs(NamedTuple):
    """Holds what the evaluation graph computed for a batch, as NumPy arrays.

    Attributes:
        seconds: duration of the computation.
        batch: the records.
        transcription: the predictions.
        losses: float32 `[N]`, teacher-forced; NaN for a label that the model cannot write.
        readings: the readings of a search; None for greedy decoding.
    """

    seconds: float
    batch: EvaluationBatch
    transcription: Transcription
    losses: np.ndarray
    readings: RankedTexts | None = None


def _result(outputs: BatchOutputs, row: int, decoded: bool) -> Result:
    """Returns the result of one row of a batch.

    Args:
        outputs: the batch.
        row: index in the batch.
        decoded: whether the image can be decoded.
    """
    batch, transcription = outputs.batch, outputs.transcription
    steps = character_mask(transcription.symbols[row]) & decoded  # [S]
    readings = outputs.readings if decoded else None
    return Result(
        place=int(batch.record_indices[row]),
        prediction=transcription.text[row].decode() if decoded else "",
        label=schema.text_of(batch.labels[row]),
        comment=schema.text_of(batch.comments[row]),
        probability=float(transcription.probability[row]) if decoded else 0.0,
        character_probabilities=tuple(transcription.step_probabilities[row][steps].tolist()),
        loss=float(outputs.losses[row]) if decoded else math.nan,
        attention=transcription.attention[row][steps],  # [S, T] --> [characters, T]
        columns=batch.widths[row] / COLUMN_WIDTH,
        encoded=batch.encoded[row],
        seconds=outputs.seconds / len(outputs.losses),
        readings=readings.of_image(row) if readings else (),
        is_exact=bool(readings.is_exact[row]) if readings else True,
    )


def _log_result(result: Result, accuracy: float, mean_accuracy: float) -> None:
    """Logs the line of one image, which programs parse (docs/compatibility.md, "Log lines").

    Args:
        result: the image.
        accuracy: the accuracy of this image, from 0 to 1.
        mean_accuracy: the mean accuracy of all images up to this one.
    """
    texts = f"({result.label})"
    if accuracy < 1:
        texts = f"({result.prediction} vs {result.label}) {result.comment}".rstrip()
    line = (
        f"Step {result.place + 1} ({result.seconds:.3f}s). Accuracy: {mean_accuracy:6.2%}, "
        f"loss: {result.loss:f}, perplexity: {perplexity_text(metrics.perplexity(result.loss))}, "
        f"probability: {result.probability:6.2%} {accuracy:>4.0%} {texts}"
    )
    logging.info("%s", line, extra=DETAIL)


def perplexity_text(value: float) -> str:
    """Returns six digits, padded with zeros to seven characters, as 0.7.6 prints a perplexity.

    A number with an exponent, infinity and NaN are not padded.
    """
    text = f"{value:.6}"
    return text if "e" in text or "n" in text else f"{text:0<7}"


def log_summary(summary: Summary) -> None:
    """Logs the counts of images and a line for each metric."""
    images = counted(summary.images, "image")
    logging.info("Tested %s: %i read exactly.", images, summary.exact)
    for measurement in summary.measurements.values():
        if measurement.metric.applies is None or not math.isnan(measurement.value):
            logging.info("%s: %s", measurement.metric.title, measurement.text())
