"""The console, the log, signals and standard streams."""
