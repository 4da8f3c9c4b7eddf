"""Measures a model while it is trained."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from aocr.config import TEST_BATCH_SIZE, Config
from aocr.data.dataset_scan import log_for_testing, scan
from aocr.data.record_files import expand
from aocr.evaluation import evaluator
from aocr.evaluation.graph import build_eval_graph
from aocr.evaluation.metric_sums import MetricSums, Summary
from aocr.evaluation.result import Result
from aocr.util.session import open_session

SAMPLES = 6
"""Images of the validation set that are shown in TensorBoard."""


class Validation(NamedTuple):
    """What the validation set says of a checkpoint; `samples` are its first images."""

    summary: Summary
    samples: Sequence[Result]


class Validator:
    """A graph and a session that test checkpoints on one dataset.

    Args:
        config: the model.
        paths: TFRecords: files, folders or globs.
        gpu_id: negative for the CPU.

    Raises:
        UserError: no record.
    """

    def __init__(self, config: Config, paths: list[str], gpu_id: int) -> None:
        files = expand(paths)
        found = scan(files, config)
        logging.info("Validating on %i records.", found.records)
        log_for_testing(found, config)
        self._undecodable = frozenset(found.undecodable.record_indices)
        self._model = build_eval_graph(
            config, files, found.undecodable.record_indices, TEST_BATCH_SIZE
        )
        self._session = open_session(self._model.graph, gpu_id)
        with self._model.graph.as_default():
            variables = tf.compat.v1.global_variables()
            self._saver = tf.compat.v1.train.Saver(variables)

    def __call__(self, checkpoint: str) -> Validation:
        """Tests a checkpoint."""
        self._saver.restore(self._session, checkpoint)
        sums = MetricSums()
        samples: list[Result] = []
        results = evaluator.results(self._session, self._model, self._undecodable)
        for tested in results:
            sums.add(tested)
            if len(samples) < SAMPLES and tested.columns:
                samples.append(tested)
        summary = sums.summary()
        _log(summary)
        return Validation(summary, samples)


def _log(summary: Summary) -> None:
    logging.info(
        "Validation: exact match %.2f%%, edit-distance accuracy %.2f%%, character error rate "
        "%.2f%%, loss %f, on %i images.",
        100 * summary.value("exact_match"),
        100 * summary.value("edit_distance_accuracy"),
        100 * summary.value("character_error_rate"),
        summary.value("loss"),
        summary.images,
    )
