"""Tests the attention decoder against the same computation in NumPy."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from helpers import count_nodes, gru, load_noise, lstm, noise

from aocr.charset import EOS_ID, GO_ID
from aocr.config import Config
from aocr.model.decoders.content import ContentDecoder
from aocr.model.encoder import Memory

BATCH, COLUMNS, HIDDEN, VOCAB_SIZE = 3, 5, 4, 7
ONE_LAYER = Config(
    characters="ABCD",
    max_prediction=4,
    attn_num_layers=1,
    attn_num_hidden=HIDDEN,
    target_embedding_size=2,
)
CONFIGS = {
    "one LSTM layer": ONE_LAYER,
    "two LSTM layers": dataclasses.replace(ONE_LAYER, attn_num_layers=2),
    "one GRU layer": dataclasses.replace(ONE_LAYER, use_gru=True),
    "two GRU layers": dataclasses.replace(ONE_LAYER, attn_num_layers=2, use_gru=True),
}
STEPS = ONE_LAYER.decoder_steps
INPUTS = np.array([[GO_ID, 3, 4, 2, 0, 0], [GO_ID, 5, 2, 0, 0, 0], [GO_ID, 6, 6, 6, 3, 2]])


def memory_of(config, batch=BATCH):
    units = config.encoder_units
    values = noise("memory", batch, COLUMNS, 2 * units)
    return Memory(values, noise("state", batch, 4 * units))


class Model:
    """A decoder whose weights and memory are noise."""

    def __init__(self, config):
        self.config, self.memory = config, memory_of(config)
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            decoder = ContentDecoder(config, Memory(*map(tf.constant, self.memory[:2])))
            forced = decoder.teacher_forced_logits(tf.constant(INPUTS, tf.int32))
            fetches = forced, decoder.decode(stop_at_eos=False)
            self.variables = load_noise(session)
            self.forced, self.greedy = session.run(fetches)

    def twin(self):
        return Twin(self.config, self.memory, self.variables)


class Twin:
    """Computes the decoder in NumPy, step by step."""

    def __init__(self, config, memory, variables):
        self.config, self.memory = config, memory.values
        prefix = "embedding_attention_decoder/"
        self.weights = {name.removeprefix(prefix): value for name, value in variables.items()}
        self.state_size = config.attn_num_layers * HIDDEN * (1 if config.use_gru else 2)
        self.state = memory.state[:, : self.state_size]
        self.context = np.zeros_like(memory.values[:, 0])

    def get(self, *names):
        return [self.weights[f"attention_decoder/{name}"] for name in names]

    def step(self, symbols):
        """Returns the logits `[N, V]` and the attention `[N, T]` for symbols `[N]`."""
        kernel, bias = self.get("kernel", "bias")
        embedded = self.weights["embedding"][symbols]
        top = self.stack(np.concatenate([embedded, self.context], axis=1) @ kernel + bias)
        attention = self.attention()
        self.context = np.einsum("nt,ntd->nd", attention, self.memory)
        kernel, bias = self.get("AttnOutputProjection/kernel", "AttnOutputProjection/bias")
        return np.concatenate([top, self.context], axis=1) @ kernel + bias, attention

    def stack(self, x):
        """Computes the layers, which share one cell; a layer's state is `[c, h]`."""
        cell = "multi_rnn_cell/cell_0/"
        states = []
        for state in np.split(self.state, self.config.attn_num_layers, axis=1):
            if self.config.use_gru:
                parts = ("gates/kernel", "gates/bias", "candidate/kernel", "candidate/bias")
                x = gru(x, state, *self.get(*(f"{cell}gru_cell/{part}" for part in parts)))
                states.append(x)
            else:
                weights = self.get(f"{cell}basic_lstm_cell/kernel", f"{cell}basic_lstm_cell/bias")
                c, x = lstm(x, *np.split(state, 2, axis=1), *weights)
                states += [c, x]
        self.state = np.concatenate(states, axis=1)
        return x

    def attention(self):
        """Returns the weight of every column, from the whole new state."""
        key, kernel, bias, v = self.get(
            "AttnW_0", "Attention_0/kernel", "Attention_0/bias", "AttnV_0"
        )
        query = self.state @ kernel + bias
        scores = np.tanh(self.memory @ key[0, 0] + query[:, np.newaxis]) @ v
        exponentials = np.exp(scores)
        return exponentials / exponentials.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module", params=CONFIGS.values(), ids=CONFIGS.keys())
def model(request):
    return Model(request.param)


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


# The numbers


def test_teacher_forced_logits(model):
    twin = model.twin()
    for step in range(STEPS):
        logits, _ = twin.step(INPUTS[:, step])
        close(model.forced[:, step], logits)


def test_greedy_logits_symbols_and_attention(model):
    twin = model.twin()
    symbols = np.full(BATCH, GO_ID)
    for step in range(STEPS):
        logits, attention = twin.step(symbols)
        symbols = logits.argmax(axis=1)
        close(model.greedy.logits[:, step], logits)
        close(model.greedy.attention[:, step], attention)
        np.testing.assert_array_equal(model.greedy.symbols[:, step], symbols)


def test_shapes(model):
    assert model.forced.shape == (BATCH, STEPS, VOCAB_SIZE)
    assert model.greedy.symbols.shape == (BATCH, STEPS)
    assert model.greedy.logits.shape == (BATCH, STEPS, VOCAB_SIZE)
    assert model.greedy.attention.shape == (BATCH, STEPS, COLUMNS)
    close(model.greedy.attention.sum(axis=2), np.ones([BATCH, STEPS]))


def test_teacher_forcing_the_greedy_symbols_gives_the_greedy_logits():
    config = CONFIGS["two LSTM layers"]
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        decoder = ContentDecoder(config, Memory(*map(tf.constant, memory_of(config)[:2])))
        greedy = decoder.decode(stop_at_eos=False)
        inputs = tf.pad(greedy.symbols[:, :-1], [[0, 0], [1, 0]], constant_values=GO_ID)
        forced = decoder.teacher_forced_logits(inputs)
        load_noise(session)
        greedy_logits, forced_logits = session.run((greedy.logits, forced))
    close(forced_logits, greedy_logits)


# The initial state


@pytest.mark.parametrize(
    ("name", "arrives"),
    [
        ("one LSTM layer", 2 * HIDDEN),  # the forward c and h
        ("two LSTM layers", 4 * HIDDEN),  # the forward c and h, of twice as many units
        ("one GRU layer", HIDDEN),  # the forward c
        ("two GRU layers", 2 * HIDDEN),  # the forward c, of twice as many units
    ],
)
def test_only_the_first_numbers_of_the_encoder_state_arrive(name, arrives):
    config = CONFIGS[name]
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        memory = Memory(*map(tf.constant, memory_of(config)[:2]))
        logits = ContentDecoder(config, memory).teacher_forced_logits(tf.constant(INPUTS, tf.int32))
        (gradient,) = tf.gradients(logits, memory.state)
        load_noise(session)
        matters = session.run(gradient).any(axis=0)
    assert matters[:arrives].all()
    assert not matters[arrives:].any()


# Stopping


def test_steps_after_the_last_eos_of_the_batch_are_zeros():
    """Decodes three images greedily that end after the second, first and third step."""
    ends = np.array([2, 1, 3])
    stopped, through = scripted_greedy(ends, True), scripted_greedy(ends, False)
    np.testing.assert_array_equal(first_eos(stopped.symbols), ends)
    for part, whole in zip(stopped, through, strict=True):
        np.testing.assert_array_equal(part[:, : max(ends)], whole[:, : max(ends)])
        assert not part[:, max(ends) :].any()
    assert through.logits[:, max(ends) :].any(axis=2).all()
    assert through.attention[:, max(ends) :].any(axis=2).all()


def test_an_image_without_eos_takes_all_steps():
    stopped = scripted_greedy(np.array([2, 99]), True)
    assert stopped.logits.any(axis=2).all()
    assert EOS_ID not in stopped.symbols[1]


def first_eos(symbols):
    """Returns the step, counted from 1, of each row's first EOS in `[N, S]`."""
    return (symbols == EOS_ID).argmax(axis=1) + 1


def scripted_greedy(ends, stop_at_eos):
    """Decodes greedily with weights that predict EOS from a given step on, for each image."""
    config = ONE_LAYER
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        values, state, _ = memory_of(config, len(ends))
        state[:, 0] = ends - 0.5  # becomes the first cell, which counts down by one a step
        memory = Memory(tf.constant(values), tf.constant(state))
        greedy = ContentDecoder(config, memory).decode(stop_at_eos)
        load_noise(session)
        load_countdown(session)
        return session.run(greedy)


def load_countdown(session):
    """Loads weights by which cell 0 loses one a step, and EOS is probable once it is negative."""
    i, j, f, o = np.full([4, HIDDEN], 50, np.float32)  # all gates open
    j[0] = -50  # tanh is -1
    projection = np.zeros([HIDDEN + 2 * ONE_LAYER.encoder_units, VOCAB_SIZE], np.float32)
    projection[0, EOS_ID] = -100
    variable("basic_lstm_cell/kernel").load(np.zeros([2 * HIDDEN, 4 * HIDDEN]), session)
    variable("basic_lstm_cell/bias").load(np.concatenate([i, j, f, o]), session)
    variable("AttnOutputProjection/kernel").load(projection, session)


def variable(end):
    """Returns the decoder's variable whose name ends in this way."""
    (found,) = (v for v in tf.compat.v1.global_variables() if v.op.name.endswith(end))
    return found


# The size of the graph


@pytest.mark.parametrize("unroll", ["teacher_forced", "greedy"])
def test_graph_does_not_grow_with_the_longest_label(unroll):
    assert nodes(unroll, max_prediction=8) == nodes(unroll, max_prediction=170)


def nodes(unroll, max_prediction):
    config = dataclasses.replace(ONE_LAYER, max_prediction=max_prediction)
    with tf.Graph().as_default() as graph:
        decoder = ContentDecoder(config, Memory(*map(tf.constant, memory_of(config)[:2])))
        if unroll == "greedy":
            decoder.decode()
        else:
            decoder.teacher_forced_logits(tf.zeros([BATCH, config.decoder_steps], tf.int32))
        return count_nodes(graph)
