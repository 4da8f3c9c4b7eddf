"""Exit codes of the commands; argparse itself exits with 2 after a usage error."""

EXIT_OK = 0
EXIT_FAILURE = 1
EXIT_INTERRUPTED = 130
"""128 plus the number of SIGINT, as shells have it."""
