"""Reads image files with a trained model, and exports the model for other programs."""

DEFAULT_MODEL_NAME = "aocr"
"""Name of the model in requests to a server."""
