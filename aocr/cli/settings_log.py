"""Logs the settings of a command that has a model, in the lines of aocr 0.7.6.

Programs of 0.7.6's users read these lines (docs/compatibility.md, "Log lines"), and a terminal does
not show them. Lines and formats are those of 0.7.6, with its irregular colons.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping

from aocr.config import Config
from aocr.training.options import TrainingOptions
from aocr.util.terminal.log import DETAIL

TRAIN, TEST, PREDICT, EXPORT = PHASES = ("train", "test", "predict", "export")
"""The phases of 0.7.6, which are the commands that have a model."""

LINES = (
    "phase: %(phase)s",
    "model_dir: %(model_dir)s",
    "load_model: %(load_model)s",
    "output_dir: %(output_dir)s",
    "steps_per_checkpoint: %(steps_per_checkpoint)d",
    "batch_size: %(batch_size)d",
    "learning_rate: %(initial_learning_rate)f",
    "reg_val: %(reg_val)d",
    "max_gradient_norm: %(max_gradient_norm)f",
    "clip_gradients: %(clip_gradients)s",
    "max_image_width %(max_width)f",
    "max_prediction_length %(max_prediction)f",
    "channels: %(channels)d",
    "target_embedding_size: %(target_embedding_size)f",
    "attn_num_hidden: %(attn_num_hidden)d",
    "attn_num_layers: %(attn_num_layers)d",
    "visualize: %(visualize)s",
)
"""The lines in their order."""

GRU_LINE = "using GRU in the decoder."
"""The line that follows for a decoder of GRU cells."""

OUTSIDE_TRAINING = {"steps_per_checkpoint": 0, "batch_size": 1}
"""Values that 0.7.6 logs in all commands but `train`. `test` reads larger batches here, which does
not change its results."""

REGULARIZATION = 0
"""The factor of the regularization loss, which 0.7.6 logs although no flag sets it."""


def flag_settings(args: argparse.Namespace) -> dict[str, object]:
    """Returns the values of flags that the lines show, by their names there."""
    return {
        "model_dir": args.model_dir,
        "load_model": not getattr(args, "no_resume", False),
        "output_dir": args.output_dir,
        "initial_learning_rate": args.initial_learning_rate,
        "reg_val": REGULARIZATION,
        "max_gradient_norm": args.max_gradient_norm,
        "clip_gradients": not args.no_gradient_clipping,
        "visualize": getattr(args, "visualize", False),
    }


def log_settings(
    phase: str,
    settings: Mapping[str, object],
    config: Config,
    options: TrainingOptions | None = None,
) -> None:
    """Logs the settings of a command.

    Args:
        phase: one of `PHASES`.
        settings: the values that `flag_settings` returns.
        config: the model, which need not be that of the flags.
        options: how it is trained; None for other commands than `train`.
    """
    names = ("initial_learning_rate", *OUTSIDE_TRAINING)
    of_run = {name: getattr(options, name) for name in names} if options else {}
    values = {**vars(config), **OUTSIDE_TRAINING, **settings, **of_run, "phase": phase}
    for line in LINES:
        logging.info(line, values, extra=DETAIL)
    if config.use_gru:
        logging.info(GRU_LINE, extra=DETAIL)
