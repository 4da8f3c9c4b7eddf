"""The command `aocr predict`: reads the text in images."""

from __future__ import annotations

import argparse
import logging
import os
import sys

from aocr.cli import arguments, model_flags, search_flags
from aocr.cli.command_paths import STDIN, command_paths, model_inputs
from aocr.cli.exit_codes import EXIT_FAILURE, EXIT_OK
from aocr.cli.settings_log import PREDICT, log_settings
from aocr.model import pretrained
from aocr.util.console import print_text, read_names, require_stdout
from aocr.util.path_checks import CommandPaths, named


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Adds the parser of the command."""
    command = arguments.Command("predict", "read the text in images", run, paths)
    parser = arguments.add_command(commands, command)
    text = "image files; if none is given, file names are read from stdin, one per line"
    parser.add_argument("images", nargs="*", help=text)
    arguments.add_model_dir_flags(parser)
    arguments.add_checkpoint_flag(parser)
    text = "print one JSON object per line, with the probability of each character"
    parser.add_argument("--json", action="store_true", help=text)
    model_flags.add_reading_flags(parser)
    search_flags.add_search_flags(parser)
    model_flags.add_old_model_flags(parser)
    arguments.add_unused_flags(parser)


def paths(args: argparse.Namespace) -> CommandPaths:
    """Returns what the command reads and writes."""
    inputs = named("image", args.images) if args.images else named("list of images", [STDIN])
    return command_paths(args, [*inputs, *model_inputs("--model-dir", args.model_dir)])


def run(args: argparse.Namespace) -> int:
    """Runs the command; the exit code is a failure if an image could not be read."""
    from aocr.cli import prediction_output
    from aocr.serving import predictor

    failed, read, inexact = False, 0, 0
    require_stdout()
    names = args.images or read_names(sys.stdin)
    _choose_pretrained_model(args)
    config, checkpoint = model_flags.trained_model(args)
    log_settings(PREDICT, args, config)
    search = search_flags.search_of(args, config)
    for result in predictor.predict(config, names, checkpoint, args.gpu_id, search):
        prediction_output.log_prediction(result)
        failed |= bool(result.failure)
        read += not result.failure
        inexact += not result.is_exact
        if args.json:
            print_text(prediction_output.json_line_of(result))
        elif not result.failure:
            print_text(prediction_output.tsv_line_of(result))
    if inexact:
        prediction_output.log_inexact(inexact, read)
    return EXIT_FAILURE if failed else EXIT_OK


def _choose_pretrained_model(args: argparse.Namespace) -> None:
    """Chooses a model that comes with aocr if none is named or in the usual folder."""
    missing = not args.model_dir_given and not os.path.exists(args.model_dir)
    if missing and pretrained.is_installed(pretrained.LATIN):
        logging.info(
            "No --model-dir and no %s: reading with %s, the model that comes with aocr.",
            args.model_dir,
            pretrained.LATIN,
        )
        args.model_dir = os.path.join(pretrained.FOLDER, pretrained.LATIN)
