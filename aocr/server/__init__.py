"""Serves a model over HTTP: TensorFlow Serving's REST, and a page for people."""
