"""Tests that the settings in the log have the lines of 0.7.6."""

import pytest

from aocr.cli.command import build_parser
from aocr.cli.commands.train import training_options
from aocr.cli.settings_log import flag_settings, log_settings
from aocr.config import Config


def lines(caplog, phase, arguments, config):
    args = build_parser().parse_args([phase, *arguments])
    options = training_options(args) if phase == "train" else None
    with caplog.at_level("INFO"):
        log_settings(phase, flag_settings(args), config, options)
    return caplog.messages


def expected(phase, steps, batch):
    return [
        f"phase: {phase}",
        "model_dir: ./checkpoints",
        "load_model: True",
        "output_dir: ./results",
        f"steps_per_checkpoint: {steps}",
        f"batch_size: {batch}",
        "learning_rate: 1.000000",
        "reg_val: 0",
        "max_gradient_norm: 5.000000",
        "clip_gradients: True",
        "max_image_width 160.000000",
        "max_prediction_length 8.000000",
        "channels: 1",
        "target_embedding_size: 10.000000",
        "attn_num_hidden: 128",
        "attn_num_layers: 2",
        "visualize: False",
    ]


@pytest.mark.parametrize(
    ("phase", "arguments", "steps", "batch"),
    [("train", ["d"], 100, 65), ("test", ["d"], 0, 1), ("predict", [], 0, 1), ("export", [], 0, 1)],
)
def test_defaults_are_logged_as_by_0_7_6(caplog, phase, arguments, steps, batch):
    assert lines(caplog, phase, arguments, Config()) == expected(phase, steps, batch)


def test_what_was_given_is_logged(caplog):
    flags = ["d", "--no-resume", "--no-gradient-clipping", "--optimizer=adam", "--batch-size=7"]
    logged = lines(caplog, "train", flags, Config(use_gru=True, channels=3))
    assert {"load_model: False", "clip_gradients: False", "learning_rate: 0.001000"} < set(logged)
    assert {"batch_size: 7", "channels: 3", "max_gradient_norm: 5.000000"} < set(logged)
    assert logged[-1] == "using GRU in the decoder."


def test_no_line_looks_like_that_of_a_step(caplog):
    assert not any("Step" in line for line in lines(caplog, "train", ["d"], Config(use_gru=True)))
