"""Exit codes of the commands; argparse itself exits with `EXIT_USAGE`."""

EXIT_OK = 0
EXIT_FAILURE = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
"""128 plus the number of SIGINT, as shells have it."""
