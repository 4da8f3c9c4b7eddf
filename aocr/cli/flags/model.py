"""Adds the flags of the fields of `Config`, and reads their values."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aocr.charset import FULL_ASCII
from aocr.cli.flags.common import add_option
from aocr.cli.flags.values import value_type
from aocr.config import CHANGEABLE_FIELDS, Config
from aocr.data.limits import Limits
from aocr.util.errors import UserError
from aocr.util.options import Option, options_of

if TYPE_CHECKING:
    from aocr.reading.loading import LoadOptions

AUTO_CHARSET = "auto"
"""The value of `--charset` for which `train` takes the characters of the training labels."""


AUTO_BUCKETS = "auto"
"""The value of `--bucket-widths` for which `train` chooses widths that fit the training images."""


def add_limit_flags(parser: argparse.ArgumentParser, title: str) -> None:
    """Adds the flags of the fields of `Limits`; without a flag there is no limit."""
    group = parser.add_argument_group(title)
    names = [field.name for field in dataclasses.fields(Limits)]
    for each in options_of(Config):
        if each.name in names:
            _add_model_flag(group, each, shown=None)


def add_model_flags(parser: argparse.ArgumentParser, config: type = Config) -> None:
    """Adds the flags of the fields of `Config`, or of a subclass with more fields."""
    title = "model (stored with the checkpoints, so that other commands need no model flags)"
    group = parser.add_argument_group(title)
    for each in options_of(config):
        _add_model_flag(group, each, shown=each.default)


def add_old_model_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of the fields of `Config` that a model of aocr 0.7.6 has."""
    title = "model (needed only for checkpoints of aocr 0.7.6, which do not store the model flags)"
    group = parser.add_argument_group(title)
    for each in options_of(Config):
        if not each.added_later:
            _add_model_flag(group, each, shown=each.default)


def add_reading_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of the fields of `Config` that may be changed after training."""
    group = parser.add_argument_group("reading")
    for each in options_of(Config):
        if each.name in CHANGEABLE_FIELDS:
            _add_model_flag(group, each, shown=None)


def _add_model_flag(group: argparse._ActionsContainer, option: Option, shown: Any) -> None:
    if option.name == "characters":
        _add_charset_flags(group)
    elif option.name == "bucket_widths":
        add_option(group, option, convert=_auto_or_widths(option))
    elif option.name == "channels":
        text = "read images in color (3 channels) instead of grayscale"
        group.add_argument("--color", action="store_const", const=3, dest="channels", help=text)
    else:
        add_option(group, option, shown=shown)


def _auto_or_widths(option: Option) -> Callable[[str], Any]:
    convert = value_type(option.permitted)
    return lambda text: text if text == AUTO_BUCKETS else convert(text)


def _add_charset_flags(group: argparse._ActionsContainer) -> None:
    one_of = group.add_mutually_exclusive_group()
    text = "the charset is ASCII 32 to 126 instead of 0-9 and A-Z"
    one_of.add_argument("--full-ascii", action="store_true", help=text)
    text = (
        "UTF-8 file with the characters of the charset; with 'train' also "
        f"'{AUTO_CHARSET}': the characters of the training labels"
    )
    one_of.add_argument("--charset", metavar="FILE", help=text)


def given_fields(args: argparse.Namespace, owner: type) -> dict[str, Any]:
    """Returns the values of the model flags that were given on the command line.

    Args:
        args: the parsed command line.
        owner: `Config` or `Limits`, whose fields are the keys of the result.

    Raises:
        UserError: the file of `--charset` cannot be used.
    """
    values = {field.name: getattr(args, field.name, None) for field in dataclasses.fields(owner)}
    values["characters"] = _given_characters(args)
    return {name: value for name, value in values.items() if value not in (None, AUTO_BUCKETS)}


def learned_fields(args: argparse.Namespace) -> frozenset[str]:
    """Returns the fields of `Config` that `train` is to choose from the training data."""
    learned = {"characters": args.charset, "bucket_widths": args.bucket_widths}
    autos = AUTO_CHARSET, AUTO_BUCKETS
    return frozenset(name for name, value in learned.items() if value in autos)


def _given_characters(args: argparse.Namespace) -> str | None:
    if args.full_ascii:
        return FULL_ASCII
    if args.charset in (None, AUTO_CHARSET):
        return None
    from aocr.data.word_lists import read_charset

    return read_charset(args.charset)


def trained_model(args: argparse.Namespace) -> tuple[Config, str]:
    """Returns the config of the model in `--model-dir` and the path of the checkpoint to read.

    If the flag is the name of a model that comes with aocr, it becomes the folder of that model.

    Raises:
        UserError: there is no such checkpoint, or a flag contradicts the model.
    """
    from aocr.model import config_file
    from aocr.model.weights import checkpoints, pretrained

    if args.charset == AUTO_CHARSET:
        raise UserError("--charset=auto is for training only: name a file, or leave the flag out")
    args.model_dir = pretrained.folder_of(args.model_dir)
    checkpoint = checkpoints.find_checkpoint(args.model_dir, args.checkpoint)
    return config_file.of_trained_model(args.model_dir, given_fields(args, Config)), checkpoint


def load_options(args: argparse.Namespace) -> LoadOptions:
    """Returns how to load the model that `add_model_argument` names.

    Raises:
        UserError: the file of `--charset` cannot be used.
    """
    from aocr.reading.loading import LoadOptions

    if args.charset == AUTO_CHARSET:
        raise UserError("--charset=auto is for training only: name a file, or leave the flag out")
    return LoadOptions(args.checkpoint, args.gpu_id, given_fields(args, Config))
