"""The command `aocr export`: writes a trained model as a SavedModel or a frozen graph."""

from __future__ import annotations

import argparse

from aocr.cli import arguments
from aocr.cli.exit_codes import EXIT_OK


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Adds the parser of the command."""
    text = "export a model as a SavedModel or a frozen graph"
    parser = arguments.add_command(commands, "export", run, text)
    text = "folder to write to (default: %(default)s)"
    parser.add_argument("dir", nargs="?", default="exported", help=text)
    text = "format of the export (default: %(default)s)"
    formats = ("savedmodel", "frozengraph")
    parser.add_argument("--format", choices=formats, default="savedmodel", help=text)
    text = "replace an earlier export in the folder"
    parser.add_argument("--force", action="store_true", help=text)
    arguments.add_model_dir_flags(parser)
    arguments.add_checkpoint_flag(parser)
    arguments.add_old_model_flags(parser)
    arguments.add_unused_flags(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the command and returns its exit code."""
    from aocr.serving import exporter

    config, checkpoint = arguments.trained_model(args)
    exporter.export(config, checkpoint, args.gpu_id, args.dir, args.format, args.force)
    return EXIT_OK
