"""An attention decoder that knows where it has looked before (Chorowski et al., 2015).

It differs from the decoder of 0.7.6 (`ContentDecoder`) in this: the attention also sees its weights
of the steps before; the initial state comes from both directions of the encoder; each layer has
weights of its own; and a learned column behind each image marks its end. Axes: N images, S decoder
steps, T columns, V symbols of the vocabulary, H hidden units of the decoder, A of the attention, E
embedding size, D memory depth.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import tensorflow as tf

from aocr.config import Config
from aocr.model import rnn_cells, variable_names
from aocr.model.decoders.attention import AttentionDecoder, Choice, GreedyDecoding, Step
from aocr.model.encoder import Memory
from aocr.model.rnn_cells import Dense, create_dense

LOCATION_WIDTH = 9
"""Number of columns around each column whose earlier weights its score depends on."""

UNITS_RATIO = 2
"""Number of units of the decoder for each unit of the attention, whose energies for all columns are
the largest tensors of a step."""


class _State(NamedTuple):
    """Holds what one step hands to the next.

    Attributes:
        layers: float32 `[N, 2H * layers]`, the LSTM states.
        context: float32 `[N, D]`, the mean of the memory by the weights.
        looked: the places where the attention has looked, among the T columns and the end mark.
    """

    layers: tf.Tensor
    context: tf.Tensor
    looked: Looked


class _Weights(NamedTuple):
    embedding: tf.Variable  # [V, E]
    input_projection: Dense  # [N, E + D] --> [N, H]
    initial_state: Dense  # [N, 4U] --> [N, 2H * layers]
    cells: tuple[rnn_cells.LSTMCell, ...]
    attention: LocationWeights
    output: Dense  # [N, H + D] --> [N, V]


class LocationDecoder(AttentionDecoder):
    """Decodes one memory with location-aware attention."""

    def __init__(self, config: Config, memory: Memory) -> None:
        """Creates the variables in the scope `location_decoder`.

        Args:
            config: sizes of the layers and number of steps.
            memory: the encoded columns to attend to.
        """
        with tf.compat.v1.variable_scope(variable_names.LOCATION_SCOPE):
            self._weights = _create_weights(config, memory.values.shape[2], memory.state.shape[1])
            self._memory, is_outside = _with_end_mark(memory)
        self._attention = LocationAttention(self._weights.attention, self._memory, is_outside)
        initial = _State(
            layers=tf.tanh(self._weights.initial_state(memory.state)),
            context=tf.zeros_like(self._memory[:, 0]),
            looked=self._attention.nowhere(),
        )
        columns = self._memory.shape[1]
        super().__init__(config, self._weights.embedding, self._weights.output, initial, columns)

    def step(self, inputs: tf.Tensor, state: _State, is_training: bool = False) -> Step:
        """Computes one step, see `AttentionDecoder`; its attention includes the end mark."""
        x = self._weights.input_projection(tf.concat([inputs, state.context], axis=1))
        layers = []
        for cell, layer in zip(
            self._weights.cells,
            tf.split(state.layers, len(self._weights.cells), axis=1),
            strict=True,
        ):
            x, layer = cell(x, layer)
            layers.append(layer)
        x = tf.identity(x)  # pairs of gradients are added in a fixed order, see `for_next_use`
        looked = self._attention(x, state.looked)
        # [N, 1, T + 1] · [N, T + 1, D] --> [N, 1, D] --> [N, D]
        context = tf.matmul(looked.weights[:, tf.newaxis], self._memory)[:, 0]
        return Step(
            output=tf.concat([x, context], axis=1),
            state=_State(tf.concat(layers, axis=1), context, looked),
            attention=looked.weights,
        )

    def _decode(self, choose: Choice, stop_at_eos: bool) -> GreedyDecoding:
        """Decodes, and leaves the end mark out of the attention."""
        decoding = super()._decode(choose, stop_at_eos)
        return decoding._replace(attention=decoding.attention[:, :, :-1])

    def of_images(self, image: tf.Tensor) -> LocationDecoder:
        """Returns the decoder of the memories of some images, see `AttentionDecoder`."""
        rows = copy.copy(self)
        rows._memory = tf.gather(self._memory, image)
        rows._attention = self._attention.of_images(image)
        return rows


def _create_weights(config: Config, depth: int, encoder_state_size: int) -> _Weights:
    units, layers = config.attn_num_hidden, config.attn_num_layers
    embedding_size = config.target_embedding_size
    scope, dense = tf.compat.v1.variable_scope, create_dense
    embedding = xavier_variable(variable_names.EMBEDDING, [config.vocab_size, embedding_size])
    with scope(variable_names.INPUT_PROJECTION_SCOPE):
        input_projection = dense(embedding_size + depth, units)
    with scope(variable_names.INITIAL_STATE_SCOPE):
        initial_state = dense(encoder_state_size, 2 * units * layers)
    with scope(variable_names.OUTPUT_SCOPE):
        output = dense(units + depth, config.vocab_size)
    return _Weights(
        embedding=embedding,
        input_projection=input_projection,
        initial_state=initial_state,
        cells=tuple(_create_cell(number, units) for number in range(layers)),
        attention=create_location_weights(depth, units),
        output=output,
    )


def _create_cell(number: int, units: int) -> rnn_cells.LSTMCell:
    with tf.compat.v1.variable_scope(f"layer{number}"):
        return rnn_cells.LSTMCell(units)


def _with_end_mark(memory: Memory) -> tuple[tf.Tensor, tf.Tensor]:
    """Puts a learned column behind the last column of each image.

    Returns:
        The columns, float32 `[N, T + 1, D]`, and bool `[N, T + 1]`, True behind the end mark.
    """
    depth = memory.values.shape[2]
    mark = xavier_variable(variable_names.END_MARK, [1, depth])[0]
    values = tf.pad(memory.values, [[0, 0], [0, 1], [0, 0]])
    lengths = memory.lengths()[:, tf.newaxis]
    places = tf.range(tf.shape(values)[1])[tf.newaxis]
    is_end = tf.equal(places, lengths)[:, :, tf.newaxis]
    return tf.where(is_end, mark, values), places > lengths


class LocationWeights(NamedTuple):
    """Holds the weights of the attention.

    Attributes:
        query: the projection of the decoder's output, `[N, H] --> [N, A]`.
        key_kernel: float32 `[D, A]`, projects the memory.
        location_kernel: float32 `[LOCATION_WIDTH, 2, A]`.
        scorer: float32 `[A, 1]`.
    """

    query: Dense
    key_kernel: tf.Variable
    location_kernel: tf.Variable
    scorer: tf.Variable


class Looked(NamedTuple):
    """Holds where the attention has looked.

    Attributes:
        weights: float32 `[N, T]`, the attention of the last step.
        coverage: float32 `[N, T]`, the sum of the attention of all steps.
    """

    weights: tf.Tensor
    coverage: tf.Tensor


def create_location_weights(depth: int, units: int) -> LocationWeights:
    """Creates the variables in the scope `attention`.

    Args:
        depth: D.
        units: H.
    """
    size = max(1, units // UNITS_RATIO)
    with tf.compat.v1.variable_scope(variable_names.ATTENTION_SCOPE):
        with tf.compat.v1.variable_scope(variable_names.QUERY_SCOPE):
            query = create_dense(units, size)
        return LocationWeights(
            query=query,
            key_kernel=xavier_variable(variable_names.KEY_KERNEL, [depth, size]),
            location_kernel=xavier_variable(
                variable_names.LOCATION_KERNEL, [LOCATION_WIDTH, 2, size]
            ),
            scorer=xavier_variable(variable_names.SCORER, [size, 1]),
        )


def xavier_variable(name: str, shape: list[int]) -> tf.Variable:
    """Creates a variable with uniform random values (Glorot and Bengio, 2010)."""
    initializer = tf.compat.v1.glorot_uniform_initializer()
    return tf.compat.v1.get_variable(name, shape, initializer=initializer)


class LocationAttention:
    """Attends to one memory.

    Args:
        weights: the weights of the attention.
        memory: float32 `[N, T, D]`.
        is_outside: bool `[N, T]`, True for columns that must not be attended to.
    """

    def __init__(self, weights: LocationWeights, memory: tf.Tensor, is_outside: tf.Tensor) -> None:
        self._weights, self._is_outside = weights, is_outside
        # [N, T, D] --> [N, T, A]
        self._keys = tf.tensordot(memory, weights.key_kernel, axes=1)
        # [LOCATION_WIDTH, 2, A] --> [2 LOCATION_WIDTH, A]
        self._location_kernel = tf.reshape(
            weights.location_kernel, [-1, weights.location_kernel.shape[2]]
        )

    def of_images(self, image: tf.Tensor) -> LocationAttention:
        """Returns the attention to the memories of some images, int32 `[M]`."""
        rows = copy.copy(self)
        rows._keys = tf.gather(self._keys, image)
        rows._is_outside = tf.gather(self._is_outside, image)
        return rows

    def nowhere(self) -> Looked:
        """Returns where the attention has looked before the first step."""
        zeros = tf.zeros_like(self._keys[:, :, 0])
        return Looked(zeros, zeros)

    def __call__(self, query: tf.Tensor, looked: Looked) -> Looked:
        """Computes the attention of one step.

        Args:
            query: float32 `[N, H]`, the decoder's output.
            looked: the places where the steps before have looked.
        """
        energies = self._keys + self._locate(looked) + self._weights.query(query)[:, tf.newaxis]
        scores = tf.squeeze(tf.tensordot(tf.tanh(energies), self._weights.scorer, axes=1), axis=2)
        weights = tf.nn.softmax(tf.where(self._is_outside, scores.dtype.min, scores))
        return Looked(weights, looked.coverage + weights)

    def _locate(self, looked: Looked) -> tf.Tensor:
        """Convolves earlier weights with the location kernel: `[N, T]` twice to `[N, T, A]`.

        One matrix product over shifted columns is faster than a convolution of two channels.
        """
        before = tf.stack(looked, axis=2)  # [N, T, 2]
        columns, margin = tf.shape(before)[1], LOCATION_WIDTH // 2
        padded = tf.pad(before, [[0, 0], [margin, margin], [0, 0]])
        shifted = [padded[:, i : i + columns] for i in range(LOCATION_WIDTH)]
        # [N, T, 2 LOCATION_WIDTH] --> [N, T, A]
        return tf.tensordot(tf.concat(shifted, axis=2), self._location_kernel, axes=1)
