"""The command `aocr predict`: reads the text in images."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence

from aocr.cli.exit_codes import EXIT_FAILURE, EXIT_OK
from aocr.cli.flags import common, model
from aocr.cli.flags import search as search_flags
from aocr.cli.flags.images import image_files
from aocr.cli.flags.memory import INFERENCE_FLOATS, check_batch_size
from aocr.cli.flags.paths import STDIN, command_paths, image_inputs, model_inputs
from aocr.cli.flags.shards import (
    INDEX_VARIABLE,
    add_shard_flags,
    log_environment,
    shard_choice,
    shard_problem,
)
from aocr.cli.flags.values import value_type
from aocr.cli.settings_log import PREDICT, log_settings
from aocr.config import TEST_BATCH_SIZE
from aocr.data.records.shards import shard_name
from aocr.model.weights import pretrained
from aocr.reading.results import FilePrediction
from aocr.training.options import TrainingOptions
from aocr.util.options import Permitted, permitted_values
from aocr.util.paths.checks import CommandPaths, named
from aocr.util.terminal.console import (
    is_interactive,
    print_text,
    progress_bar,
    read_names,
    require_stdout,
)


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Adds the parser of the command."""
    command = common.Command(
        "predict", "read the text in images", run, paths, uses_tensorflow=_uses_tensorflow
    )
    parser = common.add_command(commands, command)
    text = (
        "image files, folders of images or glob patterns; if none is given, names of image files "
        "are read from stdin, one per line"
    )
    parser.add_argument("images", nargs="*", help=text)
    common.add_model_dir_flags(parser)
    common.add_checkpoint_flag(parser)
    text = "print one JSON object per line, with the probability of each character"
    parser.add_argument("--json", action="store_true", help=text)
    text = "mark and count the texts whose probability is below this number from 0 to 1"
    probability = value_type(Permitted(float, 0, 1))
    parser.add_argument("--min-probability", type=probability, metavar="N", help=text)
    text = "largest number of images that are read at a time (default: %(default)s)"
    in_range = value_type(permitted_values(TrainingOptions, "batch_size"))
    default = TEST_BATCH_SIZE
    parser.add_argument("--batch-size", type=in_range, default=default, metavar="N", help=text)
    _add_output_flags(parser.add_argument_group("output and shared work"))
    _add_server_flags(parser)
    model.add_reading_flags(parser)
    search_flags.add_search_flags(parser)
    model.add_old_model_flags(parser)
    common.add_unused_flags(parser)
    parser.add_check(_server_problem)
    parser.add_check(_shard_problem)


def _add_output_flags(group: argparse._ArgumentGroup) -> None:
    text = (
        "write the rows to this file instead of stdout; with --shards to one with the shard's "
        "number in its name, such as name-00000-of-0000N.tsv for name.tsv"
    )
    group.add_argument("--output", metavar="FILE", help=text)
    add_shard_flags(
        group.add_argument,
        "number of processes that share the images; each reads every Nth",
        "the share that this process reads, counted from 0",
    )


def _shard_problem(args: argparse.Namespace) -> str:
    """Returns what is wrong with the flags of shards; one process reads one shard."""
    problem = shard_problem(args)
    if not problem and args.shards is not None and shard_choice(args).shard_index is None:
        problem = (
            f"--shards={args.shards} requires --shard-index, or the environment variable "
            f"{INDEX_VARIABLE}: give the number of this share, from 0"
        )
    return problem


def _add_server_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("server (which has the model, instead of this process)")
    text = (
        "send the images to this server, which speaks TensorFlow Serving's REST, such as "
        "http://localhost:8501 or http://localhost:8501/v1/models/NAME"
    )
    group.add_argument("--server", metavar="URL", help=text)
    common.add_api_key_flag(group, "file whose first line is the server's key")


def _server_problem(args: argparse.Namespace) -> str:
    """Returns what is wrong with the flags of the server."""
    if args.server and args.checkpoint:
        return "--checkpoint cannot be chosen with --server, which has a model of its own"
    if args.server and (given := search_flags.given_flags(args)):
        return (
            f"{given[0]} cannot be chosen with --server, whose model decides what is looked for: "
            "export the model with it"
        )
    if args.api_key_file and not args.server:
        return "--api-key-file is the key of a server: give --server, too"
    return ""


def _uses_tensorflow(args: argparse.Namespace) -> bool:
    return not args.server or args.output is not None


def paths(args: argparse.Namespace) -> CommandPaths:
    """Returns what the command reads and writes."""
    inputs = image_inputs(args.images) if args.images else named("list of images", [STDIN])
    keys = named("--api-key-file", [args.api_key_file])
    models = [] if args.server else model_inputs("--model-dir", args.model_dir)
    return command_paths(args, [*inputs, *keys, *models], named("--output", [_output(args)]))


def _output(args: argparse.Namespace) -> str | None:
    """Returns the file that the rows are written to; None for stdout."""
    shards, index = shard_choice(args)
    if args.output is None or index is None or shards == 1:
        return args.output
    return shard_name(args.output, index, shards)


def run(args: argparse.Namespace) -> int:
    """Runs the command; the exit code is a failure if an image could not be read."""
    with _rows(_output(args)) as write:
        return _read(args, _images(args), write)


@contextlib.contextmanager
def _rows(path: str | None) -> Iterator[Callable[[str], None]]:
    """Yields a function that writes a row, to stdout if there is no file for them."""
    if path is None:
        require_stdout()
        yield print_text
        return
    from aocr.util.paths.row_file import open_row_file

    with open_row_file("--output", path) as write:
        yield write
    logging.info("The rows are in %s.", path)


def _images(args: argparse.Namespace) -> Iterable[str]:
    """Returns the names of the images that this process reads."""
    log_environment(args)
    names = image_files(args.images) if args.images else read_names(sys.stdin)
    share = shard_choice(args).share(names)
    return list(share) if args.images else share


def _read(args: argparse.Namespace, names: Iterable[str], write: Callable[[str], None]) -> int:
    """Reads the images and returns the exit code."""
    from aocr.cli.commands import prediction_output

    read = failed = uncertain = inexact = 0
    predictions = _from_server(args, names) if args.server else _from_model(args, names)
    with _progress(names, args.output is not None) as advance:
        for result in predictions:
            prediction_output.log_prediction(result)
            read += not result.failure
            failed += bool(result.failure)
            inexact += not result.is_exact
            if args.min_probability is not None:
                uncertain += prediction_output.is_uncertain(result, args.min_probability)
            if args.json:
                write(prediction_output.json_line_of(result, args.min_probability))
            elif not result.failure:
                write(prediction_output.tsv_line_of(result, args.min_probability))
            advance()
    if args.min_probability is not None:
        prediction_output.log_uncertain(args.min_probability, uncertain, read)
    if inexact:
        prediction_output.log_inexact(inexact, read)
    shards, index = shard_choice(args)
    if index is not None:
        prediction_output.log_share(shards, index, read + failed, failed)
    return EXIT_FAILURE if failed else EXIT_OK


def _from_model(args: argparse.Namespace, names: Iterable[str]) -> Iterator[FilePrediction]:
    """Reads with the model in `--model-dir`."""
    from aocr.reading import file_predictions

    _choose_pretrained_model(args)
    config, checkpoint = model.trained_model(args)
    check_batch_size(args.batch_size, config, INFERENCE_FLOATS)
    log_settings(PREDICT, args, config)
    search = search_flags.search_of(args, config)
    return file_predictions.predict(
        config, names, checkpoint, args.gpu_id, search=search, batch_size=args.batch_size
    )


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


def _from_server(args: argparse.Namespace, names: Iterable[str]) -> Iterator[FilePrediction]:
    """Lets a server read."""
    from aocr.reading import remote_predictions
    from aocr.reading.rest_client import RestClient

    key = common.read_api_keys(args.api_key_file)[0] if args.api_key_file else ""
    return remote_predictions.predict(RestClient(args.server, key), names, args.batch_size)


@contextlib.contextmanager
def _progress(names: Iterable[str], to_file: bool) -> Iterator[Callable[[], object]]:
    """Shows a progress bar on a terminal, unless the rows go there."""
    if is_interactive() and (to_file or not sys.stdout.isatty()):
        with progress_bar(len(names) if isinstance(names, Sequence) else None, "images") as bar:
            yield bar.update
    else:
        yield lambda: None
