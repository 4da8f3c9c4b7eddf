"""Runs the loops over the steps of both attention decoders, and computes their loss.

Each step reads a symbol and the state of the step before. In training the symbol is that of the
label, otherwise the one that was chosen in the step before. Axes: N images, S decoder steps, T
columns, V symbols of the vocabulary, H hidden units, E embedding size, D memory depth.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import tensorflow as tf

from aocr.charset import EOS_ID, GO_ID, PAD_ID
from aocr.config import Config
from aocr.model import rnn_cells
from aocr.model.decoders.common import after_eos, has_label
from aocr.model.search.prefix_scorer import AttentionScorer, ScoredStep

WEIGHT_EPSILON = 1e-12
"""Added to the sum of the weights, so that an example of padding only has a loss of zero."""

Choice: TypeAlias = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""Chooses the symbols of a step, int32 `[N]`, by the step's number and its logits `[N, V]`."""


class GreedyDecoding(NamedTuple):
    """Holds the result of decoding step by step with the most probable symbol of each step.

    With `stop_at_eos`, the steps after every image has had an EOS are not computed, and hold zeros.

    Attributes:
        symbols: int32 `[N, S]`, the most probable symbol of each step.
        logits: float32 `[N, S, V]`.
        attention: float32 `[N, S, T]`; the weights of a step sum to at most 1 over the columns.
    """

    symbols: tf.Tensor
    logits: tf.Tensor
    attention: tf.Tensor

    def _probabilities_of_symbols(self) -> tf.Tensor:
        return tf.reduce_max(tf.nn.softmax(self.logits), axis=2)  # [N, S, V] --> [N, S]

    def step_probabilities(self) -> tf.Tensor:
        """Returns the probability of each step's symbol given those before it, see `Decoding`."""
        probabilities = self._probabilities_of_symbols()
        return tf.where(after_eos(self.symbols), tf.ones([], tf.float32), probabilities)

    def probability(self) -> tf.Tensor:
        """Returns the product of the steps' probabilities up to and including the first EOS.

        Without an EOS, it is that of all steps: as in 0.7.6, no step is left for the end.
        """
        return tf.reduce_prod(tf.cast(self.step_probabilities(), tf.float64), axis=1)


class ForcedDecoding(GreedyDecoding):
    """Holds the result of decoding given texts: their characters, EOS, then padding."""

    def _probabilities_of_symbols(self) -> tf.Tensor:
        return tf.gather(tf.nn.softmax(self.logits), self.symbols, batch_dims=2)


class Step(NamedTuple):
    """Holds the result of one step.

    Attributes:
        output: float32 `[N, H + D]`, the last layer's output and the context.
        state: tensors `[N, ...]`, which the next step continues from.
        attention: float32 `[N, T]`.
    """

    output: tf.Tensor
    state: Any
    attention: tf.Tensor


class AttentionDecoder(abc.ABC):
    """Decodes one memory step by step, see `Decoder`.

    A subclass has `step`, and calls this constructor once it has created its variables.

    Args:
        config: the number of steps and the sizes of the layers.
        embedding: float32 `[V, E]`, a variable.
        output: the layer from a step's output to logits, `[N, H + D] --> [N, V]`.
        initial_state: tensors `[N, ...]`, the state before the first step.
        columns: the number of columns that the attention of a step has; None if it varies.
    """

    def __init__(
        self,
        config: Config,
        embedding: tf.Variable,
        output: rnn_cells.Dense,
        initial_state: Any,
        columns: int | None,
    ) -> None:
        self._steps, self._vocab_size = config.decoder_steps, config.vocab_size
        self._embedding, self._output = embedding, output
        self._initial_state, self._columns = initial_state, columns

    @abc.abstractmethod
    def step(self, inputs: tf.Tensor, state: Any, is_training: bool = False) -> Step:
        """Computes one step.

        Args:
            inputs: float32 `[N, ...]`, the symbols of the step before, see `inputs_of`.
            state: tensors `[N, ...]`, the state of the step before.
            is_training: whether gradients are computed.
        """

    @abc.abstractmethod
    def of_images(self, image: tf.Tensor) -> AttentionDecoder:
        """Returns the decoder of the memories of some images, int32 `[M]`, which may repeat."""

    def inputs_of(self, embedded: tf.Tensor) -> tf.Tensor:
        """Returns what a step reads of embedded symbols, float32 `[..., E] --> [..., X]`."""
        return embedded

    def losses(self, targets: tf.Tensor, label_smoothing: float = 0.0) -> tf.Tensor:
        """Returns the loss of each image with the right symbol fed into every step."""
        logits = self.teacher_forced_logits(decoder_inputs(targets))
        return sequence_losses(logits, targets, label_smoothing)

    def writes(self, targets: tf.Tensor) -> tf.Tensor:
        """Returns whether each label is within the limits of the model."""
        return has_label(targets)

    def teacher_forced_logits(self, symbols: tf.Tensor) -> tf.Tensor:
        """Decodes with each step's input given, as training does.

        Args:
            symbols: int32 `[N, S]`, see `decoder_inputs`.

        Returns:
            float32 `[N, S, V]`.
        """
        embedded = tf.nn.embedding_lookup(self._embedding, tf.transpose(symbols))
        inputs = self.inputs_of(embedded)  # [S, N, E] --> [S, N, X]
        step_inputs = self._array(inputs.shape[2]).unstack(inputs)

        def step(t, state, outputs):
            done = self.step(step_inputs.read(t), state, is_training=True)
            return t + 1, done.state, outputs.write(t, done.output)

        *_, outputs = tf.while_loop(
            lambda t, *_: t < self._steps,
            step,
            (0, self._initial_state, self._array(self._output.kernel.shape[0])),
            maximum_iterations=self._steps,
        )
        kernel, bias = self._output
        logits = tf.tensordot(outputs.stack(), kernel, axes=1) + bias  # [S, N, H + D] --> [S, N, V]
        return tf.transpose(logits, [1, 0, 2])  # [S, N, V] --> [N, S, V]

    def decode(self, stop_at_eos: bool = True) -> GreedyDecoding:
        """Decodes from GO on; each step's most probable symbol is the input of the next step.

        Args:
            stop_at_eos: stop once every image of the batch has its EOS. Symbols after an EOS are
                never trained and never printed.
        """
        return self._decode(_most_probable, stop_at_eos)

    def follow(self, symbols: tf.Tensor) -> ForcedDecoding:
        """Decodes given texts, see `Decoder`."""
        return ForcedDecoding(*self._decode(lambda t, logits: symbols[:, t], stop_at_eos=True))

    def _decode(self, choose: Choice, stop_at_eos: bool) -> GreedyDecoding:
        """Decodes from GO on; the symbol that is chosen by step and logits is the next input."""
        inputs = self.inputs_of(tf.convert_to_tensor(self._embedding))  # [V, E] --> [V, X]

        def unfinished(t, symbol, ended, *_):
            return (t < self._steps) & ~(stop_at_eos & tf.reduce_all(ended))

        def step(t, symbol, ended, state, arrays):
            done = self.step(tf.gather(inputs, symbol), state)
            logits = self._output(done.output)
            symbol = choose(t, logits)
            values = symbol, logits, done.attention
            arrays = tuple(a.write(t, v) for a, v in zip(arrays, values, strict=True))
            return t + 1, symbol, ended | tf.equal(symbol, EOS_ID), done.state, arrays

        batch = tf.shape(tf.nest.flatten(self._initial_state)[0])[:1]
        arrays = (
            tf.TensorArray(tf.int32, self._steps, element_shape=[None]),
            self._array(self._vocab_size),
            self._array(self._columns),
        )
        loop = (0, tf.fill(batch, GO_ID), tf.fill(batch, False), self._initial_state, arrays)
        *_, arrays = tf.while_loop(unfinished, step, loop, maximum_iterations=self._steps)
        symbols, logits, attention = (array.stack() for array in arrays)
        return GreedyDecoding(
            symbols=tf.transpose(symbols),  # [S, N] --> [N, S]
            logits=tf.transpose(logits, [1, 0, 2]),  # [S, N, V] --> [N, S, V]
            attention=tf.transpose(attention, [1, 0, 2]),
        )

    def prefix_scorer(self) -> AttentionScorer:
        """Returns what a search needs, see `Decoder`."""
        inputs = self.inputs_of(tf.convert_to_tensor(self._embedding))
        return AttentionScorer(inputs, self._initial_state, self._search_step)

    def _search_step(self, image: tf.Tensor, inputs: tf.Tensor, state: Any) -> ScoredStep:
        """Computes one step of images, int32 `[M]`, which may repeat; see `AttentionScorer`."""
        done = self.of_images(image).step(inputs, state)
        return ScoredStep(self._output(done.output), done.state)

    def _array(self, depth: int | None) -> tf.TensorArray:
        """Returns an empty array for one float32 `[N, depth]` a step."""
        return tf.TensorArray(tf.float32, self._steps, element_shape=[None, depth])


def _most_probable(step: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Chooses the most probable symbols, see `Choice`."""
    del step
    return tf.argmax(logits, axis=1, output_type=tf.int32)


def decoder_inputs(targets: tf.Tensor) -> tf.Tensor:
    """Returns the teacher-forced inputs of the targets: GO, then all targets but the last.

    Args:
        targets: int32 `[N, S]`.

    Returns:
        int32 `[N, S]`.
    """
    return tf.pad(targets[:, :-1], [[0, 0], [1, 0]], constant_values=GO_ID)


def sequence_losses(
    logits: tf.Tensor, targets: tf.Tensor, label_smoothing: float = 0.0
) -> tf.Tensor:
    """Returns each example's mean cross-entropy over its characters and its EOS.

    Args:
        logits: float32 `[N, S, V]`.
        targets: int32 `[N, S]`; steps that hold padding have no weight.
        label_smoothing: share of a target's probability that is spread evenly over all `V` symbols,
            the special ones and the target itself included (Szegedy et al., 2016).

    Returns:
        float32 `[N]`, in nats; zero for an example of padding only.
    """
    weights = tf.cast(tf.not_equal(targets, PAD_ID), tf.float32)
    entropies = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=logits)
    if label_smoothing:
        spread = _cross_entropy_with_uniform(logits)
        entropies = (1 - label_smoothing) * entropies + label_smoothing * spread
    totals = tf.reduce_sum(weights * entropies, axis=1)
    return totals / (tf.reduce_sum(weights, axis=1) + WEIGHT_EPSILON)


def _cross_entropy_with_uniform(logits: tf.Tensor) -> tf.Tensor:
    """Returns the mean of `-log p` over the symbols: `[N, S, V]` --> `[N, S]`."""
    return tf.reduce_logsumexp(logits, axis=2) - tf.reduce_mean(logits, axis=2)
