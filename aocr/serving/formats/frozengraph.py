"""Exports a frozen graph: one file that holds the graph with the weights as constants."""

from __future__ import annotations

import logging
import posixpath

import tensorflow as tf

from aocr.model import tensor_names
from aocr.serving.formats import GRAPH_FILES, tensorflow_1
from aocr.serving.formats.export_format import ExportFormat
from aocr.serving.serving_session import ServingSession
from aocr.util.files import write_atomically

FILE_NAME = GRAPH_FILES["frozengraph"]

OUTPUTS = (
    tensor_names.PREDICTION_OUTPUT,
    tensor_names.PROBABILITY_OUTPUT,
    tensor_names.SYMBOL_IDS,
    tensor_names.STEP_PROBABILITIES,
)
"""Names of the operations that clients fetch (docs/compatibility.md, "Graph names")."""

SEARCH_OUTPUTS = (
    tensor_names.READINGS,
    tensor_names.READING_PROBABILITIES,
    tensor_names.READINGS_ARE_EXACT,
)
"""Names of the operations that a search adds."""


def write(serving: ServingSession, folder: str) -> None:
    """Writes the part of the graph that the outputs need, its variables turned into constants."""
    logging.info("Creating a frozen graph.")
    graph = serving.session.graph
    with graph.as_default():
        frozen = tf.compat.v1.graph_util.convert_variables_to_constants(
            serving.session,
            graph.as_graph_def(),
            [*OUTPUTS, *(SEARCH_OUTPUTS if serving.search_outputs else ())],
        )
    tf.io.gfile.makedirs(folder)
    with tf.io.gfile.GFile(_path_in(folder), "wb") as file:
        file.write(tensorflow_1.without_default_attributes(frozen).SerializeToString())


def load(folder: str) -> ServingSession:
    """Loads a frozen graph in the way that a client does, which knows its operations by name."""
    with tf.io.gfile.GFile(_path_in(folder), "rb") as file:
        graph_def = tf.compat.v1.GraphDef.FromString(file.read())
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
    return ServingSession(
        session=tf.compat.v1.Session(graph=graph),
        input=graph.get_tensor_by_name(f"{tensor_names.IMAGE_INPUT}:0"),
        output=graph.get_tensor_by_name(f"{tensor_names.PREDICTION_OUTPUT}:0"),
        probability=graph.get_tensor_by_name(f"{tensor_names.PROBABILITY_OUTPUT}:0"),
    )


def install(source: str, folder: str) -> None:
    """Puts the frozen graph into a folder; it appears there complete, or not at all."""
    with tf.io.gfile.GFile(_path_in(source), "rb") as file:
        write_atomically(_path_in(folder), file.read())


def summary(folder: str) -> str:
    """Returns the line to log at the end (docs/compatibility.md, "Log lines")."""
    return f"Exported as {_path_in(folder)}"


def _path_in(folder: str) -> str:
    return posixpath.join(folder, FILE_NAME)


FORMAT = ExportFormat(
    name="frozengraph",
    file_names=(FILE_NAME,),
    replaces_without_force=True,
    write=write,
    load=load,
    install=install,
    summary=summary,
)
