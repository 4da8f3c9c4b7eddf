"""Memory to symbols: an attention decoder (COMPAT.md, section 5, "Decoder").

Bahdanau et al., 2015, in the form of Vinyals et al., 2015: the attention vector of a step is fed
into the next, and the query is the whole state after the cells.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from aocr.charset import EOS_ID, GO_ID
from aocr.config import Config
from aocr.model import rnn_cells
from aocr.model.encoder import Memory


class Greedy(NamedTuple):
    """What greedy decoding gives; S = `decoder_steps`, V = symbols, T = columns.

    Attributes:
        symbols: int32 `[N, S]`.
        logits: `[N, S, V]`.
        attention: `[N, S, T]`, weights that sum to 1 over the columns.

    Steps that were not taken, after the last EOS of the batch, hold zeros.
    """

    symbols: tf.Tensor
    logits: tf.Tensor
    attention: tf.Tensor


_Score = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
"""Keys, query and scorer to scores, see `_scores`."""


class _Attended(NamedTuple):
    context: tf.Tensor  # [N, 2U]
    weights: tf.Tensor  # [N, T]


class Decoder:
    """The decoder's variables, bound to one memory."""

    def __init__(self, config: Config, symbols: int, memory: Memory) -> None:
        """Creates the variables in the scope `embedding_attention_decoder`.

        Args:
            config: sizes.
            symbols: V.
            memory: what is attended to.
        """
        self._steps = config.decoder_steps
        self._symbols = symbols
        self._units = config.attn_num_hidden
        self._memory = memory.values
        self._columns, self._depth = memory.values.shape[1:]
        self._is_padding = _is_padding(memory)
        get, glorot = tf.compat.v1.get_variable, tf.compat.v1.glorot_uniform_initializer
        scope = tf.compat.v1.variable_scope
        with scope("embedding_attention_decoder"):
            size = config.target_embedding_size
            self._embedding = get("embedding", [symbols, size], initializer=glorot())
            with scope("attention_decoder"):
                kernel, self._input_bias = rnn_cells.affine(size + self._depth, self._units)
                self._symbol_kernel, self._context_kernel = tf.split(kernel, [size, self._depth])
                self._stack = rnn_cells.SharedStack(
                    rnn_cells.GRUCell if config.use_gru else rnn_cells.LSTMCell,
                    self._units,
                    config.attn_num_layers,
                )
                with scope("Attention_0"):
                    self._query = rnn_cells.affine(self._stack.state_size, self._depth)
                shape = [1, 1, self._depth, self._depth]
                keys = get("AttnW_0", shape, initializer=glorot())[0, 0]
                self._scorer = get("AttnV_0", [self._depth], initializer=glorot())[:, tf.newaxis]
                with scope("AttnOutputProjection"):
                    self._output = rnn_cells.affine(self._units + self._depth, symbols)
        self._keys = tf.tensordot(memory.values, keys, axes=1)  # [N, T, 2U] --> [N, T, 2U]
        self._initial_state = _initial_state(memory.state, self._stack.state_size)
        self._no_attention = tf.zeros_like(memory.values[:, 0])  # [N, 2U]

    def teacher_forced(self, symbols: tf.Tensor) -> tf.Tensor:
        """Logits when each step is told the right symbol before it.

        Args:
            symbols: int32 `[N, S]`, the inputs: GO, then the label's symbols.

        Returns:
            float32 `[N, S, V]`.
        """
        embedded = tf.nn.embedding_lookup(self._embedding, tf.transpose(symbols))  # [S, N, E]
        projected = self._project_symbols(embedded)  # [S, N, E] --> [S, N, H]
        inputs = self._array(self._units).unstack(projected)

        def step(t, state, context, tops, contexts):
            top, state, attended = self._step(inputs.read(t), state, context, _recomputed_scores)
            tops, contexts = tops.write(t, top), contexts.write(t, attended.context)
            return t + 1, state, attended.context, tops, contexts

        *_, tops, contexts = tf.while_loop(
            lambda t, *_: t < self._steps,
            step,
            (
                0,
                self._initial_state,
                self._no_attention,
                self._array(self._units),
                self._array(self._depth),
            ),
            maximum_iterations=self._steps,
        )
        outputs = tf.concat([tops.stack(), contexts.stack()], axis=2)  # [S, N, H + 2U]
        logits = tf.tensordot(outputs, self._output.kernel, axes=1) + self._output.bias
        return tf.transpose(logits, [1, 0, 2])  # [S, N, V] --> [N, S, V]

    def greedy(self, stop_at_eos: bool = True) -> Greedy:
        """Feeds each step the likeliest symbol of the step before it, starting from GO.

        Args:
            stop_at_eos: stop when every example of the batch has reached its EOS. What follows
                an EOS was never trained and prints nothing.
        """
        projected = self._project_symbols(tf.convert_to_tensor(self._embedding))  # [V, H]

        def unfinished(t, symbol, ended, *_):
            return (t < self._steps) & ~(stop_at_eos & tf.reduce_all(ended))

        def step(t, symbol, ended, state, context, arrays):
            top, state, attended = self._step(tf.gather(projected, symbol), state, context, _scores)
            logits = self._output(tf.concat([top, attended.context], axis=1))
            symbol = tf.argmax(logits, axis=1, output_type=tf.int32)
            outputs = Greedy(symbol, logits, attended.weights)
            arrays = Greedy(*(a.write(t, x) for a, x in zip(arrays, outputs, strict=True)))
            ended |= tf.equal(symbol, EOS_ID)
            return t + 1, symbol, ended, state, attended.context, arrays

        batch = tf.shape(self._memory)[:1]
        *_, arrays = tf.while_loop(
            unfinished,
            step,
            (
                0,
                tf.fill(batch, GO_ID),
                tf.fill(batch, False),
                self._initial_state,
                self._no_attention,
                Greedy(
                    tf.TensorArray(tf.int32, self._steps, element_shape=[None]),
                    self._array(self._symbols),
                    self._array(self._columns),
                ),
            ),
            maximum_iterations=self._steps,
        )
        return Greedy(
            symbols=tf.transpose(arrays.symbols.stack()),  # [S, N] --> [N, S]
            logits=tf.transpose(arrays.logits.stack(), [1, 0, 2]),  # [S, N, V] --> [N, S, V]
            attention=tf.transpose(arrays.attention.stack(), [1, 0, 2]),
        )

    def _step(
        self, projected_symbol, state, context, score: _Score
    ) -> tuple[tf.Tensor, tf.Tensor, _Attended]:
        """One step: `[N, H]`, `[N, state]` and `[N, 2U]` to top output, next state, attention."""
        x = projected_symbol + tf.matmul(context, self._context_kernel)
        top, state = self._stack(x, state)
        return top, state, self._attend(state, score)

    def _project_symbols(self, embedded: tf.Tensor) -> tf.Tensor:
        """The embedding's part of the input projection, `[..., E]` to `[..., H]`, with the bias."""
        return tf.tensordot(embedded, self._symbol_kernel, axes=1) + self._input_bias

    def _attend(self, state: tf.Tensor, score: _Score) -> _Attended:
        """Scores every column against the whole state and averages the memory by them."""
        scores = score(self._keys, self._query(state), self._scorer)
        if self._is_padding is not None:
            scores = tf.where(self._is_padding, scores.dtype.min, scores)
        weights = tf.nn.softmax(scores)
        context = tf.squeeze(tf.matmul(weights[:, tf.newaxis], self._memory), axis=1)
        return _Attended(context, weights)

    def _array(self, depth: int) -> tf.TensorArray:
        """Room for `[N, depth]` a step."""
        return tf.TensorArray(tf.float32, self._steps, element_shape=[None, depth])


def _is_padding(memory: Memory) -> tf.Tensor | None:
    """bool `[N, T]`, True for columns that are not to be attended to; None if there are none."""
    if memory.columns is None:
        return None
    return ~tf.sequence_mask(memory.columns, tf.shape(memory.values)[1])


def _initial_state(encoder_state: tf.Tensor, size: int) -> tf.Tensor:
    """The first `size` numbers of `[N, 4U]`.

    So with two LSTM layers nothing of the backward direction arrives. That is how 0.7.6 slices
    the encoder's state, and how its weights were trained.
    """
    return encoder_state[:, :size]


def _scores(keys: tf.Tensor, query: tf.Tensor, scorer: tf.Tensor) -> tf.Tensor:
    """How well each column answers the query: `scorer · tanh(keys + query)`.

    Args:
        keys: `[N, T, D]`.
        query: `[N, D]`.
        scorer: `[D, 1]`.

    Returns:
        `[N, T]`.
    """
    flat = tf.reshape(_energies(keys, query), [-1, keys.shape[2]])  # [NT, D]
    scores = tf.reshape(tf.matmul(flat, scorer), tf.shape(keys)[:2])
    return tf.ensure_shape(scores, keys.shape[:2])


def _energies(keys: tf.Tensor, query: tf.Tensor) -> tf.Tensor:
    return tf.tanh(keys + query[:, tf.newaxis])  # [N, T, D]


@tf.custom_gradient
def _recomputed_scores(keys: tf.Tensor, query: tf.Tensor, scorer: tf.Tensor):
    """`_scores`, for training: the energies are computed again for the gradient.

    They are the decoder's largest tensors, and would be kept from every step until then
    (Chen et al., 2016).
    """

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        with tf.control_dependencies([upstream]):
            energies = _energies(keys, query)
        flat, column = tf.reshape(energies, [-1, keys.shape[2]]), tf.reshape(upstream, [-1, 1])
        to_scorer = tf.matmul(flat, column, transpose_a=True)  # [D, NT] · [NT, 1]
        to_energies = upstream[:, :, tf.newaxis] * scorer[:, 0]  # [N, T, D]
        to_sum = tf.raw_ops.TanhGrad(y=energies, dy=to_energies)
        return to_sum, tf.reduce_sum(to_sum, axis=1), to_scorer

    return _scores(keys, query, scorer), gradient


def decoder_inputs(targets: tf.Tensor) -> tf.Tensor:
    """What a teacher-forced decoder is fed: GO, then the targets but the last. `[N, S]`."""
    return tf.pad(targets[:, :-1], [[0, 0], [1, 0]], constant_values=GO_ID)
