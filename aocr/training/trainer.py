"""Trains a model: checks the data, builds the graph, loads the weights and runs the steps."""

from __future__ import annotations

import logging
import time

import tensorflow as tf

from aocr.config import Config
from aocr.data.decoder_complaints import hidden_complaints
from aocr.model import checkpoints, config_file
from aocr.training.checkpointing import Checkpointer
from aocr.training.early_stopping import EarlyStopping
from aocr.training.epoch_counter import EpochCounter
from aocr.training.graph import TrainGraph, build_train_graph
from aocr.training.initialization import initialize_weights
from aocr.training.options import TrainingOptions
from aocr.training.precision import BFLOAT16, convolution_type
from aocr.training.run import Run
from aocr.training.run_timing import RunTiming
from aocr.training.step_plan import StepPlan, make_step_plan
from aocr.training.tensorboard import EventWriter
from aocr.training.time_plan import TimeBudget, make_time_plan, planned_last_step
from aocr.training.training_loop import RunOutputs, TrainingLoop
from aocr.training.training_set import TrainingSet, load_training_set
from aocr.training.training_step import take_steps
from aocr.training.validation import Validator
from aocr.util.plurals import counted
from aocr.util.session import open_session
from aocr.util.signals import collect_stop_signals


def train(config: Config, options: TrainingOptions, run: Run) -> None:
    """Trains until the steps or the patience run out, or SIGINT or SIGTERM arrives.

    Args:
        config: the model.
        options: determines how the model is trained.
        run: names the inputs and outputs.

    Raises:
        UserError: no record can be used, the checkpoint belongs to another model, a file cannot be
            written, or the loss is no longer finite.
    """
    training_set = load_training_set(run, config, options)
    first_step = checkpoints.step_of(run.checkpoint)
    planned = planned_last_step(run.checkpoint, options)
    plan = make_step_plan(options, training_set.batches_per_epoch, first_step, planned)
    if not plan.step_count:
        _log_nothing_to_train(options, plan)
        return
    validator = None
    if run.validation:
        validator = Validator(config, run.validation, run.gpu_id, bool(options.ema_decay))
    model = _build_model(config, options, run, training_set, plan)
    named = training_set.has_complaints or bool(validator and validator.has_complaints)
    with (
        hidden_complaints(named),
        model.graph.as_default(),
        collect_stop_signals() as requests,
        open_session(model.graph, run.gpu_id, bfloat16=run.precision == BFLOAT16) as session,
    ):
        initialize_weights(session, run, config)
        outputs = _open_outputs(session, run, options, validator)
        config_file.write(run.model_dir, config)
        _log_size(plan, training_set)
        budget = TimeBudget(time.monotonic(), planned, validator.images if validator else 0)
        time_plan = make_time_plan(session, options, budget)
        timing = RunTiming(plan, training_set, not config.bucket_widths, time_plan)
        logging.info("num_epoch: %d", options.num_epoch)
        logging.info("Starting the training process.")
        epochs = EpochCounter(training_set, options.num_epoch, plan.skipped)
        with outputs.events:
            loop = TrainingLoop(plan, options, epochs, outputs, timing)
            loop.run(take_steps(session, model, plan.step_count), requests)


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


def _log_size(plan: StepPlan, training_set: TrainingSet) -> None:
    """Logs the size of the model, and what the run trains it on."""
    weights = sum(v.shape.num_elements() for v in tf.compat.v1.trainable_variables())
    logging.info(
        "The model has %s weights; %s make %s an epoch; training ends at global step %i at the "
        "latest.",
        f"{weights:,}",
        counted(training_set.used, "record"),
        counted(training_set.batches_per_epoch, "batch", "batches"),
        plan.last_step,
    )


def _build_model(
    config: Config, options: TrainingOptions, run: Run, training_set: TrainingSet, plan: StepPlan
) -> TrainGraph:
    """Builds the training graph. A seed makes the operations of the whole process deterministic."""
    if options.seed is not None:
        tf.config.experimental.enable_op_determinism()
    return build_train_graph(
        config,
        options,
        training_set.files,
        training_set.rejected,
        plan,
        mixture=training_set.mixture,
        compute_dtype=convolution_type(run.precision),
    )


def _open_outputs(
    session: tf.compat.v1.Session, run: Run, options: TrainingOptions, validator: Validator | None
) -> RunOutputs:
    """Creates the model directory and opens what the training loop writes to."""
    checkpointer = Checkpointer(session, run, options.keep_checkpoints)
    events = EventWriter(run.model_dir, session.graph)
    early_stopping = None
    if validator:
        early_stopping = EarlyStopping(session, run, validator, events, options.patience)
    return RunOutputs(checkpointer, early_stopping, events)
