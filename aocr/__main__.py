"""The entry point of `aocr` and `python -m aocr`."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code.

    All other modules are imported here, so that Ctrl-C during their import is handled, too.

    Args:
        arguments: the command line without the program's name; None for that of the process.

    Raises:
        SystemExit: the arguments are wrong (exit code 2) or ask for help.
    """
    try:
        from aocr.util.terminal import signals

        signals.set_handler(signals.end_process)
        signals.ignore_at_the_very_end()
        from aocr.util.terminal import streams

        streams.fill_closed_streams()
        from aocr.cli.command import run

        return run(arguments)
    except KeyboardInterrupt:  # before the handler was set
        print("Interrupted.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
