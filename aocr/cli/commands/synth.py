"""The command `aocr synth`: draws images of text, with their labels."""

from __future__ import annotations

import argparse
import functools
import os
import re

from aocr.cli.flags import common
from aocr.cli.flags.parser import CommandParser, pattern, value_type, whole_number
from aocr.cli.flags.paths import dataset_inputs
from aocr.cli.flags.shards import MAX_SHARDS
from aocr.data.records.shards import output_names
from aocr.synthesis import options as choices
from aocr.util.options import Permitted
from aocr.util.paths.checks import named
from aocr.util.text.patterns import LONGEST_TEXT, parse_pattern

SOURCES = ("words", "text", "charset", "pattern")

_SPAN = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")


def add_flags(parser: CommandParser) -> None:
    """Adds the flags of the command."""
    text = "TFRecord file to write; a name that ends with / is a folder of images and annotations"
    parser.add_argument("output", help=text)
    _add_text_flags(parser.add_argument_group("texts (one of the first four, or --like alone)"))
    _add_look_flags(parser.add_argument_group("looks"))
    _add_run_flags(parser)
    parser.add_check(_source_problem)
    parser.add_check(_output_problem)


def _add_text_flags(group: argparse._ArgumentGroup) -> None:
    add = group.add_mutually_exclusive_group().add_argument
    add("--words", metavar="FILE", help="UTF-8 file with one text per line; '# ' begins a comment")
    text = "UTF-8 file of running text; each image shows some of its words that follow each other"
    add("--text", metavar="FILE", help=text)
    text = "UTF-8 file of characters that random texts are made of"
    add("--charset", metavar="FILE", help=text)
    text = "regular expression of the texts, such as [A-Z]{2}[0-9]{3}"
    add("--pattern", type=pattern(parse_pattern), metavar="REGEX", help=text)
    add = group.add_argument
    text = (
        "number of characters of a text (default: 3-8 with --charset, 4-40 with --text, all with "
        "--words)"
    )
    add("--lengths", type=_span(1, LONGEST_TEXT), metavar="N-N", help=text)
    text = "TFRecords whose sizes, lengths and characters the images resemble"
    add("--like", nargs="+", metavar="DATASET", help=text)
    text = "draw texts with rare characters more often"
    add("--balance", action="store_true", help=text)
    text = "convert the labels, but not the drawn texts, to upper case"
    add("--force-uppercase", action="store_true", help=text)


def _add_look_flags(group: argparse._ArgumentGroup) -> None:
    add, default = group.add_argument, choices.LookOptions()
    text = "what the images look like (default: %(default)s)"
    add("--style", choices=choices.STYLES, default=default.style, help=text)
    text = "strength of all effects, from 0 to 1 (default: %(default)s)"
    strength = value_type(Permitted(float, 0, 1))
    add("--strength", type=strength, default=default.strength, metavar="N", help=text)
    one_of = group.add_mutually_exclusive_group()
    text = "background of all images (default: several, as the style has them)"
    one_of.add_argument("--background", choices=choices.BACKGROUNDS, help=text)
    text = "local folder of images; parts of them become the backgrounds"
    one_of.add_argument("--backgrounds", metavar="DIR", help=text)
    text = "height of the images in pixels (default: 32-64, or that of --like)"
    span = _span(choices.MIN_HEIGHT, choices.MAX_HEIGHT)
    add("--heights", type=span, metavar="N-N", help=text)
    text = "format of the images (default: %(default)s)"
    add("--format", choices=choices.FORMATS, default=default.image_format, help=text)
    text = (
        f"local folder of fonts; '{choices.BUILT_IN}' for the one of Pillow (default: the fonts of "
        "this machine)"
    )
    add("--fonts", metavar="DIR", help=text)


def _add_run_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    text = "number of images (default: %(default)s)"
    add("--count", type=whole_number(1), default=1000, metavar="N", help=text)
    text = "seed of everything random (default: %(default)s)"
    add("--seed", type=whole_number(0), default=0, metavar="N", help=text)
    text = "number of processes, which does not change the images (default: one per core)"
    add("--processes", type=whole_number(1, 1024), metavar="N", help=text)
    text = "number of TFRecord files, as name-00000-of-0000N.tfrecords (default: one file)"
    add("--shards", type=whole_number(1, MAX_SHARDS), metavar="N", help=text)
    text = "write a picture of some images, as the model sees them, with their labels"
    add("--sheet", metavar="FILE.png", help=text)


def _span(least: int, most: int):
    """Returns a function for argparse's `type=` that converts `3` or `3-8` to a `Span`."""

    def convert(text: str) -> choices.Span:
        match = _SPAN.fullmatch(text)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not least <= first <= last <= most:
            raise argparse.ArgumentTypeError(
                f"{text} is not a number or a range such as 3-8 from {least} to {most}"
            )
        return choices.Span(first, last)

    return convert


def _source_problem(args: argparse.Namespace) -> str:
    given = [name for name in SOURCES if getattr(args, name) is not None]
    if not given and not args.like:
        return "no texts: give one of --words, --text, --charset, --pattern and --like"
    if given == ["pattern"]:
        for flag in ("lengths", "balance"):
            if getattr(args, flag):
                return f"--{flag} has no effect on --pattern: write the pattern accordingly"
    if given == ["charset"] and args.balance:
        return "--balance has no effect on --charset: its characters are equally frequent"
    return ""


def _output_problem(args: argparse.Namespace) -> str:
    if choices.is_folder_name(args.output) and args.shards:
        return f"--shards={args.shards} is for TFRecords, but {args.output} is a folder"
    return ""


def task(args: argparse.Namespace) -> common.Task:
    """Returns what the command line asks for."""
    is_folder = choices.is_folder_name(args.output)
    files = [] if is_folder else output_names(args.output, args.shards or 1, None).files
    return common.Task(
        run=functools.partial(_draw, args.output, _options(args)),
        log_path=args.log_path,
        inputs=[
            *named("--words", [args.words]),
            *named("--text", [args.text]),
            *named("--charset", [args.charset]),
            *dataset_inputs("--like", args.like or []),
        ],
        outputs=[*named("output", files), *named("--sheet", [args.sheet])],
        uses_gpu=False,
    )


def _options(args: argparse.Namespace) -> choices.SynthesisOptions:
    return common.requested(
        choices.SynthesisOptions,
        args,
        texts=common.requested(choices.TextOptions, args, like=tuple(args.like or ())),
        looks=common.requested(choices.LookOptions, args, image_format=args.format),
        processes=args.processes or os.cpu_count() or 1,
        shards=args.shards or 1,
    )


def _draw(output: str, options: choices.SynthesisOptions) -> None:
    from aocr.synthesis import synthesizer

    synthesizer.synthesize(output, options)
