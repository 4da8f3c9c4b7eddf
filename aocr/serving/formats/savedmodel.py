"""Exports a SavedModel, the format of TensorFlow Serving and of `tf.saved_model.load`."""

from __future__ import annotations

import logging
import posixpath

import tensorflow as tf

from aocr.model.tensor_names import SIGNATURE_IMAGES, SIGNATURE_PROBABILITY, SIGNATURE_TEXT
from aocr.serving.formats import savedmodel_files, tensorflow_1
from aocr.serving.formats.export_format import ExportFormat
from aocr.serving.serving_session import ServingSession
from aocr.util.files import remove

SIGNATURE = tf.compat.v1.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY
TAG = tf.compat.v1.saved_model.SERVING


def write(serving: ServingSession, folder: str) -> None:
    """Writes a SavedModel with the tag `serve` and the signature `serving_default`.

    The signature's outputs have the shape of its input (docs/compatibility.md, "Graph names").
    No operation is pinned to a device.
    """
    logging.info("Creating a SavedModel.")
    saved_model = tf.compat.v1.saved_model
    with serving.session.graph.as_default():
        builder = saved_model.Builder(folder)
        builder.add_meta_graph_and_variables(
            serving.session,
            [TAG],
            {SIGNATURE: _build_signature(serving)},
            clear_devices=True,
            strip_default_attrs=True,
        )
    builder.save()
    _make_loadable_by_tensorflow_1(folder)


def _make_loadable_by_tensorflow_1(folder: str) -> None:
    """Rewrites the graph in the file, and removes the fingerprint of the graph as it was before."""
    saved = savedmodel_files.read(folder)
    for meta_graph in saved.meta_graphs:
        tensorflow_1.remove_names_for_debugging(meta_graph.graph_def)
    savedmodel_files.write(folder, saved)
    remove(posixpath.join(folder, savedmodel_files.FINGERPRINT))


def _build_signature(serving: ServingSession):
    saved_model = tf.compat.v1.saved_model
    tensor_info = saved_model.build_tensor_info
    return saved_model.build_signature_def(
        inputs={SIGNATURE_IMAGES: tensor_info(serving.input)},
        outputs={
            SIGNATURE_TEXT: tensor_info(serving.output),
            SIGNATURE_PROBABILITY: tensor_info(serving.probability),
            **{key: tensor_info(tensor) for key, tensor in serving.search_outputs.items()},
        },
        method_name=saved_model.PREDICT_METHOD_NAME,
    )


def load(folder: str) -> ServingSession:
    """Loads a SavedModel in the way that a client of its signature does."""
    session = tf.compat.v1.Session(graph=tf.Graph())
    meta_graph = tf.compat.v1.saved_model.load(session, [TAG], folder)
    signature = meta_graph.signature_def[SIGNATURE]
    tensor = session.graph.get_tensor_by_name
    return ServingSession(
        session=session,
        input=tensor(signature.inputs[SIGNATURE_IMAGES].name),
        output=tensor(signature.outputs[SIGNATURE_TEXT].name),
        probability=tensor(signature.outputs[SIGNATURE_PROBABILITY].name),
    )


def summary(folder: str) -> str:
    """Returns the line to log at the end (docs/compatibility.md, "Log lines")."""
    return f"Exported SavedModel into {folder}"


FORMAT = ExportFormat(
    file_names=savedmodel_files.NAMES,
    replaces_without_force=False,
    write=write,
    load=load,
    install=savedmodel_files.install,
    summary=summary,
)
