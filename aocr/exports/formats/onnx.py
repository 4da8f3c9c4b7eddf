"""Exports an ONNX model, for ONNX Runtime and others, with `tf2onnx` (the extra `aocr[onnx]`)."""

from __future__ import annotations

import importlib
import logging
from typing import Any

from aocr.exports.formats import GRAPH_FILES
from aocr.exports.formats.common import ExportFormat, SingleFile
from aocr.exports.formats.pixels_graph import OUTPUTS, PixelsReader, build_pixels_graph
from aocr.exports.formats.runtime import Run, Runtime
from aocr.inference.signatures import ServingSession
from aocr.util.errors import UserError

FILE = SingleFile(GRAPH_FILES["onnx"])

OPSET = 17
"""Version of the set of operations; runtimes since 2022 have it."""


def write(serving: ServingSession, folder: str) -> None:
    """Writes the model.

    Raises:
        UserError: the extra is not installed.
    """
    convert = _imported("tf2onnx").convert.from_graph_def
    logging.info("Creating an ONNX model.")
    pixels_graph = build_pixels_graph(serving)
    inputs, outputs = ([f"{name}:0" for name in names] for names in (pixels_graph.inputs, OUTPUTS))
    model, _ = convert(
        pixels_graph.graph_def, input_names=inputs, output_names=outputs, opset=OPSET
    )
    _rename(model.graph, {f"{name}:0": name for name in (*pixels_graph.inputs, *OUTPUTS)})
    FILE.write(folder, model.SerializeToString())


def _imported(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UserError(
            f"--format=onnx needs {module}: install it with pip install 'aocr[onnx]'"
        ) from error


def _rename(graph: Any, names: dict[str, str]) -> None:
    """Gives inputs and outputs of an ONNX graph other names."""
    for value in (*graph.input, *graph.output):
        value.name = names.get(value.name, value.name)
    for node in graph.node:
        for ends in (node.input, node.output):
            ends[:] = [names.get(name, name) for name in ends]


def load(folder: str) -> PixelsReader:
    """Reads with ONNX Runtime on the CPU.

    Args:
        folder: the folder of the export.

    Raises:
        UserError: the extra is not installed.
    """
    _imported("onnxruntime")
    return PixelsReader(folder, Runtime("ONNX Runtime", __name__, FILE.read(folder)))


def open_model(content: bytes) -> Run:
    """Returns the function that runs a model."""
    session = _imported("onnxruntime").InferenceSession(content, providers=["CPUExecutionProvider"])
    return lambda inputs: dict(zip(OUTPUTS, session.run(OUTPUTS, inputs), strict=True))


FORMAT = ExportFormat(
    name="onnx",
    file_names=(FILE.name,),
    replaces_without_force=True,
    write=write,
    load=load,
    install=FILE.install,
    summary=FILE.summary,
    has_signatures=True,
)
