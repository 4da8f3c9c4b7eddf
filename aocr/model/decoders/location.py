"""An attention decoder that knows where it has looked before (Chorowski et al., 2015).

It differs from the decoder of 0.7.6 (`content_decoder`) in this: the attention also sees its
weights of the steps before; the initial state comes from both directions of the encoder; each layer
has weights of its own; and a learned column behind each image marks its end. Axes: N images, S
decoder steps, T columns, V symbols of the vocabulary, H hidden units, E embedding size, D memory
depth.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import tensorflow as tf

from aocr.charset import EOS_ID, GO_ID
from aocr.config import Config
from aocr.model import rnn_cells, variable_names
from aocr.model.decoders.common import Choice, ForcedDecoding, GreedyDecoding, most_probable
from aocr.model.decoders.content import decoder_inputs
from aocr.model.decoders.location_attention import (
    LocationAttention,
    LocationWeights,
    Looked,
    create_location_weights,
    xavier_variable,
)
from aocr.model.decoders.loss import sequence_losses
from aocr.model.encoder import Memory
from aocr.model.search.attention_scorer import AttentionScorer, Step


class _State(NamedTuple):
    """Holds what one step hands to the next.

    Attributes:
        layers: float32 `[N, 2H * layers]`, the LSTM states.
        context: float32 `[N, D]`, the mean of the memory by the weights.
        looked: where the attention has looked, among the T columns and the end mark.
    """

    layers: tf.Tensor
    context: tf.Tensor
    looked: Looked


class _Weights(NamedTuple):
    embedding: tf.Variable  # [V, E]
    input_projection: rnn_cells.Dense  # [N, E + D] --> [N, H]
    initial_state: rnn_cells.Dense  # [N, 4U] --> [N, 2H * layers]
    cells: tuple[rnn_cells.LSTMCell, ...]
    attention: LocationWeights
    output: rnn_cells.Dense  # [N, H + D] --> [N, V]


class LocationDecoder:
    """Decodes one memory with location-aware attention."""

    def __init__(self, config: Config, memory: Memory) -> None:
        """Creates the variables in the scope `location_decoder`."""
        self._steps = config.decoder_steps
        self._units = config.attn_num_hidden
        self._vocab_size = config.vocab_size
        self._depth = memory.values.shape[2]
        with tf.compat.v1.variable_scope(variable_names.LOCATION_SCOPE):
            self._weights = _create_weights(config, self._depth, memory.state.shape[1])
            self._memory, is_outside = _with_end_mark(memory)
        self._attention = LocationAttention(self._weights.attention, self._memory, is_outside)
        self._initial = _State(
            layers=tf.tanh(self._weights.initial_state(memory.state)),
            context=tf.zeros_like(self._memory[:, 0]),
            looked=self._attention.nowhere(),
        )

    def losses(self, targets: tf.Tensor, label_smoothing: float = 0.0) -> tf.Tensor:
        """Returns the loss of each image with the right symbol fed into every step."""
        logits = self.teacher_forced_logits(decoder_inputs(targets))
        return sequence_losses(logits, targets, label_smoothing)

    def teacher_forced_logits(self, inputs: tf.Tensor) -> tf.Tensor:
        """Decodes with each step's input given, as training does.

        Args:
            inputs: int32 `[N, S]`, see `decoder_inputs`.

        Returns:
            float32 `[N, S, V]`.
        """
        # [N, S] --> [S, N, E]
        embedded = tf.nn.embedding_lookup(self._weights.embedding, tf.transpose(inputs))
        step_inputs = self._array(embedded.shape[2]).unstack(embedded)

        def step(t, state, outputs):
            output, state = self._step(step_inputs.read(t), state)
            return t + 1, state, outputs.write(t, output)

        *_, outputs = tf.while_loop(
            lambda t, *_: t < self._steps,
            step,
            (0, self._initial, self._array(self._units + self._depth)),
            maximum_iterations=self._steps,
        )
        kernel, bias = self._weights.output
        logits = tf.tensordot(outputs.stack(), kernel, axes=1) + bias  # [S, N, H + D] --> [S, N, V]
        return tf.transpose(logits, [1, 0, 2])  # [S, N, V] --> [N, S, V]

    def decode(self, stop_at_eos: bool = True) -> GreedyDecoding:
        """Decodes from GO on; each step's most probable symbol is the input of the next step.

        The attention leaves out the end mark, so that a step's weights sum to at most 1.
        """
        return self._decode(most_probable, stop_at_eos)

    def follow(self, symbols: tf.Tensor) -> ForcedDecoding:
        """Decodes given texts, see `Decoder`."""
        return ForcedDecoding(*self._decode(lambda t, logits: symbols[:, t], stop_at_eos=True))

    def _decode(self, choose: Choice, stop_at_eos: bool) -> GreedyDecoding:
        """Decodes from GO on; the symbol that is chosen by step and logits is the next input."""
        batch, columns = tf.shape(self._memory)[0], self._memory.shape[1]
        embedding = tf.convert_to_tensor(self._weights.embedding)

        def unfinished(t, symbol, ended, *_):
            return (t < self._steps) & ~(stop_at_eos & tf.reduce_all(ended))

        def step(t, symbol, ended, state, arrays):
            embedded = tf.gather(embedding, symbol)
            output, state = self._step(embedded, state)
            logits = self._weights.output(output)
            symbol = choose(t, logits)
            values = GreedyDecoding(symbol, logits, state.looked.weights)
            arrays = GreedyDecoding(*(a.write(t, v) for a, v in zip(arrays, values, strict=True)))
            return t + 1, symbol, ended | tf.equal(symbol, EOS_ID), state, arrays

        empty = GreedyDecoding(
            tf.TensorArray(tf.int32, self._steps, element_shape=[None]),
            self._array(self._vocab_size),
            self._array(columns),
        )
        symbols, ended = tf.fill([batch], GO_ID), tf.fill([batch], False)
        *_, arrays = tf.while_loop(
            unfinished,
            step,
            (0, symbols, ended, self._initial, empty),
            maximum_iterations=self._steps,
        )
        return GreedyDecoding(
            symbols=tf.transpose(arrays.symbols.stack()),  # [S, N] --> [N, S]
            logits=tf.transpose(arrays.logits.stack(), [1, 0, 2]),  # [S, N, V] --> [N, S, V]
            attention=tf.transpose(arrays.attention.stack(), [1, 0, 2])[:, :, :-1],
        )

    def prefix_scorer(self) -> AttentionScorer:
        """Returns what a search needs, see `Decoder`."""
        embedding = tf.convert_to_tensor(self._weights.embedding)
        return AttentionScorer(embedding, self._initial, self._search_step)

    def _search_step(self, image: tf.Tensor, embedded: tf.Tensor, state: _State) -> Step:
        """Computes one step of images, int32 `[M]`, which may repeat; see `AttentionScorer`."""
        rows = copy.copy(self)
        rows._memory = tf.gather(self._memory, image)
        rows._attention = self._attention.of_images(image)
        output, state = rows._step(embedded, state)
        return Step(self._weights.output(output), state)

    def _step(self, embedded: tf.Tensor, state: _State) -> tuple[tf.Tensor, _State]:
        """Computes one step.

        Args:
            embedded: float32 `[N, E]`, the symbol of the step before.
            state: that of the step before.

        Returns:
            The last layer's output and the context, float32 `[N, H + D]`, and the next state.
        """
        x = self._weights.input_projection(tf.concat([embedded, state.context], axis=1))
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
        output = tf.concat([x, context], axis=1)
        return output, _State(tf.concat(layers, axis=1), context, looked)

    def _array(self, depth: int) -> tf.TensorArray:
        """Returns an empty array for one float32 `[N, depth]` a step."""
        return tf.TensorArray(tf.float32, self._steps, element_shape=[None, depth])


def _create_weights(config: Config, depth: int, encoder_state_size: int) -> _Weights:
    units, layers = config.attn_num_hidden, config.attn_num_layers
    embedding_size = config.target_embedding_size
    scope, dense = tf.compat.v1.variable_scope, rnn_cells.create_dense
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
