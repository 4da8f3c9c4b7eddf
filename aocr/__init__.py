"""aocr: train, measure, export and serve a reader of word images."""

__version__ = "1.0.0.dev0"
