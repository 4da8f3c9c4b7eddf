"""Runs one command of the command line: parses it, starts the log, turns errors into exit codes."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Collection, Sequence

from aocr import __version__
from aocr.cli.flags.common import DEFAULT_LOG, URL_FLAGS, Task, add_log_flags
from aocr.cli.flags.parser import CommandParser, not_empty
from aocr.util.errors import EXIT_FAILURE, EXIT_USAGE, UsageError, UserError, first_line
from aocr.util.paths.checks import check_file_systems, check_paths, is_remote
from aocr.util.terminal import log, signals, streams
from aocr.util.terminal.signals import EXIT_INTERRUPTED
from aocr.util.terminal.tensorflow_import import import_tensorflow
from aocr.util.text.characters import escape

COMMANDS = {
    "dataset": "build TFRecords from labeled images",
    "inspect": "describe TFRecords and recommend model flags for them",
    "synth": "draw images of text, to train on",
    "train": "train a model on TFRecords",
    "test": "measure the accuracy of a model on TFRecords",
    "predict": "read the text in images",
    "export": "export a model as a SavedModel, a frozen graph, a TFLite or an ONNX model",
    "benchmark": "measure how fast a model or an export reads",
    "serve": "serve a model over HTTP: TensorFlow Serving's REST, and a page",
}
"""The purpose of each command, in the order of `aocr --help`. The module of the same name in
`aocr.cli.commands` has its flags (`add_flags`), and turns their values into a task (`task`)."""

EXIT_BROKEN_PIPE = 141
"""The program that reads stdout has ended, as in `aocr predict | head -1`: 128 plus the number of
SIGPIPE, as shells have it for a program that this signal ends."""


def run(arguments: Sequence[str] | None) -> int:
    """Runs one command and returns its exit code.

    A stop signal ends the process at once until the command starts; then it interrupts it.

    Args:
        arguments: the command line without the program's name; None for that of the process.

    Raises:
        SystemExit: the arguments are wrong (exit code 2) or ask for help.
    """
    try:
        args = parse(arguments)
        task: Task = args.task(args)
        check_paths(task.inputs, task.outputs, task.log_path)
        _start_log_and_tensorflow(task, args.verbose)
    except BrokenPipeError:
        return EXIT_BROKEN_PIPE
    except UserError as error:
        print(f"aocr: {escape(str(error))}", file=sys.stderr)
        return EXIT_FAILURE
    remote = [value for name, value in vars(args).items() if name not in URL_FLAGS]
    interruption = signals.Interruption()
    signals.set_handler(interruption)
    try:
        with signals.no_lost_interrupts():
            return _run(task, remote, interruption)
    finally:
        interruption.expect_end()
        signals.set_handler(interruption)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parses a command line; only the command that it names is imported.

    Args:
        arguments: the command line without the program's name; None for that of the process.

    Raises:
        SystemExit: the arguments are wrong (exit code 2) or ask for help.
    """
    words = _job_dir_after_command(list(sys.argv[1:] if arguments is None else arguments))
    return build_parser(words[:1]).parse_args(words)


def build_parser(names: Collection[str] = tuple(COMMANDS)) -> argparse.ArgumentParser:
    """Returns the parser; `task` of its result turns that result into a `Task`.

    Args:
        names: the commands that get their flags; the others are known by name only.
    """
    parser = CommandParser(
        prog="aocr", description="Train, test, export and run models that read text in images."
    )
    parser.add_argument("--version", action="version", version=f"aocr {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, text in COMMANDS.items():
        description = f"{text[0].upper()}{text[1:]}."
        command = commands.add_parser(name, help=text, description=description)
        if name in names:
            command.register("type", None, not_empty)  # of flags without a type: paths and names
            module = importlib.import_module(f"aocr.cli.commands.{name}")
            command.set_defaults(task=module.task)
            add_log_flags(command)
            module.add_flags(command)
    return parser


def _job_dir_after_command(words: list[str]) -> list[str]:
    """Moves a `--job-dir` that a training service puts in front of the command behind it."""
    length = 2 if words[:1] == ["--job-dir"] else 1
    if not words or words[0].partition("=")[0] != "--job-dir" or len(words) <= length:
        return words
    return [words[length], *words[:length], *words[length + 1 :]]


def _start_log_and_tensorflow(task: Task, verbose: bool) -> None:
    """Starts the log and imports TensorFlow, which takes seconds and which a remote log needs.

    Raises:
        UserError: the log cannot be written.
    """
    path = task.log_path
    try:
        if not is_remote(path):
            _start_local_log(path, verbose)
        if task.uses_tensorflow:
            import_tensorflow(path, use_gpu=task.uses_gpu)
        if is_remote(path):
            check_file_systems([path])
            log.start(path, verbose)
        streams.own_stderr()  # not before the import, which hides Python's warnings, too
    except OSError as error:
        raise UserError(f"cannot write the log --log-path={path}: {error}") from error


def _start_local_log(path: str, verbose: bool) -> None:
    """Starts the log; where the default file cannot be written, on the console only.

    Raises:
        OSError: the file of `--log-path` cannot be written.
    """
    try:
        log.start(path, verbose)
    except OSError as error:
        if path != DEFAULT_LOG:
            raise
        log.start(os.devnull, verbose)
        text = "No log file: %s cannot be written here (%s); --log-path names another."
        logging.warning(text, path, error.strerror or error)


def _run(task: Task, remote: Sequence[object], interruption: signals.Interruption) -> int:
    """Runs the task; turns errors into a log line and an exit code.

    Args:
        task: what the command line asks for.
        remote: values of flags, some of which may be remote paths.
        interruption: the handler that knows whether a stop signal has arrived.
    """
    try:
        check_file_systems(remote)
        return task.run() or 0
    except KeyboardInterrupt:
        return _end_interrupted()
    except BrokenPipeError:
        logging.info("The program that reads stdout has ended.", extra={log.FILE_ONLY: True})
        return EXIT_BROKEN_PIPE
    except Exception as error:
        if interruption.has_arrived:  # TensorFlow replaces KeyboardInterrupt in some places
            return _end_interrupted()
        if isinstance(error, UserError):
            _log_failure(str(error))
            return EXIT_USAGE if isinstance(error, UsageError) else EXIT_FAILURE
        _log_failure(
            f"{type(error).__name__}: {first_line(error)} (the traceback is in {task.log_path})"
        )
        return EXIT_FAILURE


def _end_interrupted() -> int:
    logging.error(signals.INTERRUPTED)
    logging.getLogger("tensorflow").disabled = True  # it complains of graphs that are half built
    return EXIT_INTERRUPTED


def _log_failure(reason: str) -> None:
    """Logs the reason on the console and the traceback in the log file only."""
    logging.error(reason)
    logging.getLogger(log.TRACEBACKS).error("Traceback:", exc_info=True)
