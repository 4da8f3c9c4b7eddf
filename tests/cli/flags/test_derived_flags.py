"""Tests that flags derive from the fields of `Config` and `TrainingOptions`."""

import argparse
import dataclasses

import pytest

from aocr.charset import FULL_ASCII
from aocr.cli.command import build_parser
from aocr.cli.commands.train import add_training_flags, training_options
from aocr.cli.flags.model import (
    add_limit_flags,
    add_model_flags,
    given_characters,
    given_fields,
    limits,
)
from aocr.config import Config
from aocr.data.limits import Limits
from aocr.training.options import TrainingOptions
from aocr.util.options import option, options_of

MoreOptions = dataclasses.make_dataclass(
    "MoreOptions",
    [
        ("label_smoothing", float, option(0.0, "label smoothing, 10%", minimum=0, maximum=1)),
        ("use_ema", bool, option(False, "average the weights")),
        ("loss", str, option("cross-entropy", "loss", choices=("cross-entropy", "ctc"))),
        ("decay_steps", int | None, option(None, "number of decay steps", minimum=1)),
    ],
    bases=(TrainingOptions,),
    frozen=True,
)
MoreConfig = dataclasses.make_dataclass(
    "MoreConfig",
    [("cnn_layers", int, option(7, "number of CNN layers", minimum=1, maximum=50))],
    bases=(Config,),
    frozen=True,
)


def test_a_new_field_of_the_training_options_is_a_flag():
    parser = argparse.ArgumentParser()
    add_training_flags(parser, MoreOptions)

    def options(*arguments):
        return training_options(parser.parse_args(arguments), MoreOptions)

    assert options() == MoreOptions()
    given = options("--label-smoothing=0.1", "--use-ema", "--loss=ctc", "--decay-steps=9")
    assert given == MoreOptions(label_smoothing=0.1, use_ema=True, loss="ctc", decay_steps=9)
    text = " ".join(parser.format_help().split())
    assert "--label-smoothing N label smoothing, 10% (default: 0.0)" in text
    assert "--use-ema average the weights" in text
    assert "--loss {cross-entropy,ctc} loss (default: cross-entropy)" in text
    assert "--decay-steps N number of decay steps --" in text


def test_a_new_field_of_the_config_is_a_flag():
    parser = argparse.ArgumentParser()
    add_model_flags(parser, MoreConfig)
    assert given_fields(parser.parse_args(["--cnn-layers=9"]), MoreConfig) == {"cnn_layers": 9}
    assert given_fields(parser.parse_args([]), MoreConfig) == {}
    assert "number of CNN layers (default: 7)" in parser.format_help()


def test_values_of_new_fields_are_checked(capsys):
    parser = argparse.ArgumentParser()
    add_training_flags(parser, MoreOptions)
    with pytest.raises(SystemExit):
        parser.parse_args(["--label-smoothing=1.5"])
    assert "--label-smoothing: 1.5 is not a number from 0 to 1" in capsys.readouterr().err


def test_train_sets_every_field_of_the_training_options():
    values = {
        option.name: option.permitted.choices[-1]
        if option.permitted.choices
        else {bool: True, int: 7, float: 0.25}[option.permitted.kind]
        for option in options_of(TrainingOptions)
    }
    arguments = [
        f"--{name.replace('_', '-')}" + ("" if value is True else f"={value}")
        for name, value in values.items()
    ]
    args = build_parser().parse_args(["train", "d", "--validation=v", *arguments])
    assert training_options(args) == TrainingOptions(**values)


def test_train_sets_every_field_of_the_config():
    values = {"max_width": 99, "max_height": 33, "max_prediction": 5, "attn_num_layers": 3}
    values |= {"attn_num_hidden": 64, "target_embedding_size": 16, "bucket_widths": (48, 64)}
    values |= {"backbone": "compact", "resize": "full-height", "gray": "luma", "padding": "masked"}
    values |= {"decoder": "joint", "attention": "location", "read_with": "ctc"}
    values |= {"direction": "rtl"}
    arguments = [
        f"--{name.replace('_', '-')}={str(value).strip('()').replace(' ', '')}"
        for name, value in values.items()
    ]
    arguments += ["--full-ascii", "--color", "--use-gru"]
    values |= {"characters": FULL_ASCII, "channels": 3, "use_gru": True}
    args = build_parser().parse_args(["train", "d", *arguments])
    given = {**given_fields(args, Config), **given_characters(args.charset, args.full_ascii)}
    assert given == values
    assert set(given) == {field.name for field in dataclasses.fields(Config)}


@pytest.mark.parametrize("command", [["dataset", "a"], ["inspect", "d"]])
def test_limits_are_the_flags_that_were_given(command, tmp_path):
    def parsed(*arguments):
        return limits(build_parser().parse_args([*command, *arguments]))

    (tmp_path / "charset.txt").write_text("abc")
    assert parsed() == Limits()
    flags = ["--max-width=9", "--max-height=8", "--max-prediction=7", f"--charset={tmp_path}"]
    assert parsed(*flags[:3], f"{flags[3]}/charset.txt") == Limits(9, 8, 7, "abc")
    assert parsed("--full-ascii") == Limits(characters=FULL_ASCII)
    assert parsed("--charset=auto") == Limits()


def test_the_help_of_limits_shows_no_default():
    parser = argparse.ArgumentParser()
    add_limit_flags(parser, "limits")
    assert "default" not in parser.format_help()


@pytest.mark.parametrize("command", [["test", "d"], ["predict"], ["export"]])
def test_bucket_widths_are_for_new_models_only(command, capsys):
    with pytest.raises(SystemExit):
        build_parser().parse_args([*command, "--bucket-widths=48"])
    assert "unrecognized arguments: --bucket-widths=48" in capsys.readouterr().err
