"""Tests the types of flags: values that are not permitted end in a usage error with a reason."""

import argparse
import logging

import pytest
import tensorflow as tf
from commands import MODEL, draw, run_aocr

from aocr.cli.command import build_parser
from aocr.cli.flags.model import check_label_smoothing, warn_about_attention_flags
from aocr.cli.flags.parser import value_type, whole_number
from aocr.config import Config
from aocr.data.records import schema
from aocr.util.options import Permitted

REQUIRED = {"dataset": ["a"], "inspect": ["d"], "train": ["d"], "test": ["d"]}
NOT_NUMBERS = ("", "x", "nan", "inf", "-inf", "1e400", "10" * 40, "-" + "10" * 40, "1,5")


def flags_of(command):
    """The actions of a command's parser."""
    (commands,) = (a for a in build_parser()._actions if isinstance(a.choices, dict))
    return commands.choices[command]._actions


def numeric_flags():
    for command in ("dataset", "inspect", "train", "test", "predict", "export"):
        for action in flags_of(command):
            if action.metavar in ("N", "I", "N,N"):
                yield command, action.option_strings[0]


@pytest.mark.parametrize(("command", "flag"), list(numeric_flags()))
def test_every_number_has_bounds(command, flag, capsys):
    for value in NOT_NUMBERS:
        with pytest.raises(SystemExit) as exit_code:
            build_parser().parse_args([command, *REQUIRED.get(command, []), f"{flag}={value}"])
        assert exit_code.value.code == 2
        assert f"argument {flag}: {value} is not a" in capsys.readouterr().err


def test_every_flag_that_takes_a_number_is_named_so():
    for command in ("dataset", "inspect", "train", "test", "predict", "export"):
        for action in flags_of(command):
            if action.type is not None or isinstance(action.default, (int, float)):
                named = action.metavar in (
                    "N",
                    "I",
                    "N,N",
                    "A,B[,C]|PART",
                    "DATASET=WEIGHT",
                    "REGEX",
                )
                assert named or action.choices or action.nargs == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["predict", "--max-prediction=1000000000000"],
            "--max-prediction: 1000000000000 is not a whole number from 1 to 10000",
        ),
        (["dataset", "a", "o", "--seed=3"], "--seed=3 is for --split: give its shares"),
        (["dataset", "a", "o", "--split=9,1", "--shards=2"], "leave out --shards"),
        (["dataset", "a", "o", "--split=80"], "80 is not two or three positive shares"),
        (["train", "d", "--batch-size=0"], "--batch-size: 0 is not a whole number from 1 to 100"),
        (["train", "d", "--dropout=1"], "--dropout: 1 is not a number from 0 to 1, 1 excluded"),
        (["train", "d", "--initial-learning-rate=0"], "0 is not a number from 0 to 1e+38, 0 exc"),
        (["train", "d", "--optimizer=lion"], "lion is not one of adadelta, adam, adamw, sgd"),
        (["train", "d", "--num-epoch=2147483648"], "not a whole number from 1 to 2147483647"),
        (["train", "d", "--attn-num-layers=17"], "17 is not a whole number from 1 to 16"),
        (["train", "d", "--attn-num-hidden=8193"], "8193 is not a whole number from 1 to 8192"),
        (["dataset", "a", "--shards=100000"], "100000 is not a whole number from 1 to 99999"),
    ],
)
def test_usage_errors_say_what_is_permitted(arguments, told, capsys):
    with pytest.raises(SystemExit) as exit_code:
        build_parser().parse_args(arguments)
    assert exit_code.value.code == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("decoder", "share", "told"),
    [("attention", 0.1, []), ("joint", 0.0, []), ("ctc", 0.0, []), ("joint", 0.1, ["=0.1 is for"])],
)
def test_label_smoothing_says_what_it_does_not_smooth(decoder, share, told, caplog):
    with caplog.at_level(logging.INFO):
        check_label_smoothing(share, Config(decoder=decoder))
    assert len(caplog.messages) == len(told)
    assert all(part in said for part, said in zip(told, caplog.messages, strict=True))


def test_flags_of_the_attention_decoder_that_do_nothing_are_named(caplog):
    given = "decoder", "use_gru", "attention", "attn_num_layers"
    for decoder in ("attention", "joint", "ctc"):
        warn_about_attention_flags(given, Config(decoder=decoder))
    warn_about_attention_flags(("decoder",), Config(decoder="ctc"))
    assert caplog.messages == ["--attention, --use-gru: without effect with --decoder=ctc."]


def test_label_smoothing_without_an_attention_decoder_is_wrong_usage(tmp_path):
    with tf.io.TFRecordWriter(str(tmp_path / "d.tfrecords")) as writer:
        writer.write(schema.serialize(draw("AB"), "AB"))
    flags = ["--recipe=modern", "--decoder=ctc", "--label-smoothing=0.1"]
    log = run_aocr("train", "d.tfrecords", *MODEL, *flags, cwd=tmp_path, check=2).stderr
    assert "--label-smoothing=0.1 does nothing with --decoder=ctc" in log
    assert "Traceback" not in log
    assert not (tmp_path / "checkpoints" / "config.json").exists()


def test_a_typo_in_a_number_ends_before_anything_is_written(tmp_path):
    arguments = ("train", "d.tfrecords", "--max-width=16000000")
    done = run_aocr(*arguments, cwd=tmp_path, check=2)
    last = done.stderr.splitlines()[-1]
    assert last.endswith("--max-width: 16000000 is not a whole number from 1 to 100000")
    assert not list(tmp_path.iterdir())


def test_text_is_converted_to_the_kind_of_the_value():
    assert whole_number(0)("7") == 7
    assert whole_number(-5, 5)("-5") == -5
    assert value_type(Permitted(float, 0, 1))("0.25") == 0.25
    assert value_type(Permitted(float, 0, 10))("1e1") == 10.0
    assert value_type(Permitted(str))("é") == "é"
    assert value_type(Permitted(tuple, 1, 9))("1,5,9") == (1, 5, 9)
    with pytest.raises(argparse.ArgumentTypeError, match="6 is not a whole number from -5 to 5"):
        whole_number(-5, 5)("6")
