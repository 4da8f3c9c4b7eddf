"""The command `aocr inspect`: describes TFRecords and recommends flags for a model of them."""

from __future__ import annotations

import argparse

from aocr.cli.exit_codes import EXIT_OK
from aocr.cli.flags import common, model
from aocr.cli.flags.paths import command_paths, dataset_inputs
from aocr.data.limits import Limits
from aocr.training.options import TrainingOptions
from aocr.util.options import permitted_values
from aocr.util.paths.checks import CommandPaths, named


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Adds the parser of the command."""
    text = "describe TFRecords and recommend model flags for them"
    command = common.Command("inspect", text, run, paths, uses_gpu=False)
    parser = common.add_command(commands, command)
    common.add_dataset_argument(parser)
    add = parser.add_argument
    add("--json", action="store_true", help="print the report as JSON")
    text = "write a picture of some records, as the model sees them, with their labels"
    add("--sheet", metavar="FILE.png", help=text)
    text = "show on this picture how `aocr train --augment` would vary the images"
    choices = permitted_values(TrainingOptions, "augment").choices
    add("--augment", choices=choices, default=TrainingOptions.augment, help=text)
    add("--color", action="store_true", help="draw this picture in color")
    title = "limits (the report counts the records beyond them)"
    model.add_limit_flags(parser, title)

    parser.add_check(_sheet_problem)


def _sheet_problem(args: argparse.Namespace) -> str:
    if args.augment != TrainingOptions.augment and not args.sheet:
        return "--augment requires --sheet: give a PNG file to draw the images in"
    return ""


def paths(args: argparse.Namespace) -> CommandPaths:
    """Returns what the command reads and writes."""
    inputs = dataset_inputs("dataset", args.dataset)
    return command_paths(args, inputs, named("--sheet", [args.sheet]))


def run(args: argparse.Namespace) -> int:
    """Runs the command and returns its exit code."""
    from aocr.inspection import inspector

    limits = Limits(**model.given_fields(args, Limits))
    options = inspector.InspectionOptions(
        limits=limits,
        as_json=args.json,
        sheet=args.sheet,
        color=args.color,
        augmentation=args.augment,
    )
    inspector.inspect(args.dataset, options)
    return EXIT_OK
