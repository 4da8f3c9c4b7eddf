"""Defines what a command line asks for, and adds the flags that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from aocr.cli.flags.parser import CommandParser, value_type, whole_number
from aocr.model.weights.pretrained import NAMES
from aocr.training.options import TrainingOptions
from aocr.util.errors import UserError
from aocr.util.options import Option, options_of
from aocr.util.paths.checks import NamedPath
from aocr.util.text.encodings import read_text

Request = TypeVar("Request")

TRAINING_FLAGS_OF_ALL_COMMANDS = ("initial_learning_rate", "max_gradient_norm")
"""Fields of `TrainingOptions` whose flags aocr 0.7.6 accepts with any command that has a model
(docs/compatibility.md, "Command line")."""


URL_FLAGS = ("server",)
"""Flags whose values are URLs of servers, not remote paths."""


class Task(NamedTuple):
    """Holds what a command line asks for.

    Attributes:
        run: does it; returns an exit code, or None for success.
        log_path: the file that the log is written to.
        inputs: what it reads.
        outputs: files that it replaces as a whole, without the log.
        uses_gpu: False hides the GPUs from TensorFlow.
        uses_tensorflow: whether it needs TensorFlow, whose import takes seconds.
    """

    run: Callable[[], int | None]
    log_path: str
    inputs: Sequence[NamedPath] = ()
    outputs: Sequence[NamedPath] = ()
    uses_gpu: bool = True
    uses_tensorflow: bool = True


def requested(kind: Callable[..., Request], args: argparse.Namespace, **others: Any) -> Request:
    """Returns a request whose fields have the values of the flags of their names.

    Args:
        kind: the class of the request, a dataclass or a NamedTuple.
        args: the parsed command line.
        others: the values of the other fields. A field without either has its default.
    """
    flags = kind.__annotations__.keys() & vars(args).keys() - others.keys()
    return kind(**{name: getattr(args, name) for name in flags}, **others)


DEFAULT_LOG = "aocr.log"
"""The log file of 0.7.6, in the working directory."""


def add_log_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of the log, which all commands have."""
    text = "append log lines to this file (default: %(default)s)"
    parser.add_argument("--log-path", default=DEFAULT_LOG, metavar="FILE", help=text)
    text = "show all lines of the log on a terminal, also those of each step, image and setting"
    parser.add_argument("--verbose", action="store_true", help=text)


def add_api_key_flag(group: argparse._ActionsContainer, text: str) -> None:
    """Adds the flag that names a file with keys of a server."""
    group.add_argument("--api-key-file", metavar="FILE", help=text)


def read_api_keys(path: str) -> list[str]:
    """Returns the keys in a file of `--api-key-file`, one a line.

    Raises:
        UserError: the file cannot be read, or holds none.
    """
    lines = read_text("cannot read --api-key-file", path).splitlines()
    keys = [line.strip() for line in lines if line.strip()]
    if not keys or not all(key.isascii() and key.isprintable() for key in keys):
        raise UserError(f"--api-key-file={path} must hold keys of ASCII characters, one a line")
    return keys


def add_dataset_argument(parser: argparse.ArgumentParser, required: bool = True) -> None:
    """Adds the TFRecord files that a command reads."""
    text = "TFRecords written by 'aocr dataset': files, folders or glob patterns"
    parser.add_argument("dataset", nargs="+" if required else "*", help=text)


class _StoreAsGiven(argparse.Action):
    """Stores a value, and that the flag was given: it may be given with its default."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: Any, values: Any, option: Any = None
    ) -> None:
        del parser, option
        setattr(namespace, self.dest, values)
        setattr(namespace, f"{self.dest}_given", True)


def add_model_dir_flags(parser: CommandParser) -> None:
    """Adds the flags of commands that run a model."""
    text = (
        "folder of checkpoints and TensorBoard summaries, or, to read it, the name of a model that "
        f"comes with aocr: {', '.join(NAMES)} (default: %(default)s)"
    )
    names = ("--model-dir", "--job-dir")
    parser.add_argument(
        *names, default="./checkpoints", action=_StoreAsGiven, metavar="DIR", help=text
    )
    parser.set_defaults(model_dir_given=False)
    add_gpu_flag(parser)
    parser.add_check(_pattern_problem)


def add_model_argument(parser: CommandParser) -> None:
    """Adds the model of commands that read with checkpoints as well as with exports."""
    text = (
        "model directory, export, folder with numbered versions of an export, or the name of a "
        f"model that comes with aocr: {', '.join(NAMES)}"
    )
    parser.add_argument("model", help=text)
    add_gpu_flag(parser)
    parser.add_check(_pattern_problem)


def add_gpu_flag(parser: argparse.ArgumentParser) -> None:
    """Adds the flag that chooses the GPU."""
    text = "number of the GPU to use; negative: use the CPU (default: %(default)s)"
    in_range = whole_number(-1000, 1000)
    parser.add_argument("--gpu-id", type=in_range, default=0, metavar="N", help=text)


def _pattern_problem(args: argparse.Namespace) -> str:
    """Returns what is wrong with a path that TensorFlow would take for a glob pattern."""
    for name in ("model_dir", "init_from", "checkpoint", "model"):
        path = getattr(args, name, None) or ""
        if any(character in path for character in "*?["):
            flag = "MODEL" if name == "model" else "--" + name.replace("_", "-")
            return (
                f"{flag}={path}: TensorFlow cannot read a model below a name with *, ? or [ in it"
            )
    return ""


def add_checkpoint_flag(parser: argparse.ArgumentParser) -> None:
    """Adds the flag of commands that read a trained model."""
    text = "'best', 'latest', a global step, or a path (default: best if there is one, else latest)"
    parser.add_argument("--checkpoint", metavar="WHICH", help=text)


def add_option(
    group: argparse._ActionsContainer,
    option: Option,
    default: Any = None,
    shown: Any = None,
    *,
    convert: Callable[[str], Any] | None = None,
) -> None:
    """Adds the flag of a field, such as `--max-width` for `max_width`.

    Args:
        group: the group that gets the flag.
        option: the description of the field.
        default: value if the flag is not given.
        shown: the default in the help text; none is shown if it is None or empty.
        convert: converts text to a value; by default to the values that the field permits.
    """
    flag = "--" + option.name.replace("_", "-")
    if option.permitted.kind is bool:
        group.add_argument(flag, action="store_true", default=default, help=option.help)
        return
    choices = option.permitted.choices or None
    shown_default = "" if shown in (None, ()) else f" (default: {shown})"
    group.add_argument(
        flag,
        type=convert or value_type(option.permitted),
        default=default,
        choices=choices,
        metavar=None if choices else option.metavar,
        help=(option.help + shown_default).replace("%", "%%"),
    )


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
        parser: the parser of the command.
        output: whether to add those of `add_output_flags`.
        training: whether to add those of training.
    """
    group = parser.add_argument_group("ignored (accepted because aocr 0.7.6 accepts them)")
    if output:
        add_output_flags(group)
    if training:
        for each in options_of(TrainingOptions):
            if each.name in TRAINING_FLAGS_OF_ALL_COMMANDS:
                add_option(group, each, each.default, shown=each.default)
        add_gradient_clipping_flag(group)
