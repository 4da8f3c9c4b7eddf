"""The entry point of `aocr` and `python -m aocr`: sets up the log and signals, runs a command."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence

from aocr.cli.exit_codes import EXIT_FAILURE, EXIT_INTERRUPTED
from aocr.cli.parser import build_parser
from aocr.util import log
from aocr.util.errors import UserError, first_line
from aocr.util.path_checks import check_paths
from aocr.util.tensorflow_import import import_tensorflow


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code.

    TensorFlow takes seconds to import, so it is imported only after the arguments are parsed.

    Args:
        arguments: the command line without the program's name; None for that of the process.

    Raises:
        SystemExit: the arguments are wrong (exit code 2) or ask for help.
    """
    args = build_parser().parse_args(arguments)
    try:
        check_paths(args.paths(args))
        import_tensorflow(args.log_path, use_gpu=args.uses_gpu)
        log.start(args.log_path)
    except UserError as error:
        print(f"aocr: {error}", file=sys.stderr)
        return EXIT_FAILURE
    except OSError as error:
        print(f"aocr: cannot write the log --log-path={args.log_path}: {error}", file=sys.stderr)
        return EXIT_FAILURE
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that temporary files are removed
    return _run(args)


def _run(args: argparse.Namespace) -> int:
    """Runs the command; turns errors into a log line and an exit code."""
    try:
        return args.run(args)
    except UserError as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        logging.error("Interrupted.")
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the program that reads stdout has ended, as in `aocr predict | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILURE
    except Exception as error:
        return _fail(
            f"{type(error).__name__}: {first_line(error)} (the traceback is in {args.log_path})"
        )


def _fail(reason: str) -> int:
    """Logs the reason on the console and the traceback in the log file only."""
    logging.error(reason)
    logging.getLogger(log.TRACEBACKS).error("Traceback:", exc_info=True)
    return EXIT_FAILURE


if __name__ == "__main__":
    sys.exit(main())
