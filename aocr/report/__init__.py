"""Writes the outputs of a test: HTML page, plots, mistakes, attention, predictions file."""

PAGE = "index.html"
"""File name of the HTML page; known without TensorFlow, so that its path can be checked early."""
