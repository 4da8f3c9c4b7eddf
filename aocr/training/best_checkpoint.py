"""Which checkpoint of a training is the best so far."""

from __future__ import annotations

import json
import logging
import math
import posixpath
from typing import NamedTuple

import tensorflow as tf

from aocr.evaluation.metric_sums import Summary
from aocr.model import checkpoints
from aocr.util.errors import UserError


class Best(NamedTuple):
    """The best validation so far: its step, what it is judged by, and how many came after it."""

    step: int
    exact_match: float
    character_error_rate: float
    validations_since: int = 0

    def is_beaten_by(self, summary: Summary) -> bool:
        """More exact matches are better; with as many, fewer character errors."""
        return _rank(summary.value("exact_match"), summary.value("character_error_rate")) > _rank(
            self.exact_match, self.character_error_rate
        )


def _rank(exact_match: float, character_error_rate: float) -> tuple[float, float]:
    return exact_match, -character_error_rate if not math.isnan(character_error_rate) else 0.0


class BestCheckpoint:
    """Keeps the best checkpoint as `best.ckpt-<step>`, and what is known of it in `best.json`.

    Args:
        model_dir: of the training; its former best is known.

    Raises:
        UserError: `best.json` cannot be understood.
    """

    FILE_NAME = "best.json"

    def __init__(self, model_dir: str, resume: bool) -> None:
        self._path = posixpath.join(model_dir, self.FILE_NAME)
        self._checkpoints = checkpoints.CheckpointWriter(model_dir, 1, "best", checkpoints.BEST)
        self.best = self._read() if resume else None
        if self.best:
            self._checkpoints.adopt_existing()

    def judge(self, opened: tf.compat.v1.Session, step: int, summary: Summary) -> Best:
        """Saves the session's weights if they are the best so far; returns what is best now."""
        if self.best is None or self.best.is_beaten_by(summary):
            logging.info("The best checkpoint so far is that of global step %i.", step)
            self._checkpoints.save(opened, step)
            self.best = Best(
                step, summary.value("exact_match"), summary.value("character_error_rate")
            )
        else:
            self.best = self.best._replace(validations_since=self.best.validations_since + 1)
        self._write(self.best)
        return self.best

    def _read(self) -> Best | None:
        if not tf.io.gfile.exists(self._path):
            return None
        try:
            with tf.io.gfile.GFile(self._path, "rb") as file:
                return Best(**json.loads(file.read().decode()))
        except (tf.errors.OpError, ValueError, TypeError) as error:
            raise UserError(f"cannot use {self._path}: {error}; remove it to go on") from error

    def _write(self, best: Best) -> None:
        temporary = f"{self._path}.tmp"
        with tf.io.gfile.GFile(temporary, "wb") as file:
            file.write((json.dumps(best._asdict(), indent=2) + "\n").encode())
        tf.io.gfile.rename(temporary, self._path, overwrite=True)
