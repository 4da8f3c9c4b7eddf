"""Writes the outputs of a test: HTML page, plots, mistakes, attention, predictions file."""
