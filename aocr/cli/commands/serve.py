"""The command `aocr serve`: answers requests over HTTP with a model."""

from __future__ import annotations

import argparse
import functools

from aocr.cli.flags import common, model
from aocr.cli.flags.parser import CommandParser, not_empty, value_type, whole_number
from aocr.cli.flags.paths import model_inputs
from aocr.config import MAX_PIXELS
from aocr.inference.names import DEFAULT_MODEL_NAME, NAME_ENDS
from aocr.util.errors import UserError
from aocr.util.options import Permitted
from aocr.util.paths.checks import named

MAX_BATCH = 32
BATCH_TIMEOUT_MS = 0.0
MAX_BODY_MB = 32.0
PORT = 8501
"""The port of TensorFlow Serving's REST."""


def add_flags(parser: CommandParser) -> None:
    """Adds the flags of the command."""
    common.add_model_argument(parser)
    _add_server_flags(parser)
    common.add_checkpoint_flag(parser)
    model.add_reading_flags(parser)
    model.add_old_model_flags(parser)


def _add_server_flags(parser: CommandParser) -> None:
    group = parser.add_argument_group("server")
    add = group.add_argument
    text = "name or address to listen on; 0.0.0.0 lets other machines in (default: %(default)s)"
    add("--host", default="127.0.0.1", metavar="HOST", help=text)
    text = "port to listen on; 0 takes a free one (default: %(default)s)"
    add("--port", type=whole_number(0, 65535), default=PORT, metavar="N", help=text)
    text = "also answer TensorFlow Serving's gRPC on this port, usually 8500 (extra grpc)"
    add("--grpc-port", type=whole_number(0, 65535), metavar="N", help=text)
    text = "name of the model in requests (default: %(default)s)"
    add("--model-name", type=_model_name, default=DEFAULT_MODEL_NAME, metavar="NAME", help=text)
    text = "largest number of images that are read at a time (default: %(default)s)"
    add("--max-batch", type=whole_number(1, 4096), default=MAX_BATCH, metavar="N", help=text)
    text = (
        "milliseconds that an image waits for others, to be read with them; images that come "
        "shortly after one another are read together anyway (default: %(default)s)"
    )
    milliseconds = value_type(Permitted(float, 0, 10_000))
    default = BATCH_TIMEOUT_MS
    add("--batch-timeout-ms", type=milliseconds, default=default, metavar="N", help=text)
    text = "size in MB of the largest accepted request (default: %(default)s)"
    megabytes = value_type(Permitted(float, 0.001, 1024))
    add("--max-body-mb", type=megabytes, default=MAX_BODY_MB, metavar="N", help=text)
    text = "pixels (width times height) of the largest accepted image (default: %(default)s)"
    add("--max-pixels", type=whole_number(1), default=MAX_PIXELS, metavar="N", help=text)
    text = "file of keys, one a line, one of which every client must send"
    common.add_api_key_flag(group, text)
    parser.add_check(_port_problem)


def _port_problem(args: argparse.Namespace) -> str:
    if args.grpc_port and args.grpc_port == args.port:
        return f"--port and --grpc-port are both {args.port}: give each a port of its own"
    return ""


def _model_name(text: str) -> str:
    """Returns a name that the path of a request can hold."""
    if bad := sorted({each for each in text if each in NAME_ENDS or not each.isprintable()}):
        shown = ", ".join(map(repr, bad))
        raise argparse.ArgumentTypeError(
            f"{text!r} has {shown}, which ends a name in the path of a request: leave it out"
        )
    return not_empty(text)


def task(args: argparse.Namespace) -> common.Task:
    """Returns what the command line asks for."""
    return common.Task(
        run=functools.partial(_serve, args),
        log_path=args.log_path,
        inputs=[
            *named("--api-key-file", [args.api_key_file]),
            *model_inputs("MODEL", args.model),
            *model.charset_inputs(args),
        ],
    )


def _serve(args: argparse.Namespace) -> None:
    """Serves until a signal stops the server."""
    try:
        from aocr.server.run import ServerOptions, serve
    except ModuleNotFoundError as error:
        if error.name not in ("starlette", "uvicorn", "httptools", "prometheus_client"):
            raise
        raise UserError(
            f"aocr serve needs {error.name}: install the extra: pip install 'aocr[serve]'"
        ) from error
    from aocr.reading.loading import LoadOptions
    from aocr.server.models.request_batching import BatchingOptions
    from aocr.server.models.served_model import ServingLimits

    request = model.model_request(args, args.model)
    keys = common.read_api_keys(args.api_key_file) if args.api_key_file else []
    limits = ServingLimits(
        batching=BatchingOptions(args.max_batch, args.batch_timeout_ms / 1000),
        max_pixels=args.max_pixels,
        max_body_bytes=int(args.max_body_mb * 2**20),
    )
    options = common.requested(
        ServerOptions,
        args,
        model=request.folder,
        load=LoadOptions(request.checkpoint, request.gpu_id, request.all_fields()),
        name=args.model_name,
        limits=limits,
        api_keys=keys,
    )
    serve(options)
