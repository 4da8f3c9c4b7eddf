"""Puts a SavedModel into a folder, even while a server loads the SavedModel that it replaces.

A program that loads a SavedModel reads `saved_model.pb` first, and the weights a moment later, by
default from `variables/variables.*`. If both were replaced between the two, it would read the
weights of another model. Therefore there are two places for weights, and an export uses the one
that the SavedModel in the folder does not use. Its weights are written first, then
`saved_model.pb` is replaced by one rename. The replaced weights stay until the next export.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from aocr.exports.formats import GRAPH_FILES
from aocr.util.paths.files import names_in, remove

GRAPH = GRAPH_FILES["savedmodel"]

TEXT_GRAPH = "saved_model.pbtxt"

FINGERPRINT = "fingerprint.pb"

VARIABLES = "variables"

NAMES = (GRAPH, TEXT_GRAPH, FINGERPRINT, VARIABLES)
"""The files and folders that belong to a SavedModel."""

FIRST_PLACE = "variables"
"""Prefix of the files that hold the weights. Loaders refuse a folder without them."""

SUFFIX = "-2"

SECOND_PLACE = FIRST_PLACE + SUFFIX
"""Prefix of the files that hold the weights instead, if the graph contains `PREFIX_NODE`."""

UNKNOWN_FIELD = b"\xfa\x7f"
"""Tag of the field 2047, of bytes, which `SavedModel` does not have."""

PREFIX_NODE = "second_place_of_weights"
"""Name of the node that appends `SUFFIX` to the prefix that the loader passes to the graph."""


def install(source: str, folder: str) -> None:
    """Moves a SavedModel into an existing folder, in place of the one that it may hold.

    Args:
        source: folder with a SavedModel as TensorFlow writes it; remains empty.
        folder: the folder to put it into.

    Raises:
        tf.errors.OpError: a file cannot be moved.
    """
    place = _unused_place(folder)
    if place == SECOND_PLACE:
        saved = read(source)
        for meta_graph in saved.meta_graphs:
            _restore_from_second_place(meta_graph)
        write(source, saved)
    weights = _move_weights(source, folder, place)
    _pad_to_size_of(posixpath.join(folder, GRAPH), posixpath.join(source, GRAPH))
    _move(posixpath.join(source, GRAPH), posixpath.join(folder, GRAPH))
    _remove_leftovers(folder, weights, place)


def read(folder: str) -> saved_model_pb2.SavedModel:
    """Reads `saved_model.pb`.

    Raises:
        DecodeError: the file is damaged.
        tf.errors.OpError: the file cannot be read.
    """
    with tf.io.gfile.GFile(posixpath.join(folder, GRAPH), "rb") as file:
        return saved_model_pb2.SavedModel.FromString(file.read())


def write(folder: str, saved: saved_model_pb2.SavedModel) -> None:
    """Writes `saved_model.pb` into a folder that nobody else uses."""
    with tf.io.gfile.GFile(posixpath.join(folder, GRAPH), "wb") as file:
        file.write(saved.SerializeToString())


def _pad_to_size_of(replaced: str, graph: str) -> None:
    """Makes a graph file at least as large as the one that it will replace, if there is one.

    TensorFlow opens a file and then asks for the size of the file of that name: if the file was
    replaced by a smaller one in between, it reads only a part of the first. Readers skip a field
    that they do not know.
    """
    if not tf.io.gfile.exists(replaced):
        return
    missing = tf.io.gfile.stat(replaced).length - tf.io.gfile.stat(graph).length
    if missing > 0:
        with tf.io.gfile.GFile(graph, "ab") as file:
            file.write(UNKNOWN_FIELD + _varint(missing) + bytes(missing))


def _varint(number: int) -> bytes:
    """Returns a number as protocol buffers write it."""
    low, high = number & 127, number >> 7
    return bytes([low | 128]) + _varint(high) if high else bytes([low])


def _unused_place(folder: str) -> str:
    """Returns the place of weights that the SavedModel in a folder does not use."""
    index = posixpath.join(folder, VARIABLES, f"{FIRST_PLACE}.index")
    if not tf.io.gfile.exists(index) or not tf.io.gfile.exists(posixpath.join(folder, GRAPH)):
        return FIRST_PLACE
    try:
        graphs = [meta_graph.graph_def for meta_graph in read(folder).meta_graphs]
    except DecodeError:
        return SECOND_PLACE
    names = {node.name for graph in graphs for node in graph.node}
    return FIRST_PLACE if PREFIX_NODE in names else SECOND_PLACE


def _restore_from_second_place(meta_graph: meta_graph_pb2.MetaGraphDef) -> None:
    """Changes a graph so that it restores its weights from `SECOND_PLACE`."""
    prefix = meta_graph.saver_def.filename_tensor_name.removesuffix(":0")
    with tf.Graph().as_default() as graph:
        given = tf.compat.v1.placeholder(tf.string, [], name=prefix)
        tf.strings.join([given, SUFFIX], name=PREFIX_NODE)
    nodes = meta_graph.graph_def.node
    for node in nodes:
        if node.op == "RestoreV2" and node.input[0] == prefix:
            node.input[0] = PREFIX_NODE
    nodes.extend(node for node in graph.as_graph_def().node if node.name != prefix)


def _move_weights(source: str, folder: str, place: str) -> set[str]:
    """Moves the weights into a place of a folder, and returns the names of their files there."""
    tf.io.gfile.makedirs(posixpath.join(folder, VARIABLES))
    weights = set()
    for name in sorted(names_in(posixpath.join(source, VARIABLES))):
        new_name = place + name.removeprefix(FIRST_PLACE)
        _move(posixpath.join(source, VARIABLES, name), posixpath.join(folder, VARIABLES, new_name))
        weights.add(new_name)
    return weights


def _move(source: str, target: str) -> None:
    tf.io.gfile.rename(source, target, overwrite=True)


def _remove_leftovers(folder: str, weights: set[str], place: str) -> None:
    """Removes what earlier SavedModels left, except for the weights in the other place."""
    other = FIRST_PLACE if place == SECOND_PLACE else SECOND_PLACE
    variables = posixpath.join(folder, VARIABLES)
    for name in names_in(variables):
        if name not in weights and not name.startswith(f"{other}."):
            remove(posixpath.join(variables, name))
    for name in (TEXT_GRAPH, FINGERPRINT):
        remove(posixpath.join(folder, name))


NAMES_FOR_DEBUGGING = {"VarHandleOp": "debug_name"}
"""Attributes without any effect that TensorFlow 1 lacks, by their operations."""


def without_default_attributes(graph_def: tf.compat.v1.GraphDef) -> tf.compat.v1.GraphDef:
    """Returns a graph without the attributes that have their default values."""
    meta_graph = tf.compat.v1.train.export_meta_graph(
        graph=tf.Graph(), graph_def=graph_def, strip_default_attrs=True
    )
    return meta_graph.graph_def


def remove_names_for_debugging(graph_def: tf.compat.v1.GraphDef) -> None:
    """Removes the attributes of `NAMES_FOR_DEBUGGING`."""
    for node in _all_nodes(graph_def):
        node.attr.pop(NAMES_FOR_DEBUGGING.get(node.op, ""), None)


def _all_nodes(graph_def: tf.compat.v1.GraphDef) -> Iterator[tf.compat.v1.NodeDef]:
    """Yields the nodes of a graph, and those of its functions."""
    yield from graph_def.node
    for function in graph_def.library.function:
        yield from function.node_def
