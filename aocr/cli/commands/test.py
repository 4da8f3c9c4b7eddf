"""The command `aocr test`: measures how well a model reads TFRecords."""

from __future__ import annotations

import argparse
import functools
import os

from aocr.cli.flags import common, model, search
from aocr.cli.flags.parser import CommandParser, value_type
from aocr.cli.flags.paths import dataset_inputs, model_inputs
from aocr.cli.settings_log import TEST, flag_settings, log_settings
from aocr.report import PAGE
from aocr.training.options import TrainingOptions
from aocr.util.options import permitted_values
from aocr.util.paths.checks import named
from aocr.util.terminal.console import print_text, require_stdout


def add_flags(parser: CommandParser) -> None:
    """Adds the flags of the command."""
    common.add_dataset_argument(parser)
    common.add_model_dir_flags(parser)
    common.add_checkpoint_flag(parser)
    text = (
        "number of images per step; does not change the results (default: 64; up to 256 small "
        "images with --backbone=compact)"
    )
    in_range = value_type(permitted_values(TrainingOptions, "batch_size"))
    add = parser.add_argument
    add("--batch-size", dest="given_batch_size", type=in_range, metavar="N", help=text)
    _add_output_flags(parser)
    model.add_reading_flags(parser)
    search.add_search_flags(parser)
    model.add_old_model_flags(parser)
    common.add_unused_flags(parser, output=False)


def _add_output_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    add = group.add_argument
    text = "print the metrics as JSON on stdout"
    add("--json", action="store_true", help=text)
    text = "write the label, prediction and probability of each image to a .tsv or .jsonl file"
    add("--predictions", metavar="FILE", help=text)
    text = "write an HTML report; requires the extra aocr[report]"
    add("--report", metavar="DIR", help=text)
    text = "draw the attention of each prediction into --output-dir"
    add("--visualize", action="store_true", help=text)
    common.add_output_flags(group)


def task(args: argparse.Namespace) -> common.Task:
    """Returns what the command line asks for; the names of pictures belong to their records."""
    page = args.report and os.path.join(args.report, PAGE)
    return common.Task(
        run=functools.partial(_test, args),
        log_path=args.log_path,
        inputs=[
            *dataset_inputs("dataset", args.dataset),
            *model_inputs("--model-dir", args.model_dir),
            *model.charset_inputs(args),
            *search.lexicon_inputs(args),
        ],
        outputs=[*named("--predictions", [args.predictions]), *named("--report", [page])],
    )


def _test(args: argparse.Namespace) -> None:
    from aocr.data.records.files import expand
    from aocr.evaluation.evaluator import Evaluation, evaluate
    from aocr.evaluation.graph import default_batch_size
    from aocr.report.outputs import OutputPaths, open_outputs

    if args.json:
        require_stdout()
    folder, config, checkpoint = model.model_request(args, args.model_dir).find()
    batch_size = args.given_batch_size or default_batch_size(config)
    model.check_batch_size(batch_size, config, model.INFERENCE_FLOATS)
    log_settings(TEST, {**flag_settings(args), "model_dir": folder}, config)
    evaluation = Evaluation(
        config=config,
        checkpoint=checkpoint,
        files=expand(args.dataset),
        gpu_id=args.gpu_id,
        batch_size=batch_size,
        search=search.search_request(args).search(config),
        which=args.checkpoint,
        accuracy="exact_match" if args.no_distance else "edit_distance_accuracy",
    )
    pictures = args.output_dir if args.visualize else None
    output_paths = OutputPaths(args.predictions, pictures, args.report, readings=args.top or 1)
    facts = {"Checkpoint": checkpoint, "Dataset": ", ".join(args.dataset)}
    with open_outputs(output_paths, facts) as (observers, report):
        summary = evaluate(evaluation, observers)
    if report:
        report.write(summary)
    if args.json:
        print_text(summary.to_json() + "\n")
