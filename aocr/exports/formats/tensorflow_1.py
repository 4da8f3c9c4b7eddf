"""Removes from exported graphs what TensorFlow 1 does not know, so that its programs load them.

TensorFlow 1.15 refuses a node that has an attribute which its own version of the operation lacks.
Newer versions write such attributes, but need them only where they differ from their defaults. The
serving graph uses no operation that 1.15 lacks.
"""

from __future__ import annotations

from collections.abc import Iterator

import tensorflow as tf

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
