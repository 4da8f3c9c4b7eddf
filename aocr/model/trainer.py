"""The training loop: steps, log lines, summaries, checkpoints."""

from __future__ import annotations

import functools
import logging
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import tensorflow as tf

from aocr.defaults import Config, TrainingOptions
from aocr.model import image, session
from aocr.model.graph import TrainGraph, build_train_graph
from aocr.util import config_file
from aocr.util.charset_file import characters_of
from aocr.util.dataset_files import expand
from aocr.util.metrics import perplexity
from aocr.util.survey import log_for_training, survey


class StepResult(NamedTuple):
    """One step: the global step after it, its examples, loss, summary and seconds."""

    global_step: int
    examples: int
    loss: float
    summary: bytes
    seconds: float


def config_to_train(
    paths: list[str], model_dir: str, given: dict[str, Any], learn_charset: bool, resume: bool
) -> Config:
    """What the model in a directory is, or for a new one what the flags and the data say.

    Args:
        paths: TFRecords; their labels give the charset if it is to be learnt.
        model_dir: with a checkpoint to go on from, or without.
        given: fields of `Config` that were given as flags.
        learn_charset: take the characters of the labels, in the order of their code points.
        resume: go on from a checkpoint where there is one.

    Raises:
        UserError: a flag contradicts the model, or no label has a character.
    """
    if resume and session.latest_checkpoint(model_dir):
        return config_file.of_trained_model(model_dir, given)
    if learn_charset:
        given = given | {"characters": characters_of(expand(paths), session.open_on_cpu)}
    return Config(**given)


def train(
    config: Config, options: TrainingOptions, paths: list[str], model_dir: str, gpu_id: int
) -> None:
    """Trains until `num_epoch` passes over the data are done, or SIGINT or SIGTERM arrives.

    Args:
        config: the model.
        options: how to train it.
        paths: TFRecords: files, folders or globs.
        model_dir: checkpoints and summaries go there; training goes on from what is there.
        gpu_id: negative for the CPU.

    Raises:
        UserError: no record can be used, or the checkpoint is of another model.
    """
    decode, files = functools.partial(image.decode, channels=config.channels), expand(paths)
    found = survey(files, config, decode, session.open_on_cpu)
    usable = log_for_training(found, config, options.drop_wide)
    left_out = found.untrainable(options.drop_wide)
    model = build_train_graph(config, options, files, left_out)
    with model.graph.as_default(), session.open_session(model.graph, gpu_id) as opened:
        checkpoints = session.Checkpoints(model_dir)
        _start(opened, checkpoints, model_dir, options.resume)
        config_file.write(model_dir, config)
        with tf.compat.v1.summary.FileWriter(model_dir, model.graph) as writer:
            epochs = _Epochs(usable, len(left_out), options.num_epoch)
            _Loop(opened, model, options, checkpoints, writer, epochs).run()


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


class _Epochs:
    """Counts what was trained, and says it after every pass over the data."""

    def __init__(self, usable: int, left_out: int, total: int) -> None:
        self._usable = usable
        self._left_out = left_out
        self._total = total
        self._done = 0
        self._trained = 0

    def add(self, examples: int) -> None:
        """Counts a step's examples."""
        self._trained += examples
        if self._trained >= self._usable:
            self._done += 1
            logging.info(
                "Epoch %i of %i: trained on %i records, %i left out.",
                self._done,
                self._total,
                self._trained,
                self._left_out,
            )
            self._trained = 0


class _Loop:
    """The steps of one run."""

    def __init__(
        self,
        opened: tf.compat.v1.Session,
        model: TrainGraph,
        options: TrainingOptions,
        checkpoints: session.Checkpoints,
        writer: tf.compat.v1.summary.FileWriter,
        epochs: _Epochs,
    ) -> None:
        self._session = opened
        self._model = model
        self._options = options
        self._checkpoints = checkpoints
        self._writer = writer
        self._epochs = epochs
        self._since_checkpoint: list[StepResult] = []
        self._global_step = 0

    def run(self) -> None:
        """All epochs; then, or when a signal asks to stop, a last checkpoint."""
        with _stop_requests() as requests:
            for number, result in enumerate(self._steps(), start=1):
                _log_step(number, result)
                self._epochs.add(result.examples)
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
        fetches = (model.step, model.examples, model.loss, model.summary)
        self._session.run(model.start)
        while True:
            started = time.monotonic()
            try:
                step, examples, loss, summary = self._session.run(fetches)
            except tf.errors.OutOfRangeError:
                return
            yield StepResult(step, examples, loss, summary, time.monotonic() - started)

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
