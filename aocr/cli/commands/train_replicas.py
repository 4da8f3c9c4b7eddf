"""Runs `aocr train` as the replica of a job that `TF_CONFIG` and `--gpus` describe."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from aocr.training.cluster.tf_config import EVALUATOR, PARAMETER_SERVER, read_task
from aocr.util.errors import UsageError

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
