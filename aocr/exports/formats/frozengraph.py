"""Exports a frozen graph: one file that holds the graph with the weights as constants."""

from __future__ import annotations

import logging

import tensorflow as tf

from aocr.exports.formats import GRAPH_FILES, savedmodel_files
from aocr.exports.formats.common import ExportFormat, SingleFile
from aocr.inference import names
from aocr.inference.signatures import ServingSession

FILE = SingleFile(GRAPH_FILES["frozengraph"])

OUTPUTS = (
    names.PREDICTION_OUTPUT,
    names.PROBABILITY_OUTPUT,
    names.SYMBOL_IDS,
    names.STEP_PROBABILITIES,
)
"""Names of the operations that clients fetch (docs/compatibility.md, "Graph names")."""

SEARCH_OUTPUTS = (
    names.READINGS,
    names.READING_PROBABILITIES,
    names.READINGS_ARE_EXACT,
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
    FILE.write(folder, savedmodel_files.without_default_attributes(frozen).SerializeToString())


def load(folder: str) -> ServingSession:
    """Loads a frozen graph in the way that a client does, which knows its operations by name."""
    graph_def = tf.compat.v1.GraphDef.FromString(FILE.read(folder))
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
    return ServingSession(
        session=tf.compat.v1.Session(graph=graph),
        input=graph.get_tensor_by_name(f"{names.IMAGE_INPUT}:0"),
        output=graph.get_tensor_by_name(f"{names.PREDICTION_OUTPUT}:0"),
        probability=graph.get_tensor_by_name(f"{names.PROBABILITY_OUTPUT}:0"),
    )


FORMAT = ExportFormat(
    name="frozengraph",
    file_names=(FILE.name,),
    replaces_without_force=True,
    write=write,
    load=load,
    install=FILE.install,
    summary=FILE.summary,
)
