"""Adds the flags that several commands share, and reads the values of the model flags."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

from aocr.charset import FULL_ASCII
from aocr.cli.command_parser import CommandParser
from aocr.cli.flag_types import not_empty, value_type, whole_number
from aocr.config import CHANGEABLE_FIELDS, Config, Limits
from aocr.training.options import TrainingOptions
from aocr.util.errors import UserError
from aocr.util.options import Option, options_of
from aocr.util.path_checks import CommandPaths

AUTO_CHARSET = "auto"
"""The value of `--charset` for which `train` takes the characters of the training labels."""

TRAINING_FLAGS_OF_ALL_COMMANDS = ("initial_learning_rate", "max_gradient_norm")
"""Fields of `TrainingOptions` whose flags aocr 0.7.6 accepts with any command that has a model
(docs/compatibility.md, "Command line")."""


class Command(NamedTuple):
    """Describes a command.

    Attributes:
        name: of the command.
        help: what the command does, as an infinitive.
        run: runs the command and returns its exit code.
        paths: returns what the command reads and writes; called before the log is opened.
        uses_gpu: False hides the GPUs from TensorFlow.
    """

    name: str
    help: str
    run: Callable[[argparse.Namespace], int]
    paths: Callable[[argparse.Namespace], CommandPaths]
    uses_gpu: bool = True


def add_command(commands: argparse._SubParsersAction, command: Command) -> CommandParser:
    """Returns the new parser of a command, with the flags that all commands share.

    Args:
        commands: the subparsers of `aocr`.
        command: describes the command.
    """
    text = command.help
    parser = commands.add_parser(
        command.name, help=text, description=f"{text[0].upper()}{text[1:]}."
    )
    parser.register("type", None, not_empty)  # of all flags without a type: paths and names
    parser.set_defaults(run=command.run, paths=command.paths, uses_gpu=command.uses_gpu)
    text = "append log lines to this file (default: %(default)s)"
    parser.add_argument("--log-path", default="aocr.log", metavar="FILE", help=text)
    return parser


def add_dataset_argument(parser: argparse.ArgumentParser) -> None:
    """Adds the TFRecord files that a command reads."""
    text = "TFRecords written by 'aocr dataset': files, folders or glob patterns"
    parser.add_argument("dataset", nargs="+", help=text)


def add_model_dir_flags(parser: CommandParser) -> None:
    """Adds the flags of commands that run a model."""
    text = "folder of checkpoints and TensorBoard summaries (default: %(default)s)"
    names = ("--model-dir", "--job-dir")
    parser.add_argument(*names, default="./checkpoints", metavar="DIR", help=text)
    text = "number of the GPU to use; negative: use the CPU (default: %(default)s)"
    in_range = whole_number(-1000, 1000)
    parser.add_argument("--gpu-id", type=in_range, default=0, metavar="N", help=text)
    parser.add_check(_pattern_problem)


def _pattern_problem(args: argparse.Namespace) -> str:
    """Returns what is wrong with a path that TensorFlow would take for a glob pattern."""
    for name in ("model_dir", "init_from", "checkpoint"):
        path = getattr(args, name, None) or ""
        if any(character in path for character in "*?["):
            flag = "--" + name.replace("_", "-")
            return (
                f"{flag}={path}: TensorFlow cannot read a model below a name with *, ? or [ in it"
            )
    return ""


def add_checkpoint_flag(parser: argparse.ArgumentParser) -> None:
    """Adds the flag of commands that read a trained model."""
    text = "'best', 'latest', a global step, or a path (default: best if there is one, else latest)"
    parser.add_argument("--checkpoint", metavar="WHICH", help=text)


def add_option(
    group: argparse._ActionsContainer, option: Option, default: Any = None, shown: Any = None
) -> None:
    """Adds the flag of a field, such as `--max-width` for `max_width`.

    Args:
        group: where to add the flag.
        option: describes the field.
        default: value if the flag is not given.
        shown: the default in the help text; none is shown if it is None or empty.
    """
    flag = "--" + option.name.replace("_", "-")
    if option.permitted.kind is bool:
        group.add_argument(flag, action="store_true", default=default, help=option.help)
        return
    choices = option.permitted.choices or None
    shown_default = "" if shown in (None, ()) else f" (default: {shown})"
    group.add_argument(
        flag,
        type=value_type(option.permitted),
        default=default,
        choices=choices,
        metavar=None if choices else option.metavar,
        help=(option.help + shown_default).replace("%", "%%"),
    )


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
    elif option.name == "channels":
        text = "read images in color (3 channels) instead of grayscale"
        group.add_argument("--color", action="store_const", const=3, dest="channels", help=text)
    else:
        add_option(group, option, shown=shown)


def _add_charset_flags(group: argparse._ActionsContainer) -> None:
    one_of = group.add_mutually_exclusive_group()
    text = "the charset is ASCII 32 to 126 instead of 0-9 and A-Z"
    one_of.add_argument("--full-ascii", action="store_true", help=text)
    text = (
        "UTF-8 file with the characters of the charset; with 'train' also "
        f"'{AUTO_CHARSET}': the characters of the training labels"
    )
    one_of.add_argument("--charset", metavar="FILE", help=text)


def add_gradient_clipping_flag(group: argparse._ActionsContainer) -> None:
    """Adds the flag that makes `TrainingOptions.max_gradient_norm` None."""
    text = "do not limit the norm of the gradients"
    group.add_argument("--no-gradient-clipping", action="store_true", help=text)


def add_output_flags(group: argparse._ActionsContainer) -> None:
    """Adds the flags that only `test` uses but aocr 0.7.6 accepts with any model command."""
    text = "folder for the pictures of test --visualize (default: %(default)s)"
    group.add_argument("--output-dir", default="./results", metavar="DIR", help=text)
    text = "compute the accuracy in the log from exact matches instead of edit distances"
    group.add_argument("--no-distance", action="store_true", help=text)


def add_unused_flags(
    parser: argparse.ArgumentParser, output: bool = True, training: bool = True
) -> None:
    """Adds the flags that a command does not use but aocr 0.7.6 accepts, so that scripts still run.

    Args:
        parser: of the command.
        output: add those of `add_output_flags`.
        training: add those of training.
    """
    group = parser.add_argument_group("ignored (accepted because aocr 0.7.6 accepts them)")
    if output:
        add_output_flags(group)
    if training:
        for each in options_of(TrainingOptions):
            if each.name in TRAINING_FLAGS_OF_ALL_COMMANDS:
                add_option(group, each, each.default, shown=each.default)
        add_gradient_clipping_flag(group)


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
    return {name: value for name, value in values.items() if value is not None}


def _given_characters(args: argparse.Namespace) -> str | None:
    if args.full_ascii:
        return FULL_ASCII
    if args.charset in (None, AUTO_CHARSET):
        return None
    from aocr.data.charset_file import read_charset

    return read_charset(args.charset)


def trained_model(args: argparse.Namespace) -> tuple[Config, str]:
    """Returns the config of the model in `--model-dir` and the path of the checkpoint to read.

    Raises:
        UserError: there is no such checkpoint, or a flag contradicts the model.
    """
    from aocr.model import checkpoints, config_file

    if args.charset == AUTO_CHARSET:
        raise UserError("--charset=auto is for training only: name a file, or leave the flag out")
    checkpoint = checkpoints.find_checkpoint(args.model_dir, args.checkpoint)
    return config_file.of_trained_model(args.model_dir, given_fields(args, Config)), checkpoint
