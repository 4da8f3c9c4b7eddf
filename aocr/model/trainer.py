"""The training loop: steps, log lines, summaries, checkpoints."""

from __future__ import annotations

import functools
import logging
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import tensorflow as tf

from aocr.defaults import Config, TrainingOptions
from aocr.model import image, session
from aocr.model.graph import TrainGraph, build_train_graph
from aocr.util.metrics import perplexity
from aocr.util.survey import log_for_training, survey


class StepResult(NamedTuple):
    """One step: the global step after it, its loss, its summary and its seconds."""

    global_step: int
    loss: float
    summary: bytes
    seconds: float


def train(
    config: Config, options: TrainingOptions, dataset: str, model_dir: str, gpu_id: int
) -> None:
    """Trains until `num_epoch` passes over the data are done, or SIGINT or SIGTERM arrives.

    Args:
        config: the model.
        options: how to train it.
        dataset: TFRecords.
        model_dir: checkpoints and summaries go there; training goes on from what is there.
        gpu_id: negative for the CPU.

    Raises:
        UserError: no record can be used, or the checkpoint is of another model.
    """
    decode = functools.partial(image.decode, channels=config.channels)
    found = survey(dataset, config, decode, functools.partial(session.open_session, gpu_id=gpu_id))
    log_for_training(found, config)
    model = build_train_graph(config, options, dataset, found.untrainable)
    with model.graph.as_default(), session.open_session(model.graph, gpu_id) as opened:
        checkpoints = session.Checkpoints(model_dir)
        _start(opened, checkpoints, model_dir, options.resume)
        with tf.compat.v1.summary.FileWriter(model_dir, model.graph) as writer:
            _Loop(opened, model, options, checkpoints, writer).run()


def _start(
    opened: tf.compat.v1.Session, checkpoints: session.Checkpoints, model_dir: str, resume: bool
) -> None:
    """Fresh weights, or those of the newest checkpoint."""
    if resume and session.latest_checkpoint(model_dir):
        session.restore(opened, model_dir)
        checkpoints.continue_after(model_dir)
        return
    logging.info("Created model with fresh parameters.")
    opened.run(tf.compat.v1.global_variables_initializer())


class _Loop:
    """The steps of one run."""

    def __init__(
        self,
        opened: tf.compat.v1.Session,
        model: TrainGraph,
        options: TrainingOptions,
        checkpoints: session.Checkpoints,
        writer: tf.compat.v1.summary.FileWriter,
    ) -> None:
        self._session = opened
        self._model = model
        self._options = options
        self._checkpoints = checkpoints
        self._writer = writer
        self._since_checkpoint: list[StepResult] = []
        self._global_step = 0

    def run(self) -> None:
        """All epochs; then, or when a signal asks to stop, a last checkpoint."""
        with _stop_requests() as requests:
            for number, result in enumerate(self._steps(), start=1):
                _log_step(number, result)
                self._writer.add_summary(result.summary, result.global_step)
                self._global_step = result.global_step
                self._since_checkpoint.append(result)
                if result.global_step % self._options.steps_per_checkpoint == 0:
                    self._checkpoint()
                if requests:
                    logging.info("Stopping on %s.", requests[0])
                    break
            if self._since_checkpoint:
                self._checkpoint()
        logging.info(
            "Training has %s at global step %i. The same command goes on from there.",
            "stopped" if requests else "finished",
            self._global_step,
        )

    def _steps(self) -> Iterator[StepResult]:
        """Every step of every epoch."""
        model = self._model
        self._session.run(model.start)
        while True:
            started = time.monotonic()
            try:
                step, loss, summary = self._session.run((model.step, model.loss, model.summary))
            except tf.errors.OutOfRangeError:
                return
            yield StepResult(step, loss, summary, time.monotonic() - started)

    def _checkpoint(self) -> None:
        """Says the mean time and loss since the last checkpoint, and saves."""
        steps = self._since_checkpoint
        seconds = sum(step.seconds for step in steps) / len(steps)
        loss = sum(step.loss for step in steps) / len(steps)
        logging.info(
            "Global step %i. Time: %.3f, loss: %f, perplexity: %.2f.",
            self._global_step,
            seconds,
            loss,
            perplexity(loss),
        )
        self._checkpoints.save(self._session, self._global_step)
        self._writer.flush()
        self._since_checkpoint = []


def _log_step(number: int, result: StepResult) -> None:
    logging.info(
        "Step %i: %.3fs, loss: %f, perplexity: %f.",
        number,
        result.seconds,
        result.loss,
        perplexity(result.loss),
    )


@contextmanager
def _stop_requests() -> Iterator[list[str]]:
    """Collects the names of the signals that ask to stop, however often they come.

    The step that runs is finished and saved first. Outside the main thread, where no handler can
    be set, nothing is collected.
    """
    requests: list[str] = []

    def note(number: int, _frame: object) -> None:
        requests.append(signal.Signals(number).name)

    try:
        before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:
        before = {}
    try:
        yield requests
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
