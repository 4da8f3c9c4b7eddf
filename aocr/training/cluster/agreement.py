"""Compares what the replicas of a cluster were started with, and what they have read."""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

import aocr
from aocr.config import Config
from aocr.data.batches.mixing import Mixture
from aocr.data.batches.sharing import WHOLE
from aocr.data.records.files import expand
from aocr.model import config_file
from aocr.training.cluster.replicas import Replicas
from aocr.training.options import ModelChoice, Run, TrainingOptions
from aocr.training.start.step_plan import StepPlan
from aocr.training.start.training_set import TrainingSet
from aocr.util.errors import UserError
from aocr.util.text.plurals import counted

MOST_SHOWN = 80
"""Number of characters of a value that an error shows at most."""

LEARNED = "auto"
"""Stands for a value that the chief takes from the dataset."""


def check_flags(
    replicas: Replicas, options: TrainingOptions, choice: ModelChoice, run: Run
) -> None:
    """Checks that all replicas were started with the same flags, and see the same files.

    Args:
        replicas: the replicas of the cluster.
        options: the way to train the model; the batch size is that of all replicas.
        choice: the model that the command line asks for.
        run: the dataset.

    Raises:
        UserError: one was not.
    """
    facts: dict[str, Any] = {
        "aocr": aocr.__version__,
        "TensorFlow": tf.__version__,
        "the dataset": replicas.together(lambda: _description(run)),
        "--gpus": len(replicas.towers),
        "--precision": run.precision,
        "--mix": [part.weight for part in run.mix],
    }
    for name, value in vars(options).items():
        facts["--" + name.replace("_", "-")] = value
    facts["images a step"] = facts.pop("--batch-size")
    for name, value in {
        **choice.recipe,
        **choice.given,
        **dict.fromkeys(choice.learned, LEARNED),
    }.items():
        facts[config_file.flag_of(name)] = value
    _check(replicas, facts, "start all replicas with the same flags, on the same data")


def _description(run: Run) -> str:
    """Returns what tells a dataset from another, without reading its records."""
    names = expand(run.dataset)
    files = [(posixpath.basename(name), tf.io.gfile.stat(name).length) for name in names]
    digest = hashlib.sha256(json.dumps(files).encode()).hexdigest()[:8]
    size = sum(length for _, length in files)
    return f"{counted(len(files), 'file')} of {size:,} bytes, names and sizes {digest}"


def agreed_config(replicas: Replicas, choose: Callable[[], Config]) -> Config:
    """Returns the config that the chief chooses."""
    text = replicas.together(lambda: config_file.dumps(choose()) if replicas.is_chief else "")
    return config_file.loads(replicas.gather(text)[0])


def agreed_plan(replicas: Replicas, make: Callable[[], StepPlan]) -> StepPlan:
    """Returns the plan that the chief makes; each run without a seed has another one."""
    return StepPlan(*replicas.from_chief(make()))


def agreed_training_set(replicas: Replicas, training_set: TrainingSet) -> TrainingSet:
    """Completes what a replica knows of its records by what all have.

    An epoch has as many batches as the replica with the most.

    Raises:
        UserError: replicas that should read the same records do not.
    """
    facts = {
        "records": training_set.used + training_set.left_out,
        "records to train on": training_set.used,
        "batches": training_set.batches_per_epoch,
    }
    source = training_set.source
    if isinstance(source, Mixture) or source.share != WHOLE:
        _check(replicas, facts, "give all replicas the same data")
        return training_set
    batches = max(map(int, replicas.gather(str(training_set.batches_per_epoch))))
    used, left_out = replicas.sums([training_set.used, training_set.left_out])
    return training_set._replace(
        used=used,
        left_out=left_out,
        batches_per_epoch=batches,
        source=source._replace(batches_per_epoch=batches),
    )


def _check(replicas: Replicas, facts: Mapping[str, Any], cure: str) -> None:
    """Compares facts of all replicas with those of the chief."""
    text = json.dumps(facts)
    chief, *others = map(json.loads, replicas.gather(text))
    for name, other in zip(replicas.names[1:], others, strict=True):
        for key in (key for key in {**chief, **other} if other.get(key) != chief.get(key)):
            values = f"{_shown(other.get(key))}, and {_shown(chief.get(key))}"
            raise UserError(f"{name} and {replicas.names[0]} differ in {key}: {values}: {cure}")


def _shown(value: Any) -> str:
    if value is None:
        return "not given"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 3]}..."
