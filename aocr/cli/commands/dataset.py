"""The command `aocr dataset`: builds TFRecords from images and their labels."""

from __future__ import annotations

import argparse
import functools
import math

from aocr.cli.flags import common, model
from aocr.cli.flags.parser import CommandParser, whole_number
from aocr.cli.flags.paths import annotation_inputs
from aocr.cli.flags.shards import ShardChoice, add_shard_flags, shard_choice, shard_problem
from aocr.config import MAX_PIXELS
from aocr.data.records.shards import output_names, split_names
from aocr.util.paths.checks import named


def add_flags(parser: CommandParser) -> None:
    """Adds the flags of the command."""
    text = (
        "annotation file in UTF-8 with one 'path label' per line, - for stdin; or a folder of "
        "images named LABEL.png or LABEL_12.png"
    )
    parser.add_argument("annotations", help=text)
    text = "file to write (default: %(default)s)"
    parser.add_argument("output", nargs="?", default="./dataset.tfrecords", help=text)
    _add_annotation_flags(parser)
    _add_output_flags(parser)
    model.add_limit_flags(parser, "limits (records beyond them are rejected)")
    parser.add_check(shard_problem)
    parser.add_check(_split_problem)


def _add_annotation_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    text = (
        "separator of path and label; tab and comma imply the quoting rules of CSV "
        "(default: %(default)s)"
    )
    add("--delimiter", choices=("space", "tab", "comma"), default="space", help=text)
    text = "folder that relative paths start from (default: the working directory)"
    add("--base-dir", metavar="DIR", help=text)
    add("--no-force-uppercase", action="store_true", help="do not convert labels to upper case")
    add("--no-normalize", action="store_true", help="do not convert labels to Unicode form NFC")
    text = "take off blanks at the ends of labels, which a picture cannot show"
    add("--strip-labels", action="store_true", help=text)
    text = "fail at the first line that has to be rejected, and write nothing"
    add("--strict", action="store_true", help=text)
    text = "reject images with more pixels than this (default: %(default)s)"
    add("--max-pixels", type=whole_number(1), default=MAX_PIXELS, metavar="N", help=text)


def _add_output_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    text = "store the path of each image in its record, in the field 'comment'"
    add("--save-filename", action="store_true", help=text)
    add_shard_flags(
        add,
        "number of files to write, as name-00000-of-0000N.tfrecords (default: one file)",
        "write only this one of the shards, counted from 0, so that machines can share the work",
    )
    text = (
        "divide the images at random by these shares, such as 80,10,10, into OUTPUT-training, "
        "OUTPUT-validation and OUTPUT-test; images of the same pixels stay together"
    )
    add("--split", type=_shares, default=(), metavar="A,B[,C]", help=text)
    text = "random seed of --split (default: 0)"
    add("--seed", type=whole_number(0), metavar="N", help=text)
    text = "number of records between log lines about the progress (default: %(default)s)"
    add("--log-step", type=whole_number(1), default=500, metavar="N", help=text)


def _shares(text: str) -> tuple[float, ...]:
    """Returns the shares of `--split`."""
    try:
        shares = tuple(map(float, text.replace("/", ",").split(",")))
    except ValueError:
        shares = ()
    if len(shares) not in (2, 3) or not all(0 < each < math.inf for each in shares):
        raise argparse.ArgumentTypeError(
            f"{text} is not two or three positive shares, such as 80,10,10"
        )
    return shares


def _split_problem(args: argparse.Namespace) -> str:
    if args.seed is not None and not args.split:
        return f"--seed={args.seed} is for --split: give its shares, such as --split=80,10,10"
    if args.split and args.shards:
        return "--split writes files of its own: leave out --shards"
    return ""


def task(args: argparse.Namespace) -> common.Task:
    """Returns what the command line asks for."""
    shard = shard_choice(args)
    names = output_names(args.output, shard.shards, shard.shard_index)
    if args.split:
        names = split_names(args.output, len(args.split))
    outputs = named("output", names.files)
    return common.Task(
        run=functools.partial(_build, args, shard),
        log_path=args.log_path,
        inputs=[*annotation_inputs(args.annotations), *model.charset_inputs(args)],
        outputs=outputs,
        uses_gpu=False,
    )


def _build(args: argparse.Namespace, shard: ShardChoice) -> None:
    from aocr.data.building import builder

    shard.log_environment()
    options = common.requested(
        builder.Options,
        args,
        force_uppercase=not args.no_force_uppercase,
        normalize=not args.no_normalize,
        base_dir=args.base_dir or "",
        seed=args.seed or 0,
        shards=shard.shards,
        shard_index=shard.shard_index,
        limits=model.limits(args),
    )
    builder.build(args.annotations, args.output, options)
