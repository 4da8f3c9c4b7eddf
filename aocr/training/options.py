"""Defines how a model is trained, `TrainingOptions`, and where a run reads and writes, `Run`.

Each option states its help text and its permitted values, from which flags and checks derive. This
module does not import TensorFlow, so that the command line can be read without it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

from aocr.util.options import option

LEARNING_RATES = {"adadelta": 1.0, "adam": 0.001, "adamw": 0.001, "sgd": 0.01}
"""The optimizers, each with its default learning rate."""

WEIGHT_DECAYS = {"adadelta": 0.0, "adam": 0.0, "adamw": 0.01, "sgd": 0.0}
"""The default weight decay of each optimizer."""

SCHEDULES = ("constant", "cosine", "one-cycle")
"""The learning rate schedules."""

FRACTION: dict[str, Any] = {"minimum": 0, "maximum": 1, "excluded": 1}
"""Permits numbers from 0 to less than 1."""


@dataclasses.dataclass(frozen=True)
class TrainingOptions:
    """Determines how one run of training goes.

    Of these, only the optimizer decides which variables a checkpoint has. `max_gradient_norm` is
    None for no clipping. The defaults are those of aocr 0.7.6.
    """

    batch_size: int = option(
        65, "number of training examples per step", minimum=1, maximum=1_000_000
    )
    num_epoch: int = option(1000, "number of passes over the training data in this run", minimum=1)
    max_steps: int | None = option(
        None,
        "global step at which training ends; steps of earlier runs count too (default: none)",
        minimum=1,
    )
    max_minutes: float | None = option(
        None,
        "minutes that training may take: steps are measured, and training and its learning rate "
        "schedule end at the step that fits (default: none)",
        minimum=0,
        maximum=10_000_000,
        excluded=0,
    )
    steps_per_checkpoint: int = option(100, "number of steps between checkpoints", minimum=1)
    keep_checkpoints: int = option(5, "number of recent checkpoints to keep", minimum=1)
    validation_interval: int | None = option(
        None,
        "number of steps between validations (default: validate at each checkpoint)",
        minimum=1,
    )
    patience: int | None = option(
        None,
        "early stopping: number of validations without improvement after which training ends",
        minimum=1,
    )
    seed: int | None = option(
        None,
        "random seed: makes shuffling, dropout and initial weights reproducible (default: another "
        "seed in each run)",
        minimum=0,
    )
    drop_wide: bool = option(False, "leave out images wider than --max-width; do not shrink them")
    augment: str = option(
        "none",
        "random variation of the training images, another one in each epoch",
        choices=("none", "light", "strong"),
    )
    optimizer: str = option("adadelta", "optimizer", choices=tuple(LEARNING_RATES))
    initial_learning_rate: float = option(
        LEARNING_RATES["adadelta"],
        "initial learning rate",
        minimum=0,
        maximum=1e38,
        excluded=0,
    )
    learning_rate_schedule: str = option(
        "constant",
        "learning rate schedule; cosine and one-cycle reach 0 at the end of this run or, with "
        "--max-steps, at that step",
        choices=SCHEDULES,
    )
    warmup_steps: int = option(
        0,
        "number of learning rate warm-up steps; one-cycle replaces 0 by 30% of all steps",
        minimum=0,
    )
    label_smoothing: float = option(
        0.0,
        "share of each target's probability that training spreads evenly over all symbols; for "
        "the attention decoder, also of a joint model, whose CTC loss stays",
        **FRACTION,
    )
    weight_decay: float = option(0.0, "decoupled weight decay", **FRACTION)
    ema_decay: float = option(
        0.0,
        "share that a step keeps of the moving averages of all weights, which validation, test, "
        "predict and export then read; 0 for no averages",
        **FRACTION,
    )
    dropout: float = option(0.5, "dropout rate of the CNN's features", **FRACTION)
    bn_momentum: float = option(0.99, "batch-norm momentum", **FRACTION)
    max_gradient_norm: float | None = option(
        5.0,
        "maximum norm of the gradients; larger gradients are scaled down",
        minimum=0,
        maximum=1_000_000_000,
        excluded=0,
    )

    @property
    def steps_per_validation(self) -> int:
        """Number of steps between validations."""
        return self.validation_interval or self.steps_per_checkpoint


class WeightedDataset(NamedTuple):
    """Names a dataset of a mixture.

    Attributes:
        path: TFRecords: a file, a folder or a glob.
        weight: share of the records that a step draws from it, in any unit.
    """

    path: str
    weight: float


class Run(NamedTuple):
    """Names the inputs, outputs and hardware of a training run.

    Attributes:
        dataset: TFRecords to train on: files, folders or globs; those of `mix` too.
        validation: TFRecords to validate on; empty for no validation.
        model_dir: directory of the checkpoints, `config.json` and TensorBoard files.
        init_from: model directory whose weights a new model starts with; None for fresh weights.
        resume: whether to continue the training in `model_dir`.
        checkpoint: the checkpoint to resume from; None for a new model.
        gpu_id: index of the GPU; negative for the CPU.
        precision: `float32` or `bfloat16`.
        mix: the datasets of a mixture; empty if `dataset` is read as one.
    """

    dataset: list[str]
    validation: list[str]
    model_dir: str
    init_from: str | None
    resume: bool
    checkpoint: str | None
    gpu_id: int
    precision: str
    mix: tuple[WeightedDataset, ...] = ()


class ModelChoice(NamedTuple):
    """Says which model a run is to train, if it does not continue one.

    Attributes:
        given: the fields of `Config` that were given as flags.
        learned: the fields of `Config` that a new model takes from the dataset: `characters`, those
            of the labels, sorted by code point, and `bucket_widths`, those that need the least
            padding.
        recipe: the fields of `Config` that a recipe sets in place of the defaults.
    """

    given: Mapping[str, Any] = {}
    learned: frozenset[str] = frozenset()
    recipe: Mapping[str, Any] = {}
