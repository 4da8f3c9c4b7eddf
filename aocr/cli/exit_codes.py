"""Exit codes of the commands; argparse itself exits with `EXIT_USAGE`."""

from aocr.util.terminal.signals import EXIT_INTERRUPTED

__all__ = ["EXIT_BROKEN_PIPE", "EXIT_FAILURE", "EXIT_INTERRUPTED", "EXIT_OK", "EXIT_USAGE"]

EXIT_OK = 0
EXIT_FAILURE = 1
EXIT_USAGE = 2
EXIT_BROKEN_PIPE = 141
"""The program that reads stdout has ended, as in `aocr predict | head -1`: 128 plus the number of
SIGPIPE, as shells have it for a program that this signal ends."""
