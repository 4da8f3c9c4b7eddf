"""The command `aocr benchmark`: measures how fast a model or an export reads."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from aocr.cli.flags import common, model
from aocr.cli.flags.parser import CommandParser, value_type
from aocr.cli.flags.paths import image_files, image_inputs, model_inputs
from aocr.config import TEST_BATCH_SIZE
from aocr.training.options import TrainingOptions
from aocr.util.options import Permitted, permitted_values
from aocr.util.terminal.console import print_text, require_stdout


def add_flags(parser: CommandParser) -> None:
    """Adds the flags of the command."""
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


def task(args: argparse.Namespace) -> common.Task:
    """Returns what the command line asks for."""
    request = model.model_request(args, args.model)
    return common.Task(
        run=lambda: _measure(request, args.images, args.batch_size, args.seconds, args.json),
        log_path=args.log_path,
        inputs=[
            *image_inputs(args.images),
            *model_inputs("MODEL", args.model),
            *model.charset_inputs(args),
        ],
    )


def _measure(
    request: model.ModelRequest,
    arguments: Sequence[str],
    batch_size: int,
    seconds: float,
    as_json: bool,
) -> None:
    from aocr.data.images.decoder_complaints import hidden_complaints
    from aocr.data.images.files import quiet_pillow
    from aocr.reading import speed
    from aocr.reading.loading import LoadOptions, load_reader

    require_stdout()
    names = image_files(arguments)
    images = speed.benchmark_images(names)
    options = LoadOptions(request.checkpoint, request.gpu_id, request.all_fields())
    with (
        quiet_pillow(),
        hidden_complaints(),
        load_reader(request.folder, options, batch_size) as reader,
    ):
        speed.check_images(reader, names, images)
        one_by_one = speed.measure(reader, images, 1, seconds)
        batches = speed.measure(reader, images, batch_size, seconds)
    measured = speed.summary(one_by_one, batches, len(images))
    print_text(json.dumps(measured) + "\n" if as_json else speed.as_text(measured))
