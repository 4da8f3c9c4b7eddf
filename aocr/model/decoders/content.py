"""The attention decoder of 0.7.6: columns to symbols (docs/compatibility.md, "Decoder").

Each step's attention vector is fed into the next step (Bahdanau et al., 2015; Vinyals et al.,
2015). Axes: N images, S decoder steps, T columns, V symbols of the vocabulary, H hidden units,
E embedding size, D memory depth.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import tensorflow as tf

from aocr.charset import EOS_ID, GO_ID
from aocr.config import Config
from aocr.model import rnn_cells, variable_names
from aocr.model.decoders.common import Choice, ForcedDecoding, GreedyDecoding, most_probable
from aocr.model.decoders.content_attention import (
    AdditiveAttention,
    Attended,
    AttentionWeights,
    create_attention_weights,
)
from aocr.model.decoders.loss import sequence_losses
from aocr.model.encoder import Memory
from aocr.model.search import attention_scorer


class _Weights(NamedTuple):
    embedding: tf.Variable  # [V, E]
    symbol_kernel: tf.Tensor  # [E, H]
    context_kernel: tf.Tensor  # [D, H]
    input_bias: tf.Tensor  # [H]
    stack: rnn_cells.SharedCellStack
    attention: AttentionWeights
    output: rnn_cells.Dense  # [N, H + D] --> [N, V]


class _Step(NamedTuple):
    output: tf.Tensor  # [N, H], of the last layer
    state: tf.Tensor  # [N, state_size]
    attended: Attended


class ContentDecoder:
    """Decodes one memory with content-based attention."""

    def __init__(self, config: Config, memory: Memory) -> None:
        """Creates the variables in the scope `embedding_attention_decoder`.

        Args:
            config: sizes of the layers and number of steps.
            memory: the encoded columns to attend to.
        """
        self._steps = config.decoder_steps
        self._units = config.attn_num_hidden
        self._vocab_size = config.vocab_size
        self._columns, self._depth = memory.values.shape[1:]
        self._memory = memory
        self._weights = _create_weights(config, self._depth)
        self._attention = AdditiveAttention(self._weights.attention, memory)
        self._initial_state = _initial_state(memory.state, self._weights.stack.state_size)
        self._initial_context = tf.zeros_like(memory.values[:, 0])  # [N, D]

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
        embedded = tf.nn.embedding_lookup(self._weights.embedding, tf.transpose(inputs))
        projected = self._project_symbols(embedded)  # [S, N, E] --> [S, N, H]
        step_inputs = self._array(self._units).unstack(projected)

        def step(t, state, context, outputs, contexts):
            done = self._step(step_inputs.read(t), state, context, recompute_gradient=True)
            outputs = outputs.write(t, done.output)
            contexts = contexts.write(t, done.attended.context)
            return t + 1, done.state, done.attended.context, outputs, contexts

        arrays = self._array(self._units), self._array(self._depth)
        *_, outputs, contexts = tf.while_loop(
            lambda t, *_: t < self._steps,
            step,
            (0, self._initial_state, self._initial_context, *arrays),
            maximum_iterations=self._steps,
        )
        concatenated = tf.concat([outputs.stack(), contexts.stack()], axis=2)  # [S, N, H + D]
        kernel, bias = self._weights.output
        logits = tf.tensordot(concatenated, kernel, axes=1) + bias
        return tf.transpose(logits, [1, 0, 2])  # [S, N, V] --> [N, S, V]

    def decode(self, stop_at_eos: bool = True) -> GreedyDecoding:
        """Decodes from GO on; each step's most probable symbol is the input of the next step.

        Args:
            stop_at_eos: stop once every image of the batch has its EOS. Symbols after an EOS are
                never trained and never printed.
        """
        return self._decode(most_probable, stop_at_eos)

    def follow(self, symbols: tf.Tensor) -> ForcedDecoding:
        """Decodes given texts, see `Decoder`."""
        return ForcedDecoding(*self._decode(lambda t, logits: symbols[:, t], stop_at_eos=True))

    def _decode(self, choose: Choice, stop_at_eos: bool) -> GreedyDecoding:
        """Decodes from GO on; the symbol that is chosen by step and logits is the next input."""
        # [V, E] --> [V, H]
        projected = self._project_symbols(tf.convert_to_tensor(self._weights.embedding))

        def unfinished(t, symbol, ended, *_):
            return (t < self._steps) & ~(stop_at_eos & tf.reduce_all(ended))

        def step(t, symbol, ended, state, context, arrays):
            done = self._step(
                tf.gather(projected, symbol), state, context, recompute_gradient=False
            )
            context = done.attended.context
            logits = self._weights.output(tf.concat([done.output, context], axis=1))
            symbol = choose(t, logits)
            values = GreedyDecoding(symbol, logits, done.attended.weights)
            arrays = GreedyDecoding(*(a.write(t, v) for a, v in zip(arrays, values, strict=True)))
            ended |= tf.equal(symbol, EOS_ID)
            return t + 1, symbol, ended, done.state, context, arrays

        batch = tf.shape(self._memory.values)[:1]
        symbols, ended = tf.fill(batch, GO_ID), tf.fill(batch, False)
        initial = (self._initial_state, self._initial_context, self._greedy_arrays())
        *_, arrays = tf.while_loop(
            unfinished, step, (0, symbols, ended, *initial), maximum_iterations=self._steps
        )
        return GreedyDecoding(
            symbols=tf.transpose(arrays.symbols.stack()),  # [S, N] --> [N, S]
            logits=tf.transpose(arrays.logits.stack(), [1, 0, 2]),  # [S, N, V] --> [N, S, V]
            attention=tf.transpose(arrays.attention.stack(), [1, 0, 2]),
        )

    def prefix_scorer(self) -> attention_scorer.AttentionScorer:
        """Returns what a search needs, see `Decoder`."""
        symbols = self._project_symbols(tf.convert_to_tensor(self._weights.embedding))
        state = self._initial_state, self._initial_context
        return attention_scorer.AttentionScorer(symbols, state, self._search_step)

    def _search_step(
        self, image: tf.Tensor, projected: tf.Tensor, state: tuple[tf.Tensor, tf.Tensor]
    ) -> attention_scorer.Step:
        """Computes one step of images, int32 `[M]`, which may repeat; see `AttentionScorer`."""
        rows = copy.copy(self)
        rows._attention = self._attention.of_images(image)
        done = rows._step(projected, *state, recompute_gradient=False)
        context = done.attended.context
        logits = self._weights.output(tf.concat([done.output, context], axis=1))
        return attention_scorer.Step(logits, (done.state, context))

    def _step(
        self,
        projected_symbol: tf.Tensor,
        state: tf.Tensor,
        context: tf.Tensor,
        recompute_gradient: bool,
    ) -> _Step:
        """Computes one step.

        Args:
            projected_symbol: float32 `[N, H]`, see `_project_symbols`.
            state: float32 `[N, state_size]`.
            context: float32 `[N, D]`, from the attention of the step before.
            recompute_gradient: see `AdditiveAttention`.
        """
        x = projected_symbol + tf.matmul(context, self._weights.context_kernel)
        output, state = self._weights.stack(x, state)
        return _Step(output, state, self._attention(state, recompute_gradient))

    def _project_symbols(self, embedded: tf.Tensor) -> tf.Tensor:
        """Applies the embedding's part of the input projection: `[..., E] --> [..., H]`."""
        return (
            tf.tensordot(embedded, self._weights.symbol_kernel, axes=1) + self._weights.input_bias
        )

    def _greedy_arrays(self) -> GreedyDecoding:
        """Returns empty arrays for the values of each step."""
        return GreedyDecoding(
            tf.TensorArray(tf.int32, self._steps, element_shape=[None]),
            self._array(self._vocab_size),
            self._array(self._columns),
        )

    def _array(self, depth: int) -> tf.TensorArray:
        """Returns an empty array for one float32 `[N, depth]` a step."""
        return tf.TensorArray(tf.float32, self._steps, element_shape=[None, depth])


def _create_weights(config: Config, depth: int) -> _Weights:
    vocab_size = config.vocab_size
    get, glorot = tf.compat.v1.get_variable, tf.compat.v1.glorot_uniform_initializer
    scope, embedding_size = tf.compat.v1.variable_scope, config.target_embedding_size
    units, cell_type = config.attn_num_hidden, _cell_type(config)
    with scope(variable_names.DECODER_SCOPE):
        shape = [vocab_size, embedding_size]
        embedding = get(variable_names.EMBEDDING, shape, initializer=glorot())
        with scope(variable_names.DECODER_STEP_SCOPE):
            kernel, input_bias = rnn_cells.create_dense(embedding_size + depth, units)
            symbol_kernel, context_kernel = tf.split(kernel, [embedding_size, depth])
            stack = rnn_cells.SharedCellStack(cell_type, units, config.attn_num_layers)
            attention = create_attention_weights(stack.state_size, depth)
            with scope(variable_names.OUTPUT_PROJECTION_SCOPE):
                output = rnn_cells.create_dense(units + depth, vocab_size)
    return _Weights(
        embedding=embedding,
        symbol_kernel=symbol_kernel,
        context_kernel=context_kernel,
        input_bias=input_bias,
        stack=stack,
        attention=attention,
        output=output,
    )


def _cell_type(config: Config) -> type[rnn_cells.LSTMCell] | type[rnn_cells.GRUCell]:
    return rnn_cells.GRUCell if config.use_gru else rnn_cells.LSTMCell


def _initial_state(encoder_state: tf.Tensor, size: int) -> tf.Tensor:
    """Returns the first `size` numbers of each encoder state, `[N, 4U] --> [N, size]`.

    With two LSTM layers, the decoder therefore sees nothing of the encoder's backward direction.
    0.7.6 slices the state in this way, and its weights were trained so.
    """
    return encoder_state[:, :size]


def decoder_inputs(targets: tf.Tensor) -> tf.Tensor:
    """Returns the teacher-forced inputs of the targets: GO, then all targets but the last.

    Args:
        targets: int32 `[N, S]`.

    Returns:
        int32 `[N, S]`.
    """
    return tf.pad(targets[:, :-1], [[0, 0], [1, 0]], constant_values=GO_ID)
