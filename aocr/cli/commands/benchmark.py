"""The command `aocr benchmark`: measures how fast a model or an export reads."""

from __future__ import annotations

import argparse
import json

from aocr.cli.exit_codes import EXIT_OK
from aocr.cli.flags import common, model
from aocr.cli.flags.images import image_files
from aocr.cli.flags.paths import command_paths, image_inputs, model_inputs
from aocr.cli.flags.values import value_type
from aocr.config import TEST_BATCH_SIZE
from aocr.training.options import TrainingOptions
from aocr.util.options import Permitted, permitted_values
from aocr.util.paths.checks import CommandPaths
from aocr.util.terminal.console import print_text, require_stdout


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Adds the parser of the command."""
    text = "measure how fast a model or an export reads"
    parser = common.add_command(commands, common.Command("benchmark", text, run, paths))
    common.add_model_argument(parser)
    text = "image files, folders or glob patterns (default: four drawn images)"
    parser.add_argument("images", nargs="*", help=text)
    text = "number of images of a batch (default: %(default)s)"
    in_range = value_type(permitted_values(TrainingOptions, "batch_size"))
    default = TEST_BATCH_SIZE
    parser.add_argument("--batch-size", type=in_range, default=default, metavar="N", help=text)
    text = "length of each of the two measurements (default: %(default)s)"
    seconds = value_type(Permitted(float, 0.1, 3600))
    parser.add_argument("--seconds", type=seconds, default=5.0, metavar="N", help=text)
    text = "print the measurements as JSON"
    parser.add_argument("--json", action="store_true", help=text)
    common.add_checkpoint_flag(parser)
    model.add_reading_flags(parser)
    model.add_old_model_flags(parser)


def paths(args: argparse.Namespace) -> CommandPaths:
    """Returns what the command reads and writes."""
    return command_paths(args, [*image_inputs(args.images), *model_inputs("MODEL", args.model)])


def run(args: argparse.Namespace) -> int:
    """Runs the command and returns its exit code."""
    from aocr.data.images.decoder_complaints import hidden_complaints
    from aocr.data.images.header import quiet_pillow
    from aocr.reading import speed
    from aocr.reading.loading import load_reader

    require_stdout()
    names = image_files(args.images)
    images = speed.benchmark_images(names)
    options = model.load_options(args)
    with (
        quiet_pillow(),
        hidden_complaints(),
        load_reader(args.model, options, args.batch_size) as reader,
    ):
        speed.check_images(reader, names, images)
        one_by_one = speed.measure(reader, images, 1, args.seconds)
        batches = speed.measure(reader, images, args.batch_size, args.seconds)
    measured = speed.summary(one_by_one, batches, len(images))
    print_text(json.dumps(measured) + "\n" if args.json else speed.as_text(measured))
    return EXIT_OK
