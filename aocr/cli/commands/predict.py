"""The command `aocr predict`: reads the text in images."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager

from aocr.cli.flags import common, model, search
from aocr.cli.flags.parser import CommandParser, value_type
from aocr.cli.flags.paths import STDIN, image_files, image_inputs, model_inputs
from aocr.cli.flags.shards import (
    INDEX_VARIABLE,
    ShardChoice,
    add_shard_flags,
    shard_choice,
    shard_problem,
)
from aocr.cli.settings_log import PREDICT, flag_settings, log_settings
from aocr.config import TEST_BATCH_SIZE
from aocr.data.records.shards import shard_name
from aocr.model.readings import Reading
from aocr.model.weights import pretrained
from aocr.training.options import TrainingOptions
from aocr.util.errors import EXIT_FAILURE
from aocr.util.options import Permitted, permitted_values
from aocr.util.paths.checks import named
from aocr.util.terminal.console import (
    print_text,
    read_names,
    require_stdout,
    shown_progress,
)


def add_flags(parser: CommandParser) -> None:
    """Adds the flags of the command."""
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
    search.add_search_flags(parser)
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
    if args.server and (given := search.search_request(args).flags):
        return (
            f"{given[0]} cannot be chosen with --server, whose model decides what is looked for: "
            "export the model with it"
        )
    if args.api_key_file and not args.server:
        return "--api-key-file is the key of a server: give --server, too"
    return ""


@dataclasses.dataclass(frozen=True)
class PredictRequest:
    """Says what to read, with what, and where the rows go.

    Attributes:
        images: image files, folders and glob patterns; none for names on stdin.
        shard: the share of the images that this process reads.
        model: the model in `--model-dir`, unless a server reads.
        model_dir_given: whether `--model-dir` is given.
        search: the search of the texts.
        server: URL of the server that reads instead; None for the model.
        api_key_file: file of the server's key, or None.
        batch_size: largest number of images that are read at a time.
        output: file that the rows are written to; None for stdout.
        as_json: whether the rows are JSON.
        min_probability: probability below which texts are marked as uncertain, or None.
        settings: values for the log, see `flag_settings`.
    """

    images: tuple[str, ...]
    shard: ShardChoice
    model: model.ModelRequest
    model_dir_given: bool
    search: search.SearchRequest
    server: str | None
    api_key_file: str | None
    batch_size: int
    output: str | None
    as_json: bool
    min_probability: float | None
    settings: Mapping[str, object]


def task(args: argparse.Namespace) -> common.Task:
    """Returns what the command line asks for."""
    shard = shard_choice(args)
    output = args.output
    if output is not None and shard.shard_index is not None and shard.shards > 1:
        output = shard_name(output, shard.shard_index, shard.shards)
    request = common.requested(
        PredictRequest,
        args,
        images=tuple(args.images),
        shard=shard,
        model=model.model_request(args, args.model_dir),
        search=search.search_request(args),
        output=output,
        as_json=args.json,
        settings=flag_settings(args),
    )
    return common.Task(
        run=functools.partial(_predict, request),
        log_path=args.log_path,
        inputs=[
            *(image_inputs(args.images) if args.images else named("list of images", [STDIN])),
            *named("--api-key-file", [args.api_key_file]),
            *([] if args.server else model_inputs("--model-dir", args.model_dir)),
            *model.charset_inputs(args),
            *search.lexicon_inputs(args),
        ],
        outputs=named("--output", [output]),
        uses_tensorflow=not args.server or args.output is not None,
    )


def _predict(request: PredictRequest) -> int:
    """Reads the images; the exit code is a failure if one could not be read."""
    with _rows(request.output) as write:
        request.shard.log_environment()
        names = image_files(request.images) if request.images else read_names(sys.stdin)
        share: Iterable[str] = request.shard.share(names)
        if request.images:
            share = list(share)
        read = _from_server if request.server else _from_model
        return _write_rows(request, share, read(request, share), write)


@contextlib.contextmanager
def _rows(path: str | None) -> Iterator[Callable[[str], None]]:
    """Yields a function that writes a row, to stdout if there is no file for them."""
    if path is None:
        require_stdout()
        yield print_text
        return
    from aocr.util.paths.files import open_row_file

    with open_row_file("--output", path) as write:
        yield write
    logging.info("The rows are in %s.", path)


def _write_rows(
    request: PredictRequest,
    names: Iterable[str],
    predictions: Iterable[tuple[str, Reading]],
    write: Callable[[str], None],
) -> int:
    """Writes and logs the predictions as they come, and returns the exit code."""
    from aocr.cli.commands import prediction_output

    least = request.min_probability
    read = failed = uncertain = inexact = 0
    hint = prediction_output.hints()
    with _progress(names, request.output is not None) as advance:
        for path, result in predictions:
            prediction_output.log_prediction(path, result, hint)
            read += not result.failure
            failed += bool(result.failure)
            inexact += not result.is_exact
            uncertain += least is not None and prediction_output.is_uncertain(result, least)
            if request.as_json:
                write(prediction_output.json_line_of(path, result, least))
            elif not result.failure:
                write(prediction_output.tsv_line_of(path, result, least))
            advance()
    if least is not None:
        prediction_output.log_uncertain(least, uncertain, read)
    if inexact:
        prediction_output.log_inexact(inexact, read)
    shards, index, _ = request.shard
    if index is not None:
        prediction_output.log_share(shards, index, read + failed, failed)
    return EXIT_FAILURE if failed else 0


def _from_model(request: PredictRequest, names: Iterable[str]) -> Iterator[tuple[str, Reading]]:
    """Reads with the model in `--model-dir`, or with `latin` if none is named or is there."""
    from aocr.reading.checkpoint_backend import CheckpointBackend
    from aocr.reading.reader import read_paths

    named_model = request.model
    missing = not request.model_dir_given and not os.path.exists(named_model.folder)
    if missing and pretrained.is_installed(pretrained.LATIN):
        logging.info(
            "No --model-dir and no %s: reading with %s, the model that comes with aocr.",
            named_model.folder,
            pretrained.LATIN,
        )
        latin = os.path.join(pretrained.FOLDER, pretrained.LATIN)
        named_model = dataclasses.replace(named_model, folder=latin)
    folder, config, checkpoint = named_model.find()
    model.check_batch_size(request.batch_size, config, model.INFERENCE_FLOATS)
    log_settings(PREDICT, {**request.settings, "model_dir": folder}, config)
    wanted = request.search.search(config)
    load = functools.partial(
        CheckpointBackend,
        config,
        checkpoint,
        named_model.gpu_id,
        search=wanted,
        which=named_model.checkpoint,
    )
    return read_paths(load, names, request.batch_size)


def _from_server(request: PredictRequest, names: Iterable[str]) -> Iterator[tuple[str, Reading]]:
    """Lets a server read."""
    from aocr.reading import remote
    from aocr.reading.remote import RestClient

    key = common.read_api_keys(request.api_key_file)[0] if request.api_key_file else ""
    client = RestClient(request.server or "", key)
    return remote.predict(client, names, request.batch_size)


def _progress(names: Iterable[str], to_file: bool) -> AbstractContextManager[Callable[[], object]]:
    """Shows a progress bar on a terminal, unless the rows go there."""
    if not to_file and sys.stdout.isatty():
        return contextlib.nullcontext(lambda: None)
    return shown_progress(len(names) if isinstance(names, Sequence) else None, "images")
