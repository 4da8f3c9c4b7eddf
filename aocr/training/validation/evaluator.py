"""Validates the checkpoints of a training that runs elsewhere: the evaluator of `TF_CONFIG`."""

from __future__ import annotations

import logging
import time

from aocr.model import config_file
from aocr.model.weights import checkpoints
from aocr.model.weights.files import exists
from aocr.training.options import Run
from aocr.training.start.lock import PATIENCE_SECONDS, VALIDATION, sign_of_life, training_lock
from aocr.training.validation.validator import BestCheckpoint, Validator
from aocr.util.errors import UserError
from aocr.util.terminal.signals import collect_stop_signals

POLL_SECONDS = 1.0
"""Time between two looks at the model directory."""

UNREADABLE_LOOKS = 5
"""Number of looks in a row that may find the directory between two states."""


def evaluate_new_checkpoints(run: Run, timeout: int) -> None:
    """Validates each new checkpoint, and keeps the best, until the training has ended.

    Args:
        run: the model directory and the dataset to validate on.
        timeout: seconds without a training, after which it has ended.

    Raises:
        UserError: another process validates there, or a file cannot be read or written.
    """
    with (
        training_lock(run.model_dir, VALIDATION),
        collect_stop_signals() as requests,
    ):
        logging.info("Validating the checkpoints that appear in %s.", run.model_dir)
        evaluator = _Evaluator(run)
        end = _TrainingEnd(run.model_dir, timeout)
        while not requests and (evaluator.look() or not end.has_come()):
            time.sleep(POLL_SECONDS)
        reason = requests[0] if requests else f"no training in {run.model_dir} any more"
        logging.info("The evaluator ends: %s.", reason)


class _TrainingEnd:
    """Notices that no training runs in a directory any more."""

    def __init__(self, model_dir: str, timeout: int) -> None:
        self._model_dir, self._timeout = model_dir, timeout
        self._sign, self._since = "", time.monotonic()

    def has_come(self) -> bool:
        """Returns whether the training has shown no sign of life for long enough."""
        sign, now = sign_of_life(self._model_dir), time.monotonic()
        if sign and sign != self._sign:
            self._sign, self._since = sign, now
        patience = max(self._timeout, PATIENCE_SECONDS) if sign else self._timeout
        return now - self._since > patience


class _Evaluator:
    """Validates the newest checkpoint of a directory, if it is new."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._validator: Validator | None = None
        self._validated: str | None = None
        self._unreadable = 0

    def look(self) -> bool:
        """Validates the newest checkpoint, and returns whether there was a new one.

        Raises:
            UserError: the directory cannot be read.
        """
        try:
            checkpoint = checkpoints.latest_checkpoint(self._run.model_dir)
        except UserError:  # the training may be replacing the file that names it
            self._unreadable += 1
            if self._unreadable >= UNREADABLE_LOOKS:
                raise
            return True
        self._unreadable = 0
        if checkpoint is None or checkpoint == self._validated:
            return False
        self._validated = checkpoint
        self._validate(checkpoint)
        return True

    def _validate(self, checkpoint: str) -> None:
        if self._validator is None:
            config = config_file.read(self._run.model_dir)
            if config is None:
                raise UserError(f"{self._run.model_dir} has a checkpoint, but no config.json")
            self._validator = Validator(config, self._run.validation, self._run.gpu_id)
            self._best = BestCheckpoint(self._run.model_dir, self._run.resume, self._validator)
        try:
            step = checkpoints.step_of(checkpoint)
            logging.info("Validating %s.", checkpoint)
            self._best.update(checkpoint, step, self._validator.validate(checkpoint)[0])
        except UserError:
            if exists(checkpoint):
                raise
            logging.info("%s was replaced by newer ones before it was read.", checkpoint)
