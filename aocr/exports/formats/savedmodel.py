"""Exports a SavedModel, the format of TensorFlow Serving and of `tf.saved_model.load`."""

from __future__ import annotations

import logging
import posixpath

import tensorflow as tf

from aocr.exports.formats import savedmodel_files
from aocr.exports.formats.common import ExportFormat
from aocr.inference.names import (
    DEFAULT_SIGNATURE,
    SIGNATURE_IMAGES,
    SIGNATURE_PROBABILITY,
    SIGNATURE_TEXT,
)
from aocr.inference.signatures import ServingSession, Signature
from aocr.util.paths.files import remove

TAG = tf.compat.v1.saved_model.SERVING


def write(serving: ServingSession, folder: str) -> None:
    """Writes a SavedModel with the tag `serve`, `serving_default` and the session's signatures.

    The outputs of `serving_default` have the shape of its input (docs/compatibility.md, "Graph
    names").
    No operation is pinned to a device.
    """
    logging.info("Creating a SavedModel.")
    saved_model = tf.compat.v1.saved_model
    with serving.session.graph.as_default():
        builder = saved_model.Builder(folder)
        builder.add_meta_graph_and_variables(
            serving.session,
            [TAG],
            serving.definitions(),
            clear_devices=True,
            strip_default_attrs=True,
        )
    builder.save()
    _make_loadable_by_tensorflow_1(folder)


def _make_loadable_by_tensorflow_1(folder: str) -> None:
    """Rewrites the graph in the file, and removes the fingerprint of the graph as it was before."""
    saved = savedmodel_files.read(folder)
    for meta_graph in saved.meta_graphs:
        savedmodel_files.remove_names_for_debugging(meta_graph.graph_def)
    savedmodel_files.write(folder, saved)
    remove(posixpath.join(folder, savedmodel_files.FINGERPRINT))


def load(folder: str, session: tf.compat.v1.Session | None = None) -> ServingSession:
    """Loads a SavedModel in the way that a client of its signatures does.

    Args:
        folder: the folder of the SavedModel.
        session: the session to load it into, with an empty graph; None opens one.
    """
    session = session or tf.compat.v1.Session(graph=tf.Graph())
    with session.graph.as_default():
        meta_graph = tf.compat.v1.saved_model.load(session, [TAG], folder)

    def tensors(infos) -> dict[str, tf.Tensor]:
        return {key: session.graph.get_tensor_by_name(info.name) for key, info in infos.items()}

    signatures = {
        name: Signature(name, tensors(each.inputs), tensors(each.outputs))
        for name, each in meta_graph.signature_def.items()
    }
    default = signatures.pop(DEFAULT_SIGNATURE)
    answers = (SIGNATURE_TEXT, SIGNATURE_PROBABILITY)
    return ServingSession(
        session=session,
        input=default.inputs[SIGNATURE_IMAGES],
        output=default.outputs[SIGNATURE_TEXT],
        probability=default.outputs[SIGNATURE_PROBABILITY],
        search_outputs={key: each for key, each in default.outputs.items() if key not in answers},
        signatures=tuple(signatures.values()),
        loaded_definitions=dict(meta_graph.signature_def),
    )


def summary(folder: str) -> str:
    """Returns the line to log at the end (docs/compatibility.md, "Log lines")."""
    return f"Exported SavedModel into {folder}"


FORMAT = ExportFormat(
    name="savedmodel",
    file_names=savedmodel_files.NAMES,
    replaces_without_force=False,
    write=write,
    load=load,
    install=savedmodel_files.install,
    summary=summary,
    has_signatures=True,
)
