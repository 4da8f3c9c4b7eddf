"""Measures checkpoints on a validation set during training, and keeps the best one."""

from __future__ import annotations

import json
import logging
import math
import posixpath
from typing import NamedTuple

import tensorflow as tf

from aocr.config import Config
from aocr.data.dataset_scan import log_for_testing, scan
from aocr.data.records.files import expand
from aocr.data.records.identity import Contents, changes_named, check_unchanged
from aocr.data.same_images import ImageSet, SameImages
from aocr.evaluation import evaluator
from aocr.evaluation.graph import build_eval_graph
from aocr.evaluation.metric_sums import MetricSums, Summary
from aocr.evaluation.metrics import Result
from aocr.model.weights import checkpoints
from aocr.model.weights.checkpoints import VariableFiles, variables_to_read
from aocr.model.weights.files import CheckpointReader
from aocr.util.errors import UserError, first_line
from aocr.util.paths.files import write_atomically
from aocr.util.session import open_session
from aocr.util.text.plurals import counted

LOGGED = ("exact_match", "edit_distance_accuracy", "character_error_rate")
"""Keys of the metrics in the log line of a validation, besides the loss."""

SAMPLES = 6
"""Number of validation images that TensorBoard shows."""


class Validator:
    """Measures checkpoints on one dataset, in a graph and a session of its own.

    Attributes:
        images: number of images of the dataset.
        contents: what identifies its records.

    Args:
        config: the model.
        paths: TFRecords: files, folders or globs.
        gpu_id: index of the GPU; negative for the CPU.
        trained_on: the images that this process trains on; those that are here, too, are named.

    Raises:
        UserError: the dataset is empty or cannot be read.
    """

    def __init__(
        self, config: Config, paths: list[str], gpu_id: int, trained_on: ImageSet | None = None
    ) -> None:
        files = expand(paths)
        same = SameImages(trained_on) if trained_on else None
        found = scan(files, config, same.add if same else None)
        logging.info("Validating on %s.", counted(found.records, "record"))
        log_for_testing(found, config)
        if same:
            same.log("validated")
        self.images = found.records
        self.contents, self._scanned = found.contents, found.files
        self._undecodable = frozenset(found.undecodable.record_indices)
        self._model = build_eval_graph(config, files, found.undecodable.record_indices)
        self._session = open_session(self._model.graph, gpu_id)
        self._files: VariableFiles | None = None

    def validate(self, checkpoint: str) -> tuple[Summary, list[Result]]:
        """Restores a checkpoint, reads all images with it, and logs the metrics.

        Returns the metrics, and the first images as samples.

        Raises:
            UserError: the checkpoint is damaged, or a file of the dataset has changed.
        """
        check_unchanged(self._scanned)
        if self._files is None:  # all checkpoints of a training have the same variables
            with self._model.graph.as_default():
                self._files = VariableFiles(variables_to_read(CheckpointReader(checkpoint).shapes))
        self._files.read(self._session, checkpoint)
        sums = MetricSums()
        samples: list[Result] = []
        with changes_named(self._scanned):
            for result in evaluator.results(self._session, self._model, self._undecodable):
                sums.add(result)
                if len(samples) < SAMPLES and result.columns:
                    samples.append(result)
        summary = sums.summary()
        _log(summary)
        return (summary, samples)


def _log(summary: Summary) -> None:
    shares = (
        f"{measurement.metric.title.lower()} {measurement.text()}"
        for measurement in map(summary.measurements.__getitem__, LOGGED)
    )
    images, with_loss = counted(summary.images, "image"), summary.images_with_loss
    loss = f"loss {summary.value('loss'):f}"
    if with_loss < summary.images:
        loss += f" over {counted(with_loss, 'image')}"
    logging.info("Validation: %s, %s, on %s.", ", ".join(shares), loss, images)


class BestValidation(NamedTuple):
    """Holds the best validation so far.

    Attributes:
        step: its global step.
        exact_match: its share of images read exactly.
        character_error_rate: its character error rate, which breaks ties; NaN without characters.
        validations_without_improvement: number of validations since.
        contents: what identifies the records that it was measured on; None in a file of an aocr
            that did not store it.
    """

    step: int
    exact_match: float
    character_error_rate: float
    validations_without_improvement: int = 0
    contents: Contents | None = None

    def is_beaten_by(self, summary: Summary) -> bool:
        """Returns whether a validation has more exact matches, or as many and fewer errors."""
        return _rank(summary.value("exact_match"), summary.value("character_error_rate")) > _rank(
            self.exact_match, self.character_error_rate
        )

    def to_json(self) -> str:
        """Returns the content of `best.json`."""
        facts = {
            "step": self.step,
            "exact_match": self.exact_match,
            "character_error_rate": self.character_error_rate,
            "validations_since": self.validations_without_improvement,
            "measured_on": self.contents and self.contents._asdict(),
        }
        return json.dumps(facts, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> BestValidation:
        """Returns the validation that `to_json` wrote.

        Raises:
            ValueError, TypeError: the text is not JSON, or lacks a value.
        """
        facts = dict(json.loads(text))
        count, contents = facts.pop("validations_since", 0), facts.pop("measured_on", None)
        return cls(
            **facts,
            validations_without_improvement=count,
            contents=contents and Contents(**contents),
        )


def _rank(exact_match: float, character_error_rate: float) -> tuple[float, float]:
    return exact_match, -character_error_rate if not math.isnan(character_error_rate) else 0.0


class BestCheckpoint:
    """Saves the best weights as `best.ckpt-<step>` and describes them in `best.json`.

    Args:
        model_dir: directory of both.
        resume: whether to compare with the best checkpoint of earlier runs. If that was measured on
            other records, it is measured again.
        validator: what measures checkpoints.

    Raises:
        UserError: `best.json` cannot be understood.
    """

    FILE_NAME = "best.json"

    def __init__(self, model_dir: str, resume: bool, validator: Validator) -> None:
        self._path, self._model_dir = posixpath.join(model_dir, self.FILE_NAME), model_dir
        self._checkpoints = checkpoints.CheckpointWriter(model_dir, 1, "best", checkpoints.BEST)
        self._best = self._read() if resume else None
        self._validator = validator
        if self._best:
            self._checkpoints.adopt_existing()
            self._best = self._measured_on_these_records(self._best)

    def update(
        self, source: tf.compat.v1.Session | str, step: int, summary: Summary
    ) -> BestValidation:
        """Saves weights if they are the best so far.

        Args:
            source: the session that holds the weights, or the path of a checkpoint to copy.
            step: global step of the weights.
            summary: the metrics of the weights on the validation set.

        Returns:
            The best validation so far, which may be this one.

        Raises:
            UserError: a file cannot be written.
        """
        best = self._best
        if best is None or best.is_beaten_by(summary) or not self._checkpoints.has_kept():
            logging.info("The best checkpoint so far is that of global step %i.", step)
            self._checkpoints.save(source, step)
            best = self._validation(step, summary)
        else:
            count = best.validations_without_improvement + 1
            best = best._replace(validations_without_improvement=count)
        self._write(best)
        self._best = best
        return best

    def _validation(self, step: int, summary: Summary) -> BestValidation:
        measures = summary.value("exact_match"), summary.value("character_error_rate")
        return BestValidation(step, *measures, contents=self._validator.contents)

    def _measured_on_these_records(self, best: BestValidation) -> BestValidation | None:
        """Returns the best validation on the present records; None if its checkpoint is gone."""
        contents = self._validator.contents
        if best.contents in (None, contents):
            return best
        logging.warning(
            "The best checkpoint, of global step %i, was measured on %s; --validation now has %s.",
            *(best.step, best.contents, contents),
        )
        path = checkpoints.latest_checkpoint(self._model_dir, checkpoints.BEST)
        if path is None:
            return None
        logging.info("Measuring %s on them.", path)
        return self._validation(best.step, self._validator.validate(path)[0])

    def _read(self) -> BestValidation | None:
        if not tf.io.gfile.exists(self._path):
            return None
        try:
            with tf.io.gfile.GFile(self._path, "rb") as file:
                return BestValidation.from_json(file.read().decode())
        except (tf.errors.OpError, ValueError, TypeError) as error:
            problem = f"cannot use {self._path}: {first_line(error)}"
            raise UserError(f"{problem}; remove it to continue") from error

    def _write(self, best: BestValidation) -> None:
        try:
            write_atomically(self._path, best.to_json().encode())
        except tf.errors.OpError as error:
            raise UserError(f"cannot write {self._path}: {first_line(error)}") from error
