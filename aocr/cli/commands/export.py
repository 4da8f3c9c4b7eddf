"""The command `aocr export`: writes a trained model for other programs."""

from __future__ import annotations

import argparse
import functools
import os

from aocr.cli.flags import common, model, search
from aocr.cli.flags.parser import CommandParser, value_type
from aocr.cli.flags.paths import dataset_inputs, model_inputs
from aocr.cli.settings_log import EXPORT, flag_settings, log_settings
from aocr.exports import formats
from aocr.util.options import Permitted
from aocr.util.paths.checks import named


def add_flags(parser: CommandParser) -> None:
    """Adds the flags of the command."""
    text = "folder to write to (default: %(default)s)"
    parser.add_argument("dir", nargs="?", default="exported", help=text)
    text = "format of the export (default: %(default)s)"
    parser.add_argument("--format", choices=formats.NAMES, default=formats.DEFAULT, help=text)
    text = "let the signatures for batches and pixels also tell where each character was read"
    parser.add_argument("--with-attention", action="store_true", help=text)
    text = "write DIR/1, DIR/2, ...: a new version for TensorFlow Serving, with requests to warm up"
    parser.add_argument("--versioned", action="store_true", help=text)
    text = "TFRecords to compare the export with the model on (default: a few drawn images)"
    parser.add_argument("--verify", nargs="+", metavar="DATASET", help=text)
    text = "replace an earlier export in the folder"
    parser.add_argument("--force", action="store_true", help=text)
    _add_quantization_flags(parser)
    common.add_model_dir_flags(parser)
    common.add_checkpoint_flag(parser)
    model.add_reading_flags(parser)
    search.add_search_flags(parser)
    model.add_old_model_flags(parser)
    common.add_unused_flags(parser)


def _add_quantization_flags(parser: CommandParser) -> None:
    group = parser.add_argument_group("quantization (--format=tflite)")
    text = "store the weights in 8 bits; with 'int8', also compute in 8 bits"
    group.add_argument("--quantize", choices=formats.QUANTIZATIONS, help=text)
    text = "TFRecords with images on which 'int8' measures the ranges of all numbers"
    group.add_argument("--calibration", nargs="+", metavar="DATASET", help=text)
    text = (
        "largest loss of exact matches in --verify that quantization may cause, as a share of the "
        "images (default: %(default)s)"
    )
    group.add_argument(
        "--max-accuracy-loss",
        type=value_type(Permitted(float, 0, 1)),
        default=formats.DEFAULT_MAX_ACCURACY_LOSS,
        metavar="N",
        help=text,
    )
    parser.add_check(_problem)


def _problem(args: argparse.Namespace) -> str:
    """Returns what is wrong with flags that only fit together with others."""
    search_flag = next(iter(search.search_request(args).flags), "")
    searching = " or ".join(f"--format={name}" for name in formats.SEARCHING)
    is_savedmodel = args.format == "savedmodel", "--format=savedmodel"
    needs = (
        (args.versioned, "--versioned", *is_savedmodel),
        (args.with_attention, "--with-attention", *is_savedmodel),
        (search_flag, search_flag, args.format in formats.SEARCHING, searching),
        (args.quantize, "--quantize", args.format == "tflite", "--format=tflite"),
        (args.quantize, "--quantize", args.verify, "--verify, a dataset to measure the loss on"),
        (args.quantize == formats.INT8, "--quantize=int8", args.calibration, "--calibration"),
        (args.calibration, "--calibration", args.quantize == formats.INT8, "--quantize=int8"),
    )
    for given, flag, is_met, need in needs:
        if given and not is_met:
            return f"{flag} needs {need}"
    return ""


def task(args: argparse.Namespace) -> common.Task:
    """Returns what the command line asks for; other files of the folder stay."""
    written = () if args.versioned else formats.GRAPH_FILES.values()
    return common.Task(
        run=functools.partial(_export, args),
        log_path=args.log_path,
        inputs=[
            *model_inputs("--model-dir", args.model_dir),
            *dataset_inputs("--verify", args.verify or ()),
            *dataset_inputs("--calibration", args.calibration or ()),
            *model.charset_inputs(args),
            *search.lexicon_inputs(args),
        ],
        outputs=named("dir", (os.path.join(args.dir, name) for name in written)),
    )


def _export(args: argparse.Namespace) -> None:
    from aocr.exports import export

    folder, config, checkpoint = model.model_request(args, args.model_dir).find()
    log_settings(EXPORT, {**flag_settings(args), "model_dir": folder}, config)
    request = common.requested(
        export.ExportRequest,
        args,
        checkpoint=checkpoint,
        folder=args.dir,
        verify=args.verify and tuple(args.verify),
        calibration=tuple(args.calibration or ()),
        search=search.search_request(args).search(config),
        which=args.checkpoint,
    )
    export.export(config, request)
