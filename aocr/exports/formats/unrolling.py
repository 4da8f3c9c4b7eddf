"""Turns a frozen graph with loops into one without: every step of every loop gets its own nodes.

Runtimes for small devices compute such graphs with their built-in operations. They have no lists of
tensors, in which the loops collect what each step gives, and no float64. The model itself need not
know about them: the loops are found in the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.function_def_to_graph import function_def_to_graph

FOLDED: dict[str, Callable[..., np.ndarray]] = {
    "AddV2": np.add,
    "Sub": np.subtract,
    "Less": np.less,
    "LogicalAnd": np.logical_and,
    "LogicalNot": np.logical_not,
}
"""Operations on loop counters, which are computed at once, so that the loops' ends are known."""

LOOPS = ("While", "StatelessWhile")


class LoopError(ValueError):
    """Reports a loop that cannot be unrolled."""


class _List(tuple[Any, ...]):
    """Holds the tensors of a list, in place of the tensor that stands for the list in the graph."""


class Node(NamedTuple):
    """Describes an input or output of a graph.

    Attributes:
        name: the name that it gets.
        source: name of the node that it replaces, or of the node that is its value.
    """

    name: str
    source: str


def unroll(
    graph_def: tf.compat.v1.GraphDef,
    inputs: Mapping[Node, tf.TensorSpec],
    outputs: Sequence[Node],
) -> tf.compat.v1.GraphDef:
    """Returns a graph without loops and with float32 for float64.

    A loop's condition that depends on data, such as whether all texts have ended, is taken to hold:
    the loop ends when its counter says so.

    Args:
        graph_def: a graph without variables.
        inputs: types and shapes of the inputs, whose sizes are all known.
        outputs: each node has one output.

    Raises:
        LoopError: the number of steps of a loop depends on data.
    """
    sources = [node.source for node in outputs]
    with tf.Graph().as_default() as source:
        tf.import_graph_def(tf.compat.v1.graph_util.extract_sub_graph(graph_def, sources), name="")
    functions = {each.signature.name: each for each in graph_def.library.function}
    with tf.Graph().as_default() as target:
        values = {
            f"{node.source}:0": tf.compat.v1.placeholder(spec.dtype, spec.shape, node.name)
            for node, spec in inputs.items()
        }
        _Copier(functions).copy(source, values)
        for node in outputs:
            tf.identity(values[f"{node.source}:0"], name=node.name)
    names = [node.name for node in (*inputs, *outputs)]
    copied = tf.compat.v1.graph_util.extract_sub_graph(target.as_graph_def(), names)
    copied.ClearField("library")
    return copied


class _Copier:
    """Copies operations into the default graph.

    Args:
        functions: the definitions of the loops' conditions and bodies, by their names.
    """

    def __init__(self, functions: Mapping[str, Any]) -> None:
        self._definitions = functions
        self._graphs: dict[str, Any] = {}

    def copy(self, source: tf.Graph, values: dict[str, Any]) -> None:
        """Copies all operations of a graph.

        Args:
            source: its operations are in an order in which they can be computed.
            values: the copies of its tensors by their names; those that are there already stay.
        """
        for operation in source.get_operations():
            names = [tensor.name for tensor in operation.outputs]
            if names and names[0] not in values:
                inputs = [values[tensor.name] for tensor in operation.inputs]
                values.update(zip(names, self._copies(operation, inputs), strict=True))

    def _copies(self, operation: tf.Operation, inputs: list[Any]) -> Sequence[Any]:
        """Returns what the copies of an operation give."""
        if operation.type in LOOPS:
            return self._steps(operation, inputs)
        if operation.type in LISTS:
            return [LISTS[operation.type](*inputs)]
        if operation.type == "Identity":
            return inputs
        if operation.type == "ReverseSequence" and inputs[0].shape[_batch_axis(operation)] == 1:
            return [_reverse_one(operation, *inputs)]
        folded = _fold(operation, inputs)
        return [folded] if folded is not None else _copy(operation, inputs)

    def _steps(self, loop: tf.Operation, state: Sequence[Any]) -> Sequence[Any]:
        """Copies the body of a loop as often as it runs."""
        while True:
            (goes_on,) = self._call(loop.get_attr("cond").name, state)
            known = tf.get_static_value(goes_on)
            if known is not None and not known:
                return state
            state = self._call(loop.get_attr("body").name, state)

    def _call(self, function: str, inputs: Sequence[Any]) -> Sequence[Any]:
        if function not in self._graphs:
            with tf.Graph().as_default():
                self._graphs[function] = function_def_to_graph(self._definitions[function])
        graph = self._graphs[function]
        values = {each.name: value for each, value in zip(graph.inputs, inputs, strict=True)}
        self.copy(graph, values)
        return [values[each.name] for each in graph.outputs]


def _fold(operation: tf.Operation, inputs: list[Any]) -> tf.Tensor | None:
    """Returns the result of an operation on loop counters and sizes as a constant.

    It is None if a number is not known, and for all other operations.
    """
    kind, known = operation.type, [tf.get_static_value(each) for each in inputs]
    if kind == "LogicalAnd" and any(each is not None and not each.any() for each in known):
        return tf.constant(False)
    if any(each is None for each in known):
        return None
    if kind == "StridedSlice" and operation.get_attr("shrink_axis_mask") and known[0].ndim == 1:
        return tf.constant(known[0][known[1][0]])
    if kind in FOLDED and not any(each.ndim for each in known):
        return tf.constant(FOLDED[kind](*known))
    return None


def _batch_axis(operation: tf.Operation) -> int:
    return operation.get_attr("batch_dim")


def _reverse_one(operation: tf.Operation, sequence: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """Reverses the one sequence of a batch, which small runtimes cannot do in int8."""
    axis = operation.get_attr("seq_dim")
    places = tf.range(sequence.shape[axis])
    last = tf.cast(lengths[0], tf.int32) - 1
    return tf.gather(sequence, tf.where(places <= last, last - places, places), axis=axis)


def _copy(operation: tf.Operation, inputs: list[tf.Tensor]) -> Sequence[tf.Tensor]:
    attributes = {
        name: _in_float32(value)
        for name, value in operation.node_def.attr.items()
        if not name.startswith("_")
    }
    types = [_narrow(tensor.dtype) for tensor in operation.outputs]
    return (
        tf.compat.v1.get_default_graph()
        .create_op(operation.type, inputs, types, attrs=attributes, name=operation.name)
        .outputs
    )


def _narrow(dtype: tf.DType) -> tf.DType:
    return tf.float32 if dtype == tf.float64 else dtype


def _in_float32(attribute: Any) -> Any:
    """Returns an attribute with float32 in place of float64."""
    double = tf.float64.as_datatype_enum
    if attribute.WhichOneof("value") == "tensor" and attribute.tensor.dtype == double:
        values = tf.make_ndarray(attribute.tensor).astype(np.float32)
        return tf.compat.v1.AttrValue(tensor=tf.make_tensor_proto(values))
    if attribute.type == double:
        return tf.compat.v1.AttrValue(type=tf.float32.as_datatype_enum)
    return attribute


def _known(tensor: tf.Tensor) -> int:
    value = tf.get_static_value(tensor)
    if value is None:
        raise LoopError(f"the length of a list, or a place in it, depends on data: {tensor.name}")
    return int(value)


def _reserve(element_shape: tf.Tensor, count: tf.Tensor) -> _List:
    del element_shape
    return _List([None] * _known(count))


def _from_tensor(tensor: tf.Tensor, element_shape: tf.Tensor) -> _List:
    del element_shape
    return _List(tf.unstack(tensor))


def _get(items: _List, index: tf.Tensor, element_shape: tf.Tensor) -> tf.Tensor:
    del element_shape
    return items[_known(index)]


def _set(items: _List, index: tf.Tensor, item: tf.Tensor) -> _List:
    place = _known(index)
    return _List([*items[:place], item, *items[place + 1 :]])


def _stack(items: _List, element_shape: tf.Tensor) -> tf.Tensor:
    del element_shape
    return tf.stack(items)


LISTS: dict[str, Callable[..., Any]] = {
    "TensorListReserve": _reserve,
    "TensorListFromTensor": _from_tensor,
    "TensorListGetItem": _get,
    "TensorListSetItem": _set,
    "TensorListStack": _stack,
}
"""Operations on lists of tensors."""
