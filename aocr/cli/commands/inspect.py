"""The command `aocr inspect`: describes TFRecords and recommends flags for a model of them."""

from __future__ import annotations

import argparse
import functools

from aocr.cli.flags import common, model
from aocr.cli.flags.parser import CommandParser
from aocr.cli.flags.paths import dataset_inputs
from aocr.cli.flags.recipes import CLASSIC, RECIPES
from aocr.training.options import TrainingOptions
from aocr.util.options import permitted_values
from aocr.util.paths.checks import named

PREPARATION = ("resize", "gray")
"""Fields of `Config` by which a recipe prepares images otherwise than the classic one."""


def add_flags(parser: CommandParser) -> None:
    """Adds the flags of the command."""
    common.add_dataset_argument(parser)
    add = parser.add_argument
    add("--json", action="store_true", help="print the report as JSON")
    text = "write a picture of some records, as the model sees them, with their labels"
    add("--sheet", metavar="FILE.png", help=text)
    text = "show on this picture how `aocr train --augment` would vary the images"
    choices = permitted_values(TrainingOptions, "augment").choices
    add("--augment", choices=choices, default=TrainingOptions.augment, help=text)
    add("--color", action="store_true", help="draw this picture in color")
    text = "recipe of `aocr train` for the flags and for this picture (default: %(default)s)"
    add("--recipe", choices=tuple(RECIPES), default="modern", help=text)
    title = "limits (the report counts the records beyond them)"
    model.add_limit_flags(parser, title)
    parser.add_check(_sheet_problem)


def _sheet_problem(args: argparse.Namespace) -> str:
    if args.augment != TrainingOptions.augment and not args.sheet:
        return "--augment requires --sheet: give a PNG file to draw the images in"
    return ""


def task(args: argparse.Namespace) -> common.Task:
    """Returns what the command line asks for."""
    return common.Task(
        run=functools.partial(_inspect, args),
        log_path=args.log_path,
        inputs=[*dataset_inputs("dataset", args.dataset), *model.charset_inputs(args)],
        outputs=named("--sheet", [args.sheet]),
        uses_gpu=False,
    )


def _inspect(args: argparse.Namespace) -> None:
    from aocr.inspection import inspector

    recipe = RECIPES[args.recipe].model
    options = common.requested(
        inspector.InspectionOptions,
        args,
        limits=model.limits(args),
        as_json=args.json,
        recipe="" if args.recipe == CLASSIC else f"--recipe={args.recipe}",
        preparation={name: recipe[name] for name in PREPARATION if name in recipe},
        augmentation=args.augment,
    )
    inspector.inspect(args.dataset, options)
