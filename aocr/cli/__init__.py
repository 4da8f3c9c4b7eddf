"""The command line: one file a command, shared flag groups, flag types."""
