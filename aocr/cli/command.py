"""Runs one command: sets up the log and signals, turns errors into a line and an exit code."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from aocr.cli.exit_codes import EXIT_BROKEN_PIPE, EXIT_FAILURE, EXIT_INTERRUPTED, EXIT_USAGE
from aocr.cli.flags.common import URL_FLAGS
from aocr.cli.parser import parse
from aocr.util.errors import UsageError, UserError, first_line
from aocr.util.paths.checks import check_paths, is_remote
from aocr.util.paths.remote import check_file_systems
from aocr.util.terminal import log, signals, streams
from aocr.util.terminal.tensorflow_import import import_tensorflow
from aocr.util.text.characters import escape


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
        args.log_path = args.own_log_path(args)
        check_paths(args.paths(args))
        _start_log_and_tensorflow(args)
    except BrokenPipeError:
        return EXIT_BROKEN_PIPE
    except UserError as error:
        print(f"aocr: {escape(str(error))}", file=sys.stderr)
        return EXIT_FAILURE
    interruption = signals.Interruption()
    signals.set_handler(interruption)
    try:
        with signals.no_lost_interrupts():
            return _run(args, interruption)
    finally:
        interruption.expect_end()
        signals.set_handler(interruption)


def _start_log_and_tensorflow(args: argparse.Namespace) -> None:
    """Starts the log and imports TensorFlow, which takes seconds and which a remote log needs.

    Raises:
        UserError: the log cannot be written.
    """
    try:
        if not is_remote(args.log_path):
            log.start(args.log_path)
        if args.uses_tensorflow(args):
            import_tensorflow(args.log_path, use_gpu=args.uses_gpu)
        if is_remote(args.log_path):
            check_file_systems([args.log_path])
            log.start(args.log_path)
        streams.own_stderr()  # not before the import, which hides Python's warnings, too
    except OSError as error:
        raise UserError(f"cannot write the log --log-path={args.log_path}: {error}") from error


def _run(args: argparse.Namespace, interruption: signals.Interruption) -> int:
    """Runs the command; turns errors into a log line and an exit code."""
    try:
        check_file_systems(value for name, value in vars(args).items() if name not in URL_FLAGS)
        return args.run(args)
    except KeyboardInterrupt:
        return _end_interrupted()
    except BrokenPipeError:
        logging.info("The program that reads stdout has ended.", extra={log.FILE_ONLY: True})
        return EXIT_BROKEN_PIPE
    except Exception as error:
        if interruption.has_arrived:  # TensorFlow replaces KeyboardInterrupt in some places
            return _end_interrupted()
        if isinstance(error, UserError):
            _fail(str(error))
            return EXIT_USAGE if isinstance(error, UsageError) else EXIT_FAILURE
        return _fail(
            f"{type(error).__name__}: {first_line(error)} (the traceback is in {args.log_path})"
        )


def _end_interrupted() -> int:
    logging.error(signals.INTERRUPTED)
    logging.getLogger("tensorflow").disabled = True  # it complains of graphs that are half built
    return EXIT_INTERRUPTED


def _fail(reason: str) -> int:
    """Logs the reason on the console and the traceback in the log file only."""
    logging.error(reason)
    logging.getLogger(log.TRACEBACKS).error("Traceback:", exc_info=True)
    return EXIT_FAILURE
