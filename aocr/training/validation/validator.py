"""Measures checkpoints on a validation set during training."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from aocr.config import Config
from aocr.data.dataset_scan import log_for_testing, scan
from aocr.data.records.files import expand
from aocr.evaluation import evaluator
from aocr.evaluation.graph import build_eval_graph
from aocr.evaluation.log_lines import value_text
from aocr.evaluation.metric_sums import MetricSums, Summary
from aocr.evaluation.result import Result
from aocr.model.weights import checkpoints
from aocr.model.weights.averages import averages_of_variables
from aocr.model.weights.checkpoints import VariableFiles
from aocr.training.start.run import Run
from aocr.training.tensorboard import EventWriter
from aocr.training.validation.best_checkpoint import BestCheckpoint
from aocr.util.session import open_session
from aocr.util.text.plurals import counted

LOGGED = ("exact_match", "edit_distance_accuracy", "character_error_rate")
"""Keys of the metrics in the log line of a validation, besides the loss."""

SAMPLES = 6
"""Number of validation images that TensorBoard shows."""


class Validation(NamedTuple):
    """Holds the metrics of a checkpoint, and the first images as samples."""

    summary: Summary
    samples: Sequence[Result]


class Validator:
    """Measures checkpoints on one dataset, in a graph and a session of its own.

    Attributes:
        images: number of images of the dataset.

    Args:
        config: the model.
        paths: TFRecords: files, folders or globs.
        gpu_id: index of the GPU; negative for the CPU.
        averages: whether to read the averages of the weights (`--ema-decay`).

    Raises:
        UserError: the dataset is empty or cannot be read.
    """

    def __init__(self, config: Config, paths: list[str], gpu_id: int, averages: bool) -> None:
        files = expand(paths)
        found = scan(files, config)
        logging.info("Validating on %s.", counted(found.records, "record"))
        log_for_testing(found, config)
        self.images = found.records
        self._undecodable = frozenset(found.undecodable.record_indices)
        self._model = build_eval_graph(config, files, found.undecodable.record_indices)
        self._session = open_session(self._model.graph, gpu_id)
        with self._model.graph.as_default():
            self._files = VariableFiles(averages_of_variables() if averages else None)

    def validate(self, checkpoint: str) -> Validation:
        """Restores a checkpoint, reads all images with it, and logs the metrics."""
        self._files.read(self._session, checkpoint)
        sums = MetricSums()
        samples: list[Result] = []
        for result in evaluator.results(self._session, self._model, self._undecodable):
            sums.add(result)
            if len(samples) < SAMPLES and result.columns:
                samples.append(result)
        summary = sums.summary()
        _log(summary)
        return Validation(summary, samples)


def _log(summary: Summary) -> None:
    shares = (
        f"{measurement.metric.title.lower()} {value_text(measurement)}"
        for measurement in map(summary.measurements.__getitem__, LOGGED)
    )
    images = counted(summary.images, "image")
    loss = summary.value("loss")
    logging.info("Validation: %s, loss %f, on %s.", ", ".join(shares), loss, images)


class EarlyStopping:
    """Validates the newest checkpoint, and decides when training should stop.

    Create it within the graph, after all variables.

    Args:
        session: holds the weights.
        run: gives the model directory.
        validator: measures a checkpoint.
        events: receives the metrics for TensorBoard.
        patience: number of validations without improvement after which to stop; None for never.

    Raises:
        UserError: `best.json` of an earlier run cannot be understood.
    """

    def __init__(
        self,
        session: tf.compat.v1.Session,
        run: Run,
        validator: Validator,
        events: EventWriter,
        patience: int | None,
    ) -> None:
        self._session, self._model_dir, self._validator = session, run.model_dir, validator
        self._events, self._patience = events, patience
        self._best = BestCheckpoint(run.model_dir, run.resume)
        self._validated_step: int | None = None

    def validate(self, step: int) -> bool:
        """Validates the newest checkpoint, unless it was validated before.

        Args:
            step: global step of the checkpoint, whose weights the session holds.

        Returns:
            Whether training should stop.
        """
        if step == self._validated_step:
            return False
        self._validated_step = step
        checkpoint = str(checkpoints.latest_checkpoint(self._model_dir))
        validation = self._validator.validate(checkpoint)
        best = self._best.update(self._session, step, validation.summary)
        self._events.add_validation(validation.summary, validation.samples, step)
        return self._is_exhausted(best.validations_without_improvement)

    def _is_exhausted(self, validations: int) -> bool:
        """Returns whether patience has run out after validations without improvement."""
        if self._patience is None or validations < self._patience:
            return False
        count = counted(validations, "validation")
        logging.info("No improvement in %s: training ends.", count)
        return True
