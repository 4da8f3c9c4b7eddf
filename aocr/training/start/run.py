"""Describes what a training run trains, and where it reads and writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


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
