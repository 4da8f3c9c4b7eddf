"""Builds the graph that reads images, and holds sessions of it."""

DEFAULT_MODEL_NAME = "aocr"
"""Name of the model in requests to a server."""
