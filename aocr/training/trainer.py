"""Trains a model: checks the data, builds the graph, loads the weights and runs the steps."""

from __future__ import annotations

import contextlib
import functools
import logging
import time
from collections.abc import Iterable

import tensorflow as tf

from aocr.config import Config
from aocr.data.images.decoder_complaints import hidden_complaints
from aocr.data.records.identity import check_unchanged
from aocr.data.same_images import ImageSet
from aocr.model import config_file
from aocr.model.weights import checkpoints
from aocr.training.cluster.agreement import agreed_plan, agreed_training_set
from aocr.training.cluster.replicas import ALONE, Replicas
from aocr.training.graph import StepResult, TrainGraph, build_train_graph, take_steps
from aocr.training.options import Run, TrainingOptions
from aocr.training.outputs import RunOutputs
from aocr.training.progress import Progress
from aocr.training.start.initial_weights import initialize_weights
from aocr.training.start.step_plan import StepPlan, make_step_plan
from aocr.training.start.time_plan import RunTiming, TimeBudget, TimePlan, planned_last_step
from aocr.training.start.training_set import TrainingSet, load_training_set, note_records
from aocr.training.update.precision import BFLOAT16, convolution_type
from aocr.training.validation.validator import Validator
from aocr.util.errors import UserError
from aocr.util.terminal.log import DETAIL
from aocr.util.terminal.signals import collect_stop_signals
from aocr.util.text.plurals import counted


@hidden_complaints()
def train(config: Config, options: TrainingOptions, run: Run, replicas: Replicas = ALONE) -> None:
    """Trains until the steps or the patience run out, or SIGINT or SIGTERM arrives.

    Args:
        config: the model.
        options: the way to train it; the batch size is that of all replicas.
        run: the inputs and outputs.
        replicas: the processes and devices that train the model together.

    Raises:
        UserError: no record can be used, the checkpoint belongs to another model, a file cannot be
            written, the loss is no longer finite, or another replica no longer answers.
    """
    images = ImageSet()
    training_set = agreed_training_set(
        replicas,
        replicas.together(lambda: load_training_set(run, config, options, replicas.share, images)),
    )
    planned = _planned_last_step(run, options, replicas)
    first_step = checkpoints.step_of(run.checkpoint)
    plan = agreed_plan(
        replicas,
        lambda: make_step_plan(options, training_set.batches_per_epoch, first_step, planned),
    )
    if not plan.step_count:
        _log_nothing_to_train(options, plan)
        return
    validator = replicas.together(lambda: _open_validator(config, run, images))
    model = _build_model(config, options, run, training_set, plan, replicas=replicas)
    is_bfloat16 = run.precision == BFLOAT16
    with (
        model.graph.as_default(),
        collect_stop_signals() as requests,
        replicas.open_session(model.graph, run.gpu_id, bfloat16=is_bfloat16) as session,
    ):
        replicas.together(lambda: _initialize(session, run, config, replicas))
        replicas.share_variables(session)
        outputs = RunOutputs(
            session,
            run,
            options,
            validator,
            replicas,
            check=functools.partial(_check_files, config, run, training_set, replicas),
        )
        if replicas.is_chief:
            config_file.write(run.model_dir, config)
        if replicas.processes == 1:
            note_records(run, training_set, images)
        _log_size(training_set, _end_text(options, plan, planned))
        budget = TimeBudget(time.monotonic(), planned, validator.images if validator else 0)
        time_plan = None
        if options.max_minutes is not None:
            time_plan = TimePlan(session, options, budget, plan.last_step, replicas.number_of_chief)
        timing = RunTiming(plan, training_set, not config.bucket_widths, time_plan)
        logging.info("num_epoch: %d", options.num_epoch, extra=DETAIL)
        logging.info("Starting the training process.")
        votes = replicas.votes(requests)
        steps = take_steps(session, model, plan.step_count, votes, replicas.losses_explained)
        progress = Progress(training_set, options.num_epoch, plan.skipped)
        if options.max_minutes is None or planned or _has_limit(options):
            progress.set_end(plan.step_count)
        with contextlib.closing(outputs):
            TrainingLoop(plan, options, progress, outputs, timing).run(steps, votes)


class TrainingLoop:
    """Runs the steps of one run, and saves and validates the model in between.

    Args:
        plan: the steps of the run.
        options: the intervals between checkpoints and between validations.
        progress: what counts and logs the steps.
        outputs: what saves and validates the model.
        timing: what measures the steps, and says when the run ends.
    """

    def __init__(
        self,
        plan: StepPlan,
        options: TrainingOptions,
        progress: Progress,
        outputs: RunOutputs,
        timing: RunTiming,
    ) -> None:
        self._plan, self._progress, self._outputs, self._timing = plan, progress, outputs, timing
        self._checkpoint_interval = options.steps_per_checkpoint
        self._validation_interval = options.steps_per_validation
        self._step = plan.first_step

    def run(self, steps: Iterable[StepResult], stop_signals: Iterable[str]) -> None:
        """Trains until the steps or the patience run out, or a signal asks to stop.

        Saves the model at the end in each case.

        Args:
            steps: an iterator that takes a training step for each item.
            stop_signals: names of the signals that have arrived; may grow at any time; true if
                there are any.

        Raises:
            UserError: too many updates in a row were not finite, or a file cannot be written.
        """
        with self._progress.shown():
            self._take(steps, stop_signals)
            self._save(finishing=not stop_signals)
            if not stop_signals:
                self._outputs.validate(self._step)
                self._outputs.advise()
        self._progress.log_skipped()
        ended, again = "finished", "Run the same command again to continue."
        if stop_signals:
            ended = "stopped"
        elif self._timing.has_plan and self._step >= self._timing.last_step:
            again = "To continue, give other minutes, or --max-steps."
        logging.info("Training has %s at global step %i. %s", ended, self._step, again)

    def _take(self, steps: Iterable[StepResult], stop_signals: Iterable[str]) -> None:
        """Trains until one of the ends of `run`; saves the model if the dataset cannot be read."""
        try:
            for result in steps:
                self._record(result)
                if stop_signals:
                    logging.info("Stopping on %s.", next(iter(stop_signals)))
                    break
                if self._save_and_validate_when_due() or self._step >= self._timing.last_step:
                    break
        except tf.errors.OpError:
            self._outputs.save_alone(self._step)
            raise

    def _record(self, result: StepResult) -> None:
        """Counts a step, and ends training if too many updates in a row were skipped."""
        self._step = result.global_step
        self._progress.add(result)
        self._outputs.add_step(result)
        if problem := self._progress.problem():
            self._save()
            raise UserError(problem)
        if self._timing.add(result.global_step, result.seconds):
            self._progress.set_end(self._timing.last_step - self._plan.first_step)

    def _save_and_validate_when_due(self) -> bool:
        """Returns whether training should stop early."""
        if self._step % self._checkpoint_interval == 0:
            self._save()
        return self._step % self._validation_interval == 0 and self._outputs.validate(self._step)

    def _save(self, finishing: bool = False) -> None:
        """Logs the means of the steps since the last checkpoint, and saves the model.

        Args:
            finishing: whether training ends here, which 0.7.6 has a line for.
        """
        self._progress.log_means(self._step)
        if finishing:
            logging.info("Finishing the training and saving the model at step %d.", self._step)
        self._outputs.save(self._step)


def _planned_last_step(run: Run, options: TrainingOptions, replicas: Replicas) -> int | None:
    """Returns the last step that an earlier run has planned, as the chief's checkpoint says."""
    planned = planned_last_step(run.checkpoint, options)
    return replicas.number_of_chief(planned or 0) or None


def _initialize(
    session: tf.compat.v1.Session, run: Run, config: Config, replicas: Replicas
) -> None:
    """Gives all variables a value, which for other replicas than the chief is only the first."""
    if replicas.is_chief:
        initialize_weights(session, run, config)
    else:
        session.run(tf.compat.v1.global_variables_initializer())


def _check_files(config: Config, run: Run, training_set: TrainingSet, replicas: Replicas) -> None:
    """Checks, while training goes on, what was read and written when it began.

    Raises:
        UserError: a file of the dataset has changed, or `config.json` cannot be written.
    """
    if replicas.is_chief and not config_file.exists(run.model_dir):
        logging.warning(
            "%s lost its config.json during the training, which is written again. What else was "
            "in the directory is gone, if it was not put elsewhere.",
            run.model_dir,
        )
        config_file.write(run.model_dir, config)
    check_unchanged(training_set.files)


def _open_validator(config: Config, run: Run, trained_on: ImageSet) -> Validator | None:
    if not run.validation:
        return None
    return Validator(config, run.validation, run.gpu_id, trained_on)


def _log_nothing_to_train(options: TrainingOptions, plan: StepPlan) -> None:
    if options.max_steps is not None and plan.first_step >= options.max_steps:
        logging.info("Nothing to train: --max-steps=%s is reached.", options.max_steps)
    else:
        logging.info(
            "Nothing to train: the %i steps that were planned for --max-minutes=%g are taken. To "
            "continue, give other minutes, or --max-steps.",
            plan.last_step,
            options.max_minutes,
        )


def _end_text(options: TrainingOptions, plan: StepPlan, planned: int | None) -> str:
    """Returns when the run ends, as far as that is known before its first step."""
    end, minutes = f"at global step {plan.last_step}", options.max_minutes
    if minutes is None or planned:
        return f"{end} at the latest"
    return f"after {minutes:g} minutes" + (f", or {end}" if _has_limit(options) else "")


def _has_limit(options: TrainingOptions) -> bool:
    """Returns whether other flags than the minutes say when the run ends."""
    return options.max_steps is not None or options.num_epoch != TrainingOptions.num_epoch


def _log_size(training_set: TrainingSet, end: str) -> None:
    """Logs the size of the model, what the run trains it on, and when it ends."""
    weights = sum(v.shape.num_elements() for v in tf.compat.v1.trainable_variables())
    logging.info(
        "The model has %s weights; %s make %s an epoch; training ends %s.",
        f"{weights:,}",
        counted(training_set.used, "record"),
        counted(training_set.batches_per_epoch, "batch", "batches"),
        end,
    )


def _build_model(
    config: Config,
    options: TrainingOptions,
    run: Run,
    training_set: TrainingSet,
    plan: StepPlan,
    *,
    replicas: Replicas,
) -> TrainGraph:
    """Builds the training graph. A seed makes the operations of the whole process deterministic."""
    if options.seed is not None:
        tf.config.experimental.enable_op_determinism()
    return build_train_graph(
        config,
        options,
        training_set.source,
        plan,
        compute_dtype=convolution_type(run.precision),
        replicas=replicas,
    )
