"""The command `aocr dataset`: builds TFRecords from images and their labels."""

from __future__ import annotations

import argparse
import functools
import math
from typing import TYPE_CHECKING

from aocr.cli.flags import common, model
from aocr.cli.flags.parser import CommandParser, whole_number
from aocr.cli.flags.paths import annotation_inputs
from aocr.cli.flags.shards import ShardChoice, add_shard_flags, shard_choice, shard_problem
from aocr.config import MAX_PIXELS
from aocr.data.records.shards import output_names, split_names
from aocr.data.sources.formats import AUTO, DELIMITERS, FORMATS, PARTS, WRITTEN
from aocr.util.paths.checks import named

if TYPE_CHECKING:
    from aocr.data.sources.common import Request

DEFAULT_OUTPUT = "./dataset.tfrecords"


def add_flags(parser: CommandParser) -> None:
    """Adds the flags of the command."""
    text = (
        "annotation file in UTF-8 with one 'path label' per line, - for stdin; or a folder of "
        "images named LABEL.png or LABEL_12.png; or any other form of --format; the last of "
        f"several is the file to write (default: {DEFAULT_OUTPUT})"
    )
    parser.add_argument("annotations", nargs="+", metavar="source", help=text)
    _add_source_flags(parser)
    _add_annotation_flags(parser)
    _add_output_flags(parser)
    model.add_limit_flags(parser, "limits (records beyond them are rejected)")
    parser.add_check(shard_problem)
    parser.add_check(_split_problem)


def _add_source_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    text = (
        f"form of the annotations: auto, or one of {', '.join(FORMATS)}; auto decides by what they "
        "hold, and stops where that is not clear (default: %(default)s)"
    )
    names = (AUTO, *FORMATS)
    add("--format", choices=names, default=AUTO, metavar="NAME", help=text)
    text = (
        "separator of path and label; all but space imply the quoting rules of CSV "
        "(default: %(default)s)"
    )
    add("--delimiter", choices=tuple(DELIMITERS), default="space", help=text)
    text = "column or field of the images, where a table has several that may be meant"
    add("--image-column", metavar="NAME", help=text)
    text = "column, field or attribute of the labels, where there are several that may be meant"
    add("--label-column", metavar="NAME", help=text)
    text = "pixels around the lines and words that are cut out of pages (default: %(default)s)"
    add("--crop-margin", type=whole_number(0, 1000), default=0, metavar="N", help=text)
    text = (
        "folder that relative paths start from (default: the working directory for lists of aocr, "
        "the folder of the source for all other forms)"
    )
    add("--base-dir", metavar="DIR", help=text)


def _add_annotation_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
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
        "OUTPUT-validation and OUTPUT-test; images of the same pixels stay together. Or the name "
        "of a part, train, validation or test, of a source that is divided already"
    )
    add("--split", type=_shares, default=(), metavar="A,B[,C]|PART", help=text)
    text = "random seed of --split (default: 0)"
    add("--seed", type=whole_number(0), metavar="N", help=text)
    text = (
        "the other way round: write the records of the sources, which are datasets, into a new "
        f"folder, as a list, or in another form with --to ({', '.join(WRITTEN)})"
    )
    add("--extract", action="store_true", help=text)
    add("--to", choices=WRITTEN, metavar="NAME", help="form that --extract writes (default: list)")
    text = "number of records between log lines about the progress (default: %(default)s)"
    add("--log-step", type=whole_number(1), default=500, metavar="N", help=text)


def _shares(text: str) -> tuple[float, ...] | str:
    """Returns the shares of `--split`, or the name of a part."""
    if text in PARTS:
        return text
    try:
        shares = tuple(map(float, text.replace("/", ",").split(",")))
    except ValueError:
        shares = ()
    if len(shares) not in (2, 3) or not all(0 < each < math.inf for each in shares):
        raise argparse.ArgumentTypeError(
            f"{text} is not two or three positive shares, such as 80,10,10, nor train, validation "
            "or test"
        )
    return shares


def _split_problem(args: argparse.Namespace) -> str:
    if args.to and not args.extract:
        return f"--to={args.to} is for --extract"
    if args.extract and len(args.annotations) < 2:
        return "--extract needs a dataset and the folder to make"
    is_divided = args.split and not isinstance(args.split, str)
    if args.seed is not None and not is_divided:
        return f"--seed={args.seed} is for --split: give its shares, such as --split=80,10,10"
    if is_divided and args.shards:
        return "--split writes files of its own: leave out --shards"
    return ""


def task(args: argparse.Namespace) -> common.Task:
    """Returns what the command line asks for."""
    shard = shard_choice(args)
    *sources, output = args.annotations if args.annotations[1:] else [*args.annotations, ""]
    output = output or DEFAULT_OUTPUT
    if args.extract:
        return common.Task(
            run=functools.partial(_extract, sources, output, args.to or WRITTEN[0]),
            log_path=args.log_path,
            inputs=named("dataset", sources),
            outputs=[],
            uses_gpu=False,
        )
    names = output_names(output, shard.shards, shard.shard_index)
    if args.split and not isinstance(args.split, str):
        names = split_names(output, len(args.split))
    outputs = named("output", names.files)
    return common.Task(
        run=functools.partial(_build, args, shard, sources, output),
        log_path=args.log_path,
        inputs=[
            *(each for source in sources for each in annotation_inputs(source)),
            *model.charset_inputs(args),
        ],
        outputs=outputs,
        uses_gpu=False,
    )


def _extract(datasets: list[str], folder: str, form: str) -> None:
    from aocr.data.building import extraction

    extraction.extract(datasets, folder, form)


def _build(args: argparse.Namespace, shard: ShardChoice, sources: list[str], output: str) -> None:
    from aocr.data.building import builder

    shard.log_environment()
    options = common.requested(
        builder.Options,
        args,
        force_uppercase=not args.no_force_uppercase,
        normalize=not args.no_normalize,
        source=_request(args),
        split=() if isinstance(args.split, str) else args.split,
        seed=args.seed or 0,
        shards=shard.shards,
        shard_index=shard.shard_index,
        limits=model.limits(args),
    )
    builder.build(sources, output, options)


def _request(args: argparse.Namespace) -> Request:
    from aocr.data.sources.common import Request

    return common.requested(
        Request,
        args,
        base_dir=args.base_dir or "",
        image_column=args.image_column or "",
        label_column=args.label_column or "",
        part=args.split if isinstance(args.split, str) else "",
    )
