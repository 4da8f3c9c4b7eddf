"""The flags of every command; names, meanings and defaults are those of COMPAT.md, section 1."""

from __future__ import annotations

import argparse

from aocr import __version__
from aocr.cli.flag_types import SHOW_DEFAULT, number, positive_float, positive_int
from aocr.cli.train import add_training_flags
from aocr.config import LEARNING_RATES, MAX_PIXELS, TEST_BATCH_SIZE, Config, TrainingOptions
from aocr.serving import formats

DATASET_HELP = "TFRecords written by 'aocr dataset': files, folders or globs"
AUTO_CHARSET = "auto"
FIT_NUMBERS = {
    "max_width": "width of the largest expected image, pixels",
    "max_height": "height of the largest expected image, pixels",
    "max_prediction": "characters of the longest label",
}
DECODER_NUMBERS = {
    "attn_num_layers": "layers of the decoder",
    "attn_num_hidden": "units of a decoder layer",
    "target_embedding_size": "numbers that embed a symbol",
}
"""Fields of `Config` that are flags of the same name, and what they mean."""


def build_parser() -> argparse.ArgumentParser:
    """The parser; names, meanings and defaults are those of COMPAT.md, section 1."""
    parser = argparse.ArgumentParser(
        prog="aocr", description="Train, measure, export and run a reader of word images."
    )
    parser.add_argument("--version", action="version", version=f"aocr {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    base, model, checkpoint = _base_flags(), _model_flags(), _checkpoint_flag()
    _add_dataset_command(commands, [base, _fit_flags("reject what does not fit a model")])
    _add_inspect_command(commands, [base, _fit_flags("say what fits a model")])
    _add_train_command(commands, [base, model])
    _add_test_command(commands, [base, model, checkpoint])
    _add_predict_command(commands, [base, model, checkpoint])
    _add_export_command(commands, [base, model, checkpoint])
    return parser


def _add_command(commands, name: str, parents, text: str):
    """A command's parser; what adds its own arguments is returned."""
    description = f"{text[0].upper()}{text[1:]}."
    parser = commands.add_parser(name, parents=parents, help=text, description=description)
    parser.set_defaults(command=name)
    return parser.add_argument


def _add_dataset_command(commands, parents) -> None:
    text = "build TFRecords from labelled images"
    add = _add_command(commands, "dataset", parents, text)
    add(
        "annotations",
        help="annotation file, one 'path label' a line, UTF-8; or a folder of images named "
        "LABEL.png or LABEL_12.png",
    )
    add(
        "output",
        nargs="?",
        default="./dataset.tfrecords",
        help=f"file to write {SHOW_DEFAULT}",
    )
    number(add, "--log-step", 500, "log every N pairs")
    add("--no-force-uppercase", action="store_true", help="keep the labels' case")
    add("--no-normalize", action="store_true", help="keep the labels' Unicode form, not NFC")
    add("--save-filename", action="store_true", help="keep each image's path in its record")
    add("--base-dir", default="", metavar="DIR", help="folder that relative paths start from")
    add(
        "--delimiter",
        choices=("space", "tab", "comma"),
        default="space",
        help=f"what separates path and label; tab and comma with the quoting of CSV {SHOW_DEFAULT}",
    )
    add("--strict", action="store_true", help="fail on the first line that is rejected")
    number(add, "--max-pixels", MAX_PIXELS, "reject images of more pixels")
    number(add, "--shards", 1, "write N files, name-00000-of-0000N.tfrecords")
    text = "build only this one of the shards, from 0; for one machine of many"
    add("--shard-index", type=int, metavar="I", help=text)


def _add_inspect_command(commands, parents) -> None:
    text = "say what TFRecords hold, and which model would fit them"
    add = _add_command(commands, "inspect", parents, text)
    add("dataset", nargs="+", help=DATASET_HELP)
    add("--json", action="store_true", help="print it as JSON")
    add("--sheet", metavar="FILE.png", help="draw samples as the model would see them")
    add("--color", help="draw in colour", action="store_true")


def _add_train_command(commands, parents) -> None:
    add = _add_command(commands, "train", parents, "train a model on TFRecords")
    add("dataset", nargs="+", help=DATASET_HELP)
    add_training_flags(add)


def _add_test_command(commands, parents) -> None:
    add = _add_command(commands, "test", parents, "measure a model on TFRecords")
    add("dataset", nargs="+", help=DATASET_HELP)
    add("--visualize", action="store_true", help="draw the attention into --output-dir")
    add("--json", action="store_true", help="print the summary as JSON on stdout")
    text = "write each image's label, prediction and probability; .tsv or .jsonl"
    add("--predictions", metavar="FILE", help=text)
    text = "write a report in HTML; needs the extra aocr[report]"
    add("--report", metavar="DIR", help=text)
    number(add, "--batch-size", TEST_BATCH_SIZE, "images at a time; the lines do not depend on it")


def _add_predict_command(commands, parents) -> None:
    add = _add_command(commands, "predict", parents, "read images")
    add("images", nargs="*", help="image files; without any, names on stdin, one a line")
    text = "print JSON, an object a line, with the probability of each character"
    add("--json", action="store_true", help=text)


def _add_export_command(commands, parents) -> None:
    text = "write a SavedModel or a frozen graph"
    add = _add_command(commands, "export", parents, text)
    add("dir", nargs="?", default="exported", help=f"folder to write {SHOW_DEFAULT}")
    add(
        "--format",
        choices=formats.NAMES,
        default=formats.DEFAULT,
        help=f"what to write {SHOW_DEFAULT}",
    )
    add("--force", action="store_true", help="replace a former export in the folder")


def _base_flags() -> argparse.ArgumentParser:
    flags = argparse.ArgumentParser(add_help=False)
    flags.add_argument(
        "--log-path",
        default="aocr.log",
        metavar="FILE",
        help=f"log file, appended to {SHOW_DEFAULT}",
    )
    return flags


def _model_flags() -> argparse.ArgumentParser:
    """Flags that `train`, `test`, `predict` and `export` share."""
    flags = argparse.ArgumentParser(add_help=False)
    group = flags.add_argument_group("model (given in training; later the model knows them)")
    add = group.add_argument
    for field, text in (FIT_NUMBERS | DECODER_NUMBERS).items():
        text = f"{text} (default: {getattr(Config, field)})"
        add(_flag(field), type=positive_int, metavar="N", help=text)
    _add_charset_flags(group)
    add("--color", action="store_true", help="read three channels in place of one")
    add("--use-gru", action="store_true", help="GRU cells in the decoder in place of LSTM")
    _add_running_flags(flags.add_argument_group("running").add_argument)
    return flags


def _checkpoint_flag() -> argparse.ArgumentParser:
    flags = argparse.ArgumentParser(add_help=False)
    text = "best, latest, a step, or a path (default: best where there is one, else latest)"
    flags.add_argument("--checkpoint", metavar="WHICH", help=text)
    return flags


def _fit_flags(purpose: str) -> argparse.ArgumentParser:
    """The flags that say what fits a model; each is checked only when it is given."""
    flags = argparse.ArgumentParser(add_help=False)
    group = flags.add_argument_group(purpose)
    for field, text in FIT_NUMBERS.items():
        group.add_argument(_flag(field), type=positive_int, metavar="N", help=text)
    _add_charset_flags(group)
    return flags


def _add_charset_flags(group) -> None:
    add = group.add_mutually_exclusive_group().add_argument
    add("--full-ascii", action="store_true", help="ASCII 32 to 126 in place of 0-9A-Z")
    text = "file of characters, UTF-8; or auto: those of the labels"
    add("--charset", metavar="FILE", help=text)


def _flag(field: str) -> str:
    return "--" + field.replace("_", "-")


def _add_running_flags(add) -> None:
    where = f"where checkpoints and TensorBoard summaries are {SHOW_DEFAULT}"
    add("--model-dir", "--job-dir", default="./checkpoints", metavar="DIR", help=where)
    where = f"where the pictures of test --visualize go {SHOW_DEFAULT}"
    add("--output-dir", default="./results", metavar="DIR", help=where)
    number(add, "--gpu-id", 0, "GPU to use; negative: the CPU", int)
    add("--no-distance", action="store_true", help="accuracy by exact match, not edit distance")
    rates = ", ".join(f"{name} {rate}" for name, rate in LEARNING_RATES.items())
    text = f"learning rate of training (default: {rates})"
    add("--initial-learning-rate", type=positive_float, metavar="N", help=text)
    norm = TrainingOptions.max_gradient_norm
    number(add, "--max-gradient-norm", norm, "norm to clip gradients to", positive_float)
    add("--no-gradient-clipping", action="store_true", help="leave gradients as they are")
