"""Runs `aocr train` as the replica of a job that `TF_CONFIG` and `--gpus` describe."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
import logging
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from aocr.cli.flags.model import (
    TRAINING_FLOATS,
    check_batch_size,
    check_label_smoothing,
    given_characters,
    warn_about_attention_flags,
)
from aocr.cli.flags.parser import whole_number
from aocr.cli.settings_log import TRAIN, log_settings
from aocr.model.weights import pretrained
from aocr.training.cluster.tf_config import EVALUATOR, PARAMETER_SERVER, read_task
from aocr.training.options import ModelChoice, Run, TrainingOptions
from aocr.util.errors import UsageError, UserError
from aocr.util.options import permitted_values
from aocr.util.paths.checks import is_remote

if TYPE_CHECKING:
    from aocr.training.cluster.replicas import Replicas


@dataclasses.dataclass(frozen=True)
class TrainRequest:
    """Says what to train, on what, and with which replicas.

    Attributes:
        run: the inputs and outputs; the checkpoint to resume from is still to be found.
        options: how to train; the batch size is that of one replica.
        choice: what the flags say of the model, but for its characters.
        charset: value of `--charset`, or None.
        full_ascii: whether `--full-ascii` is given.
        force_precision: whether bfloat16 is used even where it is slower.
        global_batch_size: number of images of a step of all replicas; None for `options` of each.
        gpus: number of GPUs of this machine that share a batch, or `ALL`; None for one.
        cluster_timeout: seconds that replicas wait for each other.
        settings: values for the log, see `flag_settings`.
    """

    run: Run
    options: TrainingOptions
    choice: ModelChoice
    charset: str | None
    full_ascii: bool
    force_precision: bool
    global_batch_size: int | None
    gpus: str | None
    cluster_timeout: int
    settings: Mapping[str, object]


def train_replica(request: TrainRequest) -> None:
    """Does the part of this process in a training: that of one replica, or all of it.

    Raises:
        UserError: `TF_CONFIG` cannot be understood, or another replica does not come.
    """
    from aocr.training.cluster.replicas import Replicas
    from aocr.training.cluster.towers import gpu_towers

    run, timeout = request.run, request.cluster_timeout
    task = read_task(os.environ)
    if task and task.own.role == PARAMETER_SERVER:
        logging.info("TF_CONFIG: parameter servers are not used; %s has nothing to do.", task.own)
    elif task and task.own.role == EVALUATOR:
        if not run.validation:
            raise UsageError("TF_CONFIG makes this replica the evaluator: give it --validation")
        from aocr.training.validation.evaluator import evaluate_new_checkpoints

        evaluate_new_checkpoints(run, timeout)
    elif task is None or task.is_alone:
        _train_locked(request, Replicas(gpu_towers(request.gpus)))
    else:
        from aocr.training.cluster.processes import connect

        with connect(task, run.gpu_id, timeout, gpu_towers(request.gpus)) as cluster:
            _train_locked(request, cluster, chief_validates=not task.has_evaluator)


def _train_locked(request: TrainRequest, replicas: Replicas, chief_validates: bool = True) -> None:
    """Trains in a model directory that no other process trains in; the chief holds it."""
    from aocr.training.start.lock import VALIDATION, training_lock

    run = request.run

    def lock() -> None:  # before the checkpoint to resume from is chosen
        if replicas.is_chief:
            held.enter_context(training_lock(run.model_dir))
            if replicas.processes > 1 and chief_validates and run.validation:
                held.enter_context(training_lock(run.model_dir, VALIDATION))

    with contextlib.ExitStack() as held:
        replicas.together(lock)
        _train(request, replicas, validates=replicas.is_chief and chief_validates)


def _train(request: TrainRequest, replicas: Replicas, validates: bool) -> None:
    """Trains in a model directory that is held."""
    from aocr.training import trainer
    from aocr.training.cluster import agreement
    from aocr.training.start.model_choice import choose_config

    options = _with_global_batch(request.options, request.global_batch_size, replicas)
    run = replicas.together(lambda: _with_weights(request.run, replicas))
    if not validates:
        run = run._replace(validation=[])
    characters = given_characters(request.charset, request.full_ascii)
    choice = request.choice._replace(given={**request.choice.given, **characters})
    if replicas.processes > 1:
        agreement.check_flags(replicas, options, choice, run)
        choose = functools.partial(choose_config, run, choice)
        config = agreement.agreed_config(replicas, lambda: choose(options.drop_wide))
    else:
        config = choose_config(run, choice, options.drop_wide)
    check_batch_size(options.batch_size // replicas.processes, config, TRAINING_FLOATS)
    check_label_smoothing(options.label_smoothing, config)
    warn_about_attention_flags(choice.given, config)
    log_settings(TRAIN, request.settings, config, options)
    trainer.train(config, options, run, replicas)


def _with_weights(run: Run, replicas: Replicas) -> Run:
    """Returns a run that knows where its first weights are.

    Only the chief of several replicas resumes from a checkpoint: the others take its weights.
    """
    from aocr.model.weights import checkpoints

    resumes = run.resume and replicas.is_chief
    return run._replace(
        checkpoint=checkpoints.latest_checkpoint(run.model_dir) if resumes else None,
        init_from=run.init_from and pretrained.folder_of(run.init_from),
    )


ALL = "all"

CLUSTER_TIMEOUT = 45
"""Default of `--cluster-timeout`: together with the end of a process it is less than a minute."""


def add_replica_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of training in several replicas."""
    group = parser.add_argument_group("several GPUs or machines")
    text = (
        "number of training examples per step of all replicas together (default: --batch-size "
        "times the number of replicas)"
    )
    permitted = permitted_values(TrainingOptions, "batch_size")
    in_range = whole_number(int(permitted.minimum), int(permitted.maximum))
    group.add_argument("--global-batch-size", type=in_range, metavar="N", help=text)
    text = f"number of GPUs of this machine that share each batch, or '{ALL}' (default: one GPU)"
    group.add_argument("--gpus", type=_gpus, metavar="N", help=text)
    text = (
        "seconds that replicas of TF_CONFIG wait for each other, at the start and in each step, "
        "before they end with an error (default: %(default)s)"
    )
    in_range = whole_number(1, 1_000_000)
    group.add_argument(
        "--cluster-timeout", type=in_range, default=CLUSTER_TIMEOUT, metavar="N", help=text
    )


def _gpus(text: str) -> str:
    return text if text == ALL else str(whole_number(1, 1000)(text))


def _with_global_batch(
    options: TrainingOptions, given: int | None, replicas: Replicas
) -> TrainingOptions:
    """Returns options whose batch size is that of all replicas, and logs it if it is another.

    Args:
        options: the options, with the batch size of one replica.
        given: value of `--global-batch-size`.
        replicas: the replicas that share each batch.

    Raises:
        UsageError: the batch cannot be divided evenly.
    """
    total = given or options.batch_size * replicas.count
    if total % replicas.count:
        raise UsageError(
            f"--global-batch-size={total} is not a multiple of the number of replicas, "
            f"{replicas.count}: give one that is"
        )
    if replicas.count > 1:
        logging.info(
            "A step trains on %i images: %i on each of %i replicas. The learning rate is not "
            "changed by that.",
            total,
            total // replicas.count,
            replicas.count,
        )
    return dataclasses.replace(options, batch_size=total)


def replica_log(log_path: str) -> str:
    """Returns the log of this replica, given that of the command line.

    All replicas get the same command, and a remote log is replaced as a whole: in one file, that of
    the last replica would be left. So replicas other than the chief add their names.
    """
    try:
        task = read_task(os.environ) if is_remote(log_path) else None
    except UserError:
        return log_path  # the command says what is wrong, and there it can be logged
    if task is None or task.own in task.replicas[:1]:
        return log_path
    stem, extension = os.path.splitext(log_path)
    return f"{stem}-{task.own.role}-{task.own.number}{extension}"
