"""Exports a TFLite model, for phones and small devices: one file with built-in operations only."""

from __future__ import annotations

import contextlib
import functools
import importlib
import logging
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from aocr.exports.formats import GRAPH_FILES, INT8
from aocr.exports.formats.common import ExportFormat, SingleFile
from aocr.exports.formats.pixels_graph import (
    OUTPUTS,
    PixelsGraph,
    PixelsReader,
    build_pixels_graph,
    single_images,
)
from aocr.exports.formats.runtime import Outputs, Run, Runtime
from aocr.inference.signatures import ServingSession

FILE = SingleFile(GRAPH_FILES["tflite"])

CALIBRATION_IMAGES = 200
"""Number of images, the first of a dataset, that the ranges of an `INT8` model are measured on."""


class Quantization(NamedTuple):
    """Defines how numbers are stored.

    Attributes:
        kind: one of `formats.QUANTIZATIONS`.
        calibration: encoded images that the ranges of `INT8` are measured on.
    """

    kind: str
    calibration: list[bytes]


def quantized(quantization: Quantization) -> ExportFormat:
    """Returns the format for a quantization."""
    return FORMAT._replace(write=functools.partial(write, quantization=quantization))


def write(serving: ServingSession, folder: str, quantization: Quantization | None = None) -> None:
    """Writes the model; without a quantization its numbers are float32."""
    logging.info("Creating a TFLite model.")
    FILE.write(folder, _convert(build_pixels_graph(serving), serving, quantization))


def _convert(
    pixels_graph: PixelsGraph, serving: ServingSession, quantization: Quantization | None
) -> bytes:
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        tf.import_graph_def(pixels_graph.graph_def, name="")
        inputs, outputs = (
            [graph.get_tensor_by_name(f"{name}:0") for name in names]
            for names in (pixels_graph.inputs, OUTPUTS)
        )
        converter = tf.compat.v1.lite.TFLiteConverter.from_session(session, inputs, outputs)
        if quantization:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if quantization and quantization.kind == INT8:
            converter.representative_dataset = functools.partial(
                _calibration, pixels_graph, serving, quantization.calibration
            )
            # the second set is for what counts, such as the length of a text
            operations = tf.lite.OpsSet
            converter.target_spec.supported_ops = [
                operations.TFLITE_BUILTINS_INT8,
                operations.TFLITE_BUILTINS,
            ]
        return converter.convert()


def _calibration(
    pixels_graph: PixelsGraph, serving: ServingSession, images: list[bytes]
) -> Iterator[list[np.ndarray]]:
    """Yields the inputs of each calibration image, in their order."""
    for image in images:
        for inputs in single_images(serving.prepare([image])):
            yield [inputs[name] for name in pixels_graph.inputs]


def load(folder: str) -> PixelsReader:
    """Reads with TensorFlow's interpreter, or with that of `ai-edge-litert` if it is installed.

    Args:
        folder: the folder of the export.
    """
    return PixelsReader(folder, Runtime("TensorFlow Lite", __name__, FILE.read(folder)))


def open_model(content: bytes) -> Run:
    """Returns the function that runs a model."""
    interpreter = open_interpreter(content)
    interpreter.allocate_tensors()
    input_indices = _indices(interpreter.get_input_details())
    output_indices = _indices(interpreter.get_output_details())

    def run(inputs: dict[str, np.ndarray]) -> Outputs:
        for name, index in input_indices.items():
            interpreter.set_tensor(index, inputs[name])
        interpreter.invoke()
        return {name: interpreter.get_tensor(index) for name, index in output_indices.items()}

    return run


def _indices(details: list[dict[str, Any]]) -> dict[str, int]:
    return {each["name"]: each["index"] for each in details}


def open_interpreter(model: bytes) -> Any:
    """Returns an interpreter of `ai-edge-litert`, or of TensorFlow."""
    with contextlib.suppress(ImportError):
        return importlib.import_module("ai_edge_litert.interpreter").Interpreter(
            model_content=model
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it recommends ai-edge-litert
        return tf.lite.Interpreter(model_content=model)


FORMAT = ExportFormat(
    name="tflite",
    file_names=(FILE.name,),
    replaces_without_force=True,
    write=write,
    load=load,
    install=FILE.install,
    summary=FILE.summary,
    has_signatures=True,
)
