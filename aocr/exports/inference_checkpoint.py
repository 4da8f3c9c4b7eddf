"""Writes a model directory with only what reading takes, as models that come with aocr have it."""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

from aocr.config import ATTENTION, CTC, JOINT, Config
from aocr.inference.graph import build_serving_graph
from aocr.model import config_file
from aocr.model.weights import checkpoints
from aocr.model.weights.checkpoints import name_to_read
from aocr.model.weights.files import CheckpointReader
from aocr.util.errors import UserError
from aocr.util.session import open_on_cpu


def write_inference_checkpoint(model_dir: str, target_dir: str) -> None:
    """Writes the weights and the config of a model into another directory.

    The weights are those of the best checkpoint, else of the latest. Where it has the average of a
    weight (`--ema-decay`), the average is written, under the name of the weight. A joint model
    keeps both decoders. What only training needs is left out, so that a training cannot be resumed
    there; `--init-from` works.

    Args:
        model_dir: the directory of the model.
        target_dir: the directory to write to. Its earlier checkpoint is replaced.

    Raises:
        UserError: the model has no checkpoint or no config, the checkpoint is damaged, or the
            directory cannot be written.
    """
    checkpoint = checkpoints.find_checkpoint(model_dir)
    config = config_file.read(model_dir)
    if config is None:
        raise UserError(f"{model_dir} has no {config_file.FILE_NAME}: train the model with aocr 1")
    values = _weights(CheckpointReader(checkpoint), config)
    with tf.Graph().as_default() as graph:
        variables = {
            name: tf.compat.v1.get_variable(name, value.shape, value.dtype)
            for name, value in values.items()
        }
        writer = checkpoints.CheckpointWriter(target_dir, keep=1)
        writer.adopt_existing()
        with open_on_cpu(graph) as session:
            for name, variable in variables.items():
                variable.load(values[name], session)
            writer.save(session, _step_in_name(checkpoint))
    config_file.write(target_dir, config)


def _step_in_name(checkpoint: str) -> int:
    """Returns 700 for `best.ckpt-700`; 0 if the name has no step."""
    number = checkpoint.rpartition("-")[2]
    return int(number) if number.isdigit() else 0


def _weights(reader: CheckpointReader, config: Config) -> dict[str, np.ndarray]:
    """Returns the values of all variables that reading takes, by their names."""
    names = sorted(_variable_names(config))
    return {name: reader.read(name_to_read(name, reader.shapes)) for name in names}


def _variable_names(config: Config) -> set[str]:
    """Returns the names of the variables of the graphs that read, with either decoder."""
    decoders = (ATTENTION, CTC) if config.decoder == JOINT else (config.read_with,)
    names = set()
    for decoder in decoders:
        graph = build_serving_graph(dataclasses.replace(config, read_with=decoder)).graph
        with graph.as_default():
            names |= {variable.op.name for variable in tf.compat.v1.global_variables()}
    return names
