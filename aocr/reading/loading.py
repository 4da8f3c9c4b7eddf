"""Loads a model as a `Reader`: what `aocr.load` does once TensorFlow is imported."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

from aocr.config import TEST_BATCH_SIZE, Config
from aocr.model import config_file
from aocr.model.weights import checkpoints
from aocr.reading.checkpoint_backend import Backend, CheckpointBackend
from aocr.reading.export_backend import ExportBackend
from aocr.reading.model_source import CHECKPOINTS, ModelSource, find_model
from aocr.reading.reader import Reader
from aocr.util.errors import UserError


class LoadOptions(NamedTuple):
    """Says how to load a model.

    Attributes:
        checkpoint: 'best', 'latest', a step or a path, of a model directory; None for the best,
            or else the latest.
        gpu_id: index of the GPU; negative for the CPU.
        fields: fields of `Config`, which only a model directory of aocr 0.7.6 needs; and
            `read_with`.
    """

    checkpoint: str | None = None
    gpu_id: int = 0
    fields: dict[str, object] | None = None


def load_reader(
    name: str,
    options: LoadOptions | None = None,
    batch_size: int = TEST_BATCH_SIZE,
) -> Reader:
    """Loads a model.

    Args:
        name: path or name of the model, see `find_model`.
        options: how to load it.
        batch_size: number of images that it reads at a time.

    Raises:
        UserError: there is no such model, or it cannot be loaded.
    """
    return Reader(load_backend(find_model(name), options or LoadOptions()), batch_size)


def load_backend(source: ModelSource, options: LoadOptions) -> Backend:
    """Loads a model that has been found.

    Raises:
        UserError: it cannot be loaded, or an option does not apply to it.
    """
    fields = options.fields or {}
    _check_names(fields)
    if source.kind != CHECKPOINTS:
        _check_applies_to_exports(options, source)
        return ExportBackend(source, options.gpu_id)
    checkpoint = checkpoints.find_checkpoint(source.folder, options.checkpoint)
    config = config_file.of_trained_model(source.folder, fields)
    return CheckpointBackend(config, checkpoint, options.gpu_id, which=options.checkpoint)


def _check_names(fields: dict[str, object]) -> None:
    known = [field.name for field in dataclasses.fields(Config)]
    for name in fields:
        if name not in known:
            raise TypeError(f"{name} is not a field of a model: there are {', '.join(known)}")


def _check_applies_to_exports(options: LoadOptions, source: ModelSource) -> None:
    given = [*(["checkpoint"] if options.checkpoint else []), *(options.fields or {})]
    if given:
        raise UserError(
            f"{source.folder} is an export, which has no choice of {', '.join(given)}: "
            "name the model directory, or leave it out"
        )
