"""Flags of `aocr export` that fit only together with others."""

import pytest

from aocr.cli.command import build_parser

TFLITE = "--format=tflite"
VERIFY, CALIBRATION = ("--verify", "v.tfrecords"), ("--calibration", "c.tfrecords")


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["--versioned", "--format=frozengraph"], "--versioned needs --format=savedmodel"),
        (["--with-attention", TFLITE], "--with-attention needs --format=savedmodel"),
        (["--quantize=dynamic", *VERIFY], "--quantize needs --format=tflite"),
        ([TFLITE, "--quantize=dynamic"], "--quantize needs --verify"),
        ([TFLITE, "--quantize=int8", *VERIFY], "--quantize=int8 needs --calibration"),
        ([TFLITE, *CALIBRATION], "--calibration needs --quantize=int8"),
        ([TFLITE, "--max-accuracy-loss=1.5"], "1.5 is not"),
        (
            [TFLITE, "--pattern=[AB]+"],
            "--pattern needs --format=savedmodel or --format=frozengraph",
        ),
        (["--format=onnx", "--lexicon=words.txt"], "--lexicon needs --format=savedmodel or"),
        ([TFLITE, "--top=2"], "--top needs --format=savedmodel or"),
    ],
)
def test_flags_that_do_not_fit_are_refused(capsys, flags, problem):
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args(["export", *flags])
    assert ended.value.code == 2
    assert problem in capsys.readouterr().err


@pytest.mark.parametrize(
    "flags",
    [
        [],
        ["--versioned", "--with-attention", *VERIFY],
        [TFLITE, "--quantize=dynamic", *VERIFY],
        ["--format=frozengraph", "--pattern=[AB]+", "--top=2"],
        ["--versioned", "--lexicon=words.txt"],
        [TFLITE, "--quantize=int8", *VERIFY, *CALIBRATION, "--max-accuracy-loss=0"],
    ],
)
def test_flags_that_fit_are_accepted(flags):
    build_parser().parse_args(["export", *flags])
