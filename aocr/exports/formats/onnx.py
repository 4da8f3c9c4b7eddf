"""Exports an ONNX model, for ONNX Runtime and others, with `tf2onnx` (the extra `aocr[onnx]`)."""

from __future__ import annotations

import importlib
import logging
from typing import Any

import numpy as np

from aocr.exports.formats import GRAPH_FILES
from aocr.exports.formats.common import ExportFormat, SingleFile
from aocr.exports.formats.pixels_graph import OUTPUTS, PixelsReader, build_pixels_graph
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


class ONNXReader(PixelsReader):
    """Reads with ONNX Runtime on the CPU.

    Args:
        folder: the folder of the export.
    """

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self._session = _imported("onnxruntime").InferenceSession(
            FILE.read(folder), providers=["CPUExecutionProvider"]
        )

    def run(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Returns the outputs for one image, by their names."""
        return dict(zip(OUTPUTS, self._session.run(OUTPUTS, inputs), strict=True))


FORMAT = ExportFormat(
    name="onnx",
    file_names=(FILE.name,),
    replaces_without_force=True,
    write=write,
    load=ONNXReader,
    install=FILE.install,
    summary=FILE.summary,
    has_signatures=True,
)
