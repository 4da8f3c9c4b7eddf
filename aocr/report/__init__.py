"""The outputs of a test: HTML page, plots, mistakes, attention pictures, predictions file."""
