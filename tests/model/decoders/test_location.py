"""Tests the location-aware decoder against the same computation in NumPy."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from helpers import load_noise, lstm, noise

from aocr.charset import EOS_ID, GO_ID
from aocr.config import Config
from aocr.model.decoders.location import LOCATION_WIDTH, LocationDecoder
from aocr.model.encoder import Memory

BATCH, COLUMNS, HIDDEN = 3, 5, 4
LENGTHS = np.array([5, 2, 3])
ONE_LAYER = Config(
    characters="ABCD",
    max_prediction=4,
    attn_num_layers=1,
    attn_num_hidden=HIDDEN,
    target_embedding_size=2,
    attention="location",
)
CONFIGS = {
    "one layer": ONE_LAYER,
    "two layers": dataclasses.replace(ONE_LAYER, attn_num_layers=2),
}
INPUTS = np.array([[GO_ID, 3, 4, 2, 0, 0], [GO_ID, 5, 2, 0, 0, 0], [GO_ID, 6, 6, 6, 3, 2]])
STEPS = ONE_LAYER.decoder_steps


def memory_of(config, padded=True):
    units = config.encoder_units
    is_padding = np.arange(COLUMNS)[np.newaxis] >= LENGTHS[:, np.newaxis]
    values = noise("memory", BATCH, COLUMNS, 2 * units)
    return Memory(values, noise("state", BATCH, 4 * units), is_padding if padded else None)


def constants(memory):
    return Memory(*(None if value is None else tf.constant(value) for value in memory))


class Model:
    """A decoder whose weights and memory are noise."""

    def __init__(self, config, padded=True):
        self.config, self.memory = config, memory_of(config, padded)
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            decoder = LocationDecoder(config, constants(self.memory))
            forced = decoder.teacher_forced_logits(tf.constant(INPUTS, tf.int32))
            fetches = forced, decoder.decode(stop_at_eos=False)
            self.variables = load_noise(session)
            self.forced, self.greedy = session.run(fetches)


class Twin:
    """Computes the decoder in NumPy, step by step."""

    def __init__(self, model):
        prefix = "location_decoder/"
        self.weights = {name.removeprefix(prefix): value for name, value in model.variables.items()}
        memory = model.memory
        lengths = LENGTHS if memory.is_padding is not None else np.full(BATCH, COLUMNS)
        self.memory = np.pad(memory.values, [[0, 0], [0, 1], [0, 0]])
        self.memory[np.arange(BATCH), lengths] = self.weights["end_mark"][0]
        self.outside = np.arange(COLUMNS + 1)[np.newaxis] > lengths[:, np.newaxis]
        state = np.tanh(self.dense("initial_state", memory.state))
        self.layers = np.split(state, model.config.attn_num_layers, axis=1)
        self.context = np.zeros([BATCH, self.memory.shape[2]])
        self.attention = np.zeros([BATCH, COLUMNS + 1])
        self.coverage = np.zeros([BATCH, COLUMNS + 1])

    def dense(self, name, x):
        return x @ self.weights[f"{name}/kernel"] + self.weights[f"{name}/bias"]

    def step(self, symbols):
        """Returns the logits `[N, V]` and the attention `[N, T + 1]` for symbols `[N]`."""
        embedded = self.weights["embedding"][symbols]
        x = self.dense("input_projection", np.concatenate([embedded, self.context], axis=1))
        for number, state in enumerate(self.layers):
            kernel, bias = (
                self.weights[f"layer{number}/basic_lstm_cell/{name}"] for name in ("kernel", "bias")
            )
            c, x = lstm(x, *np.split(state, 2, axis=1), kernel, bias)
            self.layers[number] = np.concatenate([c, x], axis=1)
        self.attend(x)
        self.context = np.einsum("nt,ntd->nd", self.attention, self.memory)
        return self.dense("output", np.concatenate([x, self.context], axis=1)), self.attention

    def attend(self, query):
        energies = self.memory @ self.weights["attention/key_kernel"] + self.location()
        energies = np.tanh(energies + self.dense("attention/query", query)[:, np.newaxis])
        scores = (energies @ self.weights["attention/scorer"])[:, :, 0]
        exponentials = np.where(self.outside, 0, np.exp(scores))
        self.attention = exponentials / exponentials.sum(axis=1, keepdims=True)
        self.coverage = self.coverage + self.attention

    def location(self):
        """Correlates the last and the summed attention with the location kernel."""
        margin = LOCATION_WIDTH // 2
        before = np.stack([self.attention, self.coverage], axis=2)
        padded = np.pad(before, [[0, 0], [margin, margin], [0, 0]])
        windows = np.stack([padded[:, t : t + LOCATION_WIDTH] for t in range(COLUMNS + 1)], axis=1)
        return np.einsum("ntkc,kch->nth", windows, self.weights["attention/location_kernel"])


@pytest.fixture(scope="module", params=CONFIGS)
def model(request):
    return Model(CONFIGS[request.param])


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


def test_teacher_forced_logits(model):
    twin = Twin(model)
    for step in range(STEPS):
        logits, _ = twin.step(INPUTS[:, step])
        close(model.forced[:, step], logits)


@pytest.mark.parametrize("padded", [True, False])
def test_greedy_logits_symbols_and_attention(padded):
    model = Model(ONE_LAYER, padded)
    twin, symbols = Twin(model), np.full(BATCH, GO_ID)
    for step in range(STEPS):
        logits, attention = twin.step(symbols)
        symbols = logits.argmax(axis=1)
        close(model.greedy.logits[:, step], logits)
        close(model.greedy.attention[:, step], attention[:, :COLUMNS])
        assert (model.greedy.symbols[:, step] == symbols).all()


def test_nothing_behind_the_end_mark_is_attended_to(model):
    for row, length in enumerate(LENGTHS):
        assert not model.greedy.attention[row, :, length + 1 :].any()
        assert (model.greedy.attention[row, :, :length] > 0).all()


def test_each_layer_has_weights_of_its_own():
    names = Model(CONFIGS["two layers"]).variables
    assert sum("basic_lstm_cell/kernel" in name for name in names) == 2


def test_both_directions_of_the_encoder_reach_the_decoder():
    config = ONE_LAYER
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        memory = constants(memory_of(config))
        logits = LocationDecoder(config, memory).teacher_forced_logits(
            tf.constant(INPUTS, tf.int32)
        )
        (gradient,) = tf.gradients(logits, memory.state)
        load_noise(session)
        assert (session.run(gradient) != 0).all()


def test_decoding_stops_when_every_image_has_its_end():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        decoder = LocationDecoder(ONE_LAYER, constants(memory_of(ONE_LAYER)))
        decoding = decoder.decode()
        load_noise(session)
        for variable in tf.compat.v1.global_variables():
            if variable.op.name == "location_decoder/output/bias":
                variable.load(100.0 * np.eye(ONE_LAYER.vocab_size)[EOS_ID], session)
        logits = session.run(decoding.logits)
    assert logits[:, 0].any()
    assert not logits[:, 1:].any()
