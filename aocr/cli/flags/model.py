"""Adds the flags of the fields of `Config`, and finds the model that a command reads with."""

from __future__ import annotations

import argparse
import dataclasses
import logging
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from aocr.charset import FULL_ASCII
from aocr.cli.flags.common import add_option, requested
from aocr.cli.flags.parser import value_type
from aocr.config import ATTENTION, CHANGEABLE_FIELDS, CTC, Config
from aocr.util.errors import UsageError, UserError
from aocr.util.machine import memory_bytes
from aocr.util.options import Option, options_of
from aocr.util.paths.checks import NamedPath, named
from aocr.util.text.plurals import counted

if TYPE_CHECKING:
    from aocr.data.limits import Limits

AUTO_CHARSET = "auto"
"""The value of `--charset` for which `train` takes the characters of the training labels."""


AUTO_BUCKETS = "auto"
"""The value of `--bucket-widths` for which `train` chooses widths that fit the training images."""


def add_limit_flags(parser: argparse.ArgumentParser, title: str) -> None:
    """Adds the flags of the fields of `Limits`; without a flag there is no limit."""
    from aocr.data.limits import Limits  # only commands that build datasets have limits

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
    """Returns the values of the model flags that were given, but for those of the charset.

    Args:
        args: the parsed command line.
        owner: `Config` or `Limits`, whose fields are the keys of the result.
    """
    names = {field.name for field in dataclasses.fields(owner)} - {"characters"}
    values = {name: getattr(args, name, None) for name in names}
    return {name: value for name, value in values.items() if value not in (None, AUTO_BUCKETS)}


def given_characters(charset: str | None, full_ascii: bool) -> dict[str, str]:
    """Returns the characters that flags choose, by the name of their field; nothing if none do.

    Args:
        charset: value of `--charset`.
        full_ascii: whether `--full-ascii` is given.

    Raises:
        UserError: the file of the charset cannot be used.
    """
    if full_ascii:
        return {"characters": FULL_ASCII}
    if charset in (None, AUTO_CHARSET):
        return {}
    from aocr.data.word_lists import read_charset

    return {"characters": read_charset(charset)}


def limits(args: argparse.Namespace) -> Limits:
    """Returns the limits that the flags of `add_limit_flags` ask for.

    Raises:
        UserError: the file of the charset cannot be used.
    """
    from aocr.data.limits import Limits

    characters = given_characters(args.charset, args.full_ascii)
    return Limits(**{**given_fields(args, Limits), **characters})


def learned_fields(args: argparse.Namespace) -> frozenset[str]:
    """Returns the fields of `Config` that `train` is to choose from the training data."""
    learned = {"characters": args.charset, "bucket_widths": args.bucket_widths}
    autos = AUTO_CHARSET, AUTO_BUCKETS
    return frozenset(name for name, value in learned.items() if value in autos)


@dataclasses.dataclass(frozen=True)
class ModelRequest:
    """Names a trained model, with what the flags say of it.

    Attributes:
        folder: the model directory, or the name of a model that comes with aocr.
        checkpoint: 'best', 'latest', a global step or a path; None for the best or else the latest.
        gpu_id: number of the GPU; negative for the CPU.
        fields: values of fields of `Config` by their names, without `characters`.
        charset: value of `--charset`, None if it is not given.
        full_ascii: whether `--full-ascii` is given.
    """

    folder: str
    checkpoint: str | None
    gpu_id: int
    fields: Mapping[str, Any]
    charset: str | None
    full_ascii: bool

    def find(self) -> tuple[str, Config, str]:
        """Returns the folder of the model, its config and the path of the checkpoint to read.

        Raises:
            UserError: there is no such checkpoint, or a flag contradicts the model.
        """
        from aocr.model import config_file
        from aocr.model.weights import checkpoints, pretrained

        fields = self.all_fields()
        folder = pretrained.folder_of(self.folder)
        checkpoint = checkpoints.find_checkpoint(folder, self.checkpoint)
        return folder, config_file.of_trained_model(folder, fields), checkpoint

    def all_fields(self) -> dict[str, Any]:
        """Returns the fields with the characters, if these are given.

        Raises:
            UserError: the file of `--charset` cannot be used.
        """
        if self.charset == AUTO_CHARSET:
            raise UserError(
                "--charset=auto is for training only: name a file, or leave the flag out"
            )
        return {**self.fields, **given_characters(self.charset, self.full_ascii)}


def model_request(args: argparse.Namespace, folder: str) -> ModelRequest:
    """Returns what the flags of a command that reads with a trained model say of it."""
    return requested(ModelRequest, args, folder=folder, fields=given_fields(args, Config))


def charset_inputs(args: argparse.Namespace) -> list[NamedPath]:
    """Returns the file of `--charset`, if it is one."""
    return [] if args.charset == AUTO_CHARSET else named("--charset", [args.charset])


TRAINING_FLOATS = {"sliding": 5376, "compact": 1888}
"""Numbers that the convolutions of a backbone output per pixel of image width. Training keeps them
all until the gradients are computed."""

INFERENCE_FLOATS = {"sliding": 2048, "compact": 768}
"""Numbers that the first convolution, the largest, outputs per pixel of image width."""


def check_batch_size(batch_size: int, config: Config, floats: Mapping[str, int]) -> None:
    """Refuses batches that are larger than the memory, whatever else takes memory.

    Args:
        batch_size: number of images.
        config: the model, with its backbone and the width of its images.
        floats: `TRAINING_FLOATS` or `INFERENCE_FLOATS`.

    Raises:
        UsageError: the batch cannot fit.
    """
    memory = memory_bytes()
    bytes_of_image = 4 * floats[config.backbone] * config.image_width
    if memory is None or batch_size * bytes_of_image <= memory:
        return
    images = counted(batch_size, "image")
    raise UsageError(
        f"--batch-size={batch_size}: {images} of {config.image_width} x 32 pixels would take "
        f"more than {batch_size * bytes_of_image / 2**30:.1f} GiB, and this machine has "
        f"{memory / 2**30:.1f} GiB: give at most {memory // bytes_of_image}, better less"
    )


ATTENTION_FIELDS = ("attention", "use_gru", "target_embedding_size")
"""Fields of `Config` that only an attention decoder has a use for."""


def warn_about_attention_flags(given: Collection[str], config: Config) -> None:
    """Warns of flags that do nothing because the model has no attention decoder.

    Args:
        given: the fields of `Config` that were given as flags.
        config: the model.
    """
    unused = [f"--{name.replace('_', '-')}" for name in ATTENTION_FIELDS if name in given]
    if unused and config.decoder == CTC:
        logging.warning("%s: without effect with --decoder=%s.", ", ".join(unused), CTC)


def check_label_smoothing(share: float, config: Config) -> None:
    """Refuses label smoothing where it does nothing, and says where it does half.

    Raises:
        UsageError: the model has no attention decoder.
    """
    if not share or config.decoder == ATTENTION:
        return
    if config.decoder == CTC:
        raise UsageError(
            f"--label-smoothing={share:g} does nothing with --decoder={CTC}, where no column has a "
            f"target of its own: leave it out, or train another model with --decoder={ATTENTION}"
        )
    logging.info("--label-smoothing=%g is for the attention decoder; CTC's loss stays.", share)
