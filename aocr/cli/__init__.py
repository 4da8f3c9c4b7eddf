"""The command line: one module per command, shared flags, and the types of flags."""
