"""The attention decoder of 0.7.6: columns to symbols (docs/compatibility.md, "Decoder").

Each step's attention vector is fed into the next step (Bahdanau et al., 2015; Vinyals et al.,
2015). The attention is additive, and its query is the decoder's whole state after its cells. Axes:
N images, S decoder steps, T columns, V symbols of the vocabulary, H hidden units, E embedding size,
D memory depth, Q query size.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import tensorflow as tf

from aocr.config import Config
from aocr.model import rnn_cells, variable_names
from aocr.model.decoders.attention import AttentionDecoder, Step
from aocr.model.encoder import Memory
from aocr.model.rnn_cells import Dense, create_dense


class _Weights(NamedTuple):
    embedding: tf.Variable  # [V, E]
    symbol_kernel: tf.Tensor  # [E, H]
    context_kernel: tf.Tensor  # [D, H]
    input_bias: tf.Tensor  # [H]
    stack: rnn_cells.SharedCellStack
    attention: AttentionWeights
    output: Dense  # [N, H + D] --> [N, V]


class _State(NamedTuple):
    layers: tf.Tensor  # [N, state_size]
    context: tf.Tensor  # [N, D], of the attention


class ContentDecoder(AttentionDecoder):
    """Decodes one memory with content-based attention."""

    def __init__(self, config: Config, memory: Memory) -> None:
        """Creates the variables in the scope `embedding_attention_decoder`.

        Args:
            config: sizes of the layers and number of steps.
            memory: the encoded columns to attend to.
        """
        columns, depth = memory.values.shape[1:]
        self._weights = _create_weights(config, depth)
        self._attention = AdditiveAttention(self._weights.attention, memory)
        layers = _initial_state(memory.state, self._weights.stack.state_size)
        initial = _State(layers, tf.zeros_like(memory.values[:, 0]))
        super().__init__(config, self._weights.embedding, self._weights.output, initial, columns)

    def inputs_of(self, embedded: tf.Tensor) -> tf.Tensor:
        """Applies the embedding's part of the input projection: `[..., E] --> [..., H]`."""
        return (
            tf.tensordot(embedded, self._weights.symbol_kernel, axes=1) + self._weights.input_bias
        )

    def step(self, inputs: tf.Tensor, state: _State, is_training: bool = False) -> Step:
        """Computes one step, see `AttentionDecoder`."""
        x = inputs + tf.matmul(state.context, self._weights.context_kernel)
        output, layers = self._weights.stack(x, state.layers)
        attended = self._attention(layers, recompute_gradient=is_training)
        return Step(
            output=tf.concat([output, attended.context], axis=1),
            state=_State(layers, attended.context),
            attention=attended.weights,
        )

    def of_images(self, image: tf.Tensor) -> ContentDecoder:
        """Returns the decoder of the memories of some images, see `AttentionDecoder`."""
        rows = copy.copy(self)
        rows._attention = self._attention.of_images(image)
        return rows


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


class AttentionWeights(NamedTuple):
    """Holds the weights of the attention.

    Attributes:
        query: the layer that projects a decoder's state, `[N, Q] --> [N, D]`.
        key_kernel: float32 `[D, D]`, projects the memory.
        scorer: float32 `[D, 1]`.
    """

    query: Dense
    key_kernel: tf.Tensor
    scorer: tf.Tensor


class Attended(NamedTuple):
    """Holds the result of one attention step.

    Attributes:
        context: float32 `[N, D]`, the mean of the memory by the weights.
        weights: float32 `[N, T]`, not negative; each image's sum to 1.
    """

    context: tf.Tensor
    weights: tf.Tensor


def create_attention_weights(query_size: int, depth: int) -> AttentionWeights:
    """Creates the variables `Attention_0/{kernel,bias}`, `AttnW_0` and `AttnV_0`.

    Args:
        query_size: Q.
        depth: D.
    """
    get, glorot = tf.compat.v1.get_variable, tf.compat.v1.glorot_uniform_initializer
    with tf.compat.v1.variable_scope(variable_names.ATTENTION_QUERY_SCOPE):
        query = create_dense(query_size, depth)
    # 0.7.6 projects the memory by a 1x1 convolution: hence the first two axes.
    shape = [1, 1, depth, depth]
    key_kernel = get(variable_names.ATTENTION_KEY_KERNEL, shape, initializer=glorot())[0, 0]
    scorer = get(variable_names.ATTENTION_SCORER, [depth], initializer=glorot())[:, tf.newaxis]
    return AttentionWeights(query, key_kernel, scorer)


class AdditiveAttention:
    """Attends to one memory."""

    def __init__(self, weights: AttentionWeights, memory: Memory) -> None:
        """Projects the memory to keys, which all steps share."""
        self._weights = weights
        self._memory = memory
        # [N, T, D] --> [N, T, D]
        self._keys = tf.tensordot(memory.values, weights.key_kernel, axes=1)

    def of_images(self, image: tf.Tensor) -> AdditiveAttention:
        """Returns the attention to the memories of some images, int32 `[M]`."""
        rows, memory = copy.copy(self), self._memory
        padding = memory.is_padding
        rows._keys = tf.gather(self._keys, image)
        rows._memory = Memory(
            values=tf.gather(memory.values, image),
            state=tf.gather(memory.state, image),
            is_padding=None if padding is None else tf.gather(padding, image),
        )
        return rows

    def __call__(self, state: tf.Tensor, recompute_gradient: bool) -> Attended:
        """Scores every column against a state, and averages the memory by the scores.

        Args:
            state: float32 `[N, Q]`.
            recompute_gradient: keep memory low in training, see `recomputed_scores`.
        """
        score = recomputed_scores if recompute_gradient else additive_scores
        scores = score(self._keys, self._weights.query(state), self._weights.scorer)
        if self._memory.is_padding is not None:
            scores = tf.where(self._memory.is_padding, scores.dtype.min, scores)
        weights = tf.nn.softmax(scores)
        # [N, 1, T] · [N, T, D] --> [N, 1, D] --> [N, D]
        context = tf.squeeze(tf.matmul(weights[:, tf.newaxis], self._memory.values), axis=1)
        return Attended(context, weights)


def additive_scores(keys: tf.Tensor, query: tf.Tensor, scorer: tf.Tensor) -> tf.Tensor:
    """Returns how well each column matches a query: `scorer · tanh(keys + query)`.

    Args:
        keys: float32 `[N, T, D]`.
        query: float32 `[N, D]`.
        scorer: float32 `[D, 1]`.

    Returns:
        float32 `[N, T]`.
    """
    flat = tf.reshape(_energies(keys, query), [-1, keys.shape[2]])  # [N, T, D] --> [NT, D]
    scores = tf.reshape(tf.matmul(flat, scorer), tf.shape(keys)[:2])  # [NT, 1] --> [N, T]
    return tf.ensure_shape(scores, keys.shape[:2])


def _energies(keys: tf.Tensor, query: tf.Tensor) -> tf.Tensor:
    return tf.tanh(keys + query[:, tf.newaxis])  # [N, T, D]


@tf.custom_gradient
def recomputed_scores(keys: tf.Tensor, query: tf.Tensor, scorer: tf.Tensor):
    """Returns `additive_scores`, and computes the energies again for the gradient.

    The energies `tanh(keys + query)` are the decoder's largest tensors. Training would otherwise
    keep those of every step until its gradient is computed (Chen et al., 2016).
    """

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        # Without this dependency the executor would recompute all steps' energies at once.
        with tf.control_dependencies([upstream]):
            energies = _energies(keys, query)
        flat, column = tf.reshape(energies, [-1, keys.shape[2]]), tf.reshape(upstream, [-1, 1])
        scorer_gradient = tf.matmul(flat, column, transpose_a=True)  # [D, NT] · [NT, 1]
        energy_gradient = upstream[:, :, tf.newaxis] * scorer[:, 0]  # [N, T, D]
        key_gradient = tf.raw_ops.TanhGrad(y=energies, dy=energy_gradient)
        return key_gradient, tf.reduce_sum(key_gradient, axis=1), scorer_gradient

    return additive_scores(keys, query, scorer), gradient
