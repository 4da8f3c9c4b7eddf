"""Runs `aocr train` as the replica of a job that `TF_CONFIG` and `--gpus` describe."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from aocr.cli.flags.values import whole_number
from aocr.training.cluster.tf_config import EVALUATOR, PARAMETER_SERVER, read_task
from aocr.training.options import TrainingOptions
from aocr.util.errors import UsageError, UserError
from aocr.util.options import permitted_values
from aocr.util.paths.checks import is_remote

if TYPE_CHECKING:
    from aocr.training.cluster.replicas import Replicas


Train = Callable[[argparse.Namespace, "Replicas", bool], None]
"""Trains among replicas in a model directory that is held; the last argument says whether the chief
validates."""


def run_replica(
    args: argparse.Namespace, train: Train, evaluate: Callable[[argparse.Namespace], None]
) -> None:
    """Does the part of one replica.

    Args:
        args: the parsed command line.
        train: see `Train`.
        evaluate: validates the checkpoints of a training that other processes run.

    Raises:
        UserError: `TF_CONFIG` cannot be understood, or another replica does not come.
    """
    from aocr.training.cluster.processes import connect
    from aocr.training.cluster.replicas import Replicas
    from aocr.training.cluster.towers import gpu_towers

    task = read_task(os.environ)
    if task and task.own.role == PARAMETER_SERVER:
        logging.info("TF_CONFIG: parameter servers are not used; %s has nothing to do.", task.own)
    elif task and task.own.role == EVALUATOR:
        if not args.validation:
            raise UsageError("TF_CONFIG makes this replica the evaluator: give it --validation")
        evaluate(args)
    elif task is None or task.is_alone:
        _train_locked(args, train, Replicas(gpu_towers(args.gpus)))
    else:
        towers = gpu_towers(args.gpus)
        with connect(task, args.gpu_id, args.cluster_timeout, towers) as cluster:
            _train_locked(args, train, cluster, chief_validates=not task.has_evaluator)


def _train_locked(
    args: argparse.Namespace, train: Train, replicas: Replicas, chief_validates: bool = True
) -> None:
    """Trains in a model directory that no other process trains in; the chief holds it."""
    from aocr.training.start.lock import VALIDATION, training_lock

    def lock() -> None:  # before the checkpoint to resume from is chosen
        if replicas.is_chief:
            held.enter_context(training_lock(args.model_dir))
            if replicas.processes > 1 and chief_validates and args.validation:
                held.enter_context(training_lock(args.model_dir, VALIDATION))

    with contextlib.ExitStack() as held:
        replicas.together(lock)
        train(args, replicas, chief_validates)


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


def with_global_batch(
    options: TrainingOptions, given: int | None, replicas: Replicas
) -> TrainingOptions:
    """Returns options whose batch size is that of all replicas, and logs it if it is another.

    Args:
        options: have the batch size of one replica.
        given: value of `--global-batch-size`.
        replicas: share each batch.

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


def replica_log(args: argparse.Namespace) -> str:
    """Returns the log of this replica.

    All replicas get the same command, and a remote log is replaced as a whole: in one file, that of
    the last replica would be left. So replicas other than the chief add their names.
    """
    try:
        task = read_task(os.environ) if is_remote(args.log_path) else None
    except UserError:
        return args.log_path  # the command says what is wrong, and there it can be logged
    if task is None or task.own in task.replicas[:1]:
        return args.log_path
    stem, extension = os.path.splitext(args.log_path)
    return f"{stem}-{task.own.role}-{task.own.number}{extension}"
