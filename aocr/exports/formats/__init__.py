"""Lists the formats that a model can be exported in.

The names are known without importing TensorFlow, so that `aocr --help` can print them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aocr.exports.formats.common import ExportFormat

MODULES = {
    "savedmodel": "aocr.exports.formats.savedmodel",
    "frozengraph": "aocr.exports.formats.frozengraph",
    "tflite": "aocr.exports.formats.tflite",
    "onnx": "aocr.exports.formats.onnx",
}
"""The module of each format, which defines `FORMAT`. To add a format, add its module here,
and its file to `GRAPH_FILES`."""

GRAPH_FILES = {
    "savedmodel": "saved_model.pb",
    "frozengraph": "frozen_graph.pb",
    "tflite": "model.tflite",
    "onnx": "model.onnx",
}
"""The file of each format that holds the graph."""

NAMES = tuple(MODULES)
DEFAULT = "savedmodel"

SEARCHING = ("savedmodel", "frozengraph")
"""The formats that can hold a search: its loops end when the data says so, and are not unrolled."""

QUANTIZATIONS = DYNAMIC, INT8 = ("dynamic", "int8")
"""Lists the ways to quantize a TFLite model: its weights only, or its computations as well."""

DEFAULT_MAX_ACCURACY_LOSS = 0.01


def load_format(name: str) -> ExportFormat:
    """Returns the format with this name, one of `NAMES`. Imports TensorFlow."""
    return importlib.import_module(MODULES[name]).FORMAT
