"""Compares the model with aocr 0.7.6: equal weights must give equal numbers.

`golden/*.npz` and `*.json` were recorded from 0.7.6 on TensorFlow 1.15. A formula of the
variable's name gives each weight, see `weight`.
"""

import json
import pathlib
import zlib

import numpy as np
import pytest
import tensorflow as tf
from helpers import load_values, records_of

from aocr.charset import DIGITS_AND_CAPITALS, EOS_ID, FULL_ASCII
from aocr.config import Config
from aocr.data.labels import encode_label
from aocr.data.records import schema
from aocr.inference.graph import build_serving_graph
from aocr.training.graph import build_train_graph
from aocr.training.options import TrainingOptions
from aocr.training.start.step_plan import StepPlan

GOLDEN = pathlib.Path(__file__).parent / "golden"
CASES = ("default", "three_layers", "gru_color_ascii")


def weight(name, shape):
    """Returns a weight of the recorded models: uniform noise, seeded by the variable's name."""
    noise = np.random.RandomState(zlib.crc32(name.encode()) & 0xFFFFFFFF)
    u = noise.uniform(-1.0, 1.0, size=shape).astype("f4")
    leaf = name.split("/")[-1]
    if leaf in ("gamma", "moving_variance"):
        return 1 + 0.5 * u
    if leaf in ("bias", "beta", "moving_mean"):
        return 0.1 * u
    if name.endswith(("AttnV_0", "embedding")):
        return u
    recurrent = name.startswith(("bidirectional_rnn", "embedding_attention_decoder"))
    return u * np.float32((4.0 if recurrent else 1.4) * np.sqrt(3.0 / np.prod(shape[:-1])))


def set_weights(session):
    """Gives every float variable its recorded value, except the optimizer's."""
    values = {
        variable.op.name: weight(variable.op.name, variable.shape.as_list())
        for variable in tf.compat.v1.global_variables()
        if variable.dtype == tf.float32 and "Adadelta" not in variable.name
    }
    load_values(session, values)


class Case:
    """Holds one recorded model: its config, its numbers, and its images."""

    def __init__(self, name):
        self.facts = json.loads((GOLDEN / f"{name}.json").read_text())
        self.numbers = np.load(GOLDEN / f"{name}.npz")
        c = self.facts["config"]
        self.config = Config(
            max_width=c["max_image_width"],
            max_height=c["max_image_height"],
            max_prediction=c["max_prediction_length"],
            characters=FULL_ASCII if self.facts["full_ascii"] else DIGITS_AND_CAPITALS,
            channels=c["channels"],
            use_gru=c["use_gru"],
            attn_num_layers=c["attn_num_layers"],
            attn_num_hidden=c["attn_num_hidden"],
            target_embedding_size=c["target_embedding_size"],
        )
        self.images = [(GOLDEN / "images" / f).read_bytes() for f in self.facts["files"]]


@pytest.fixture(scope="module", params=CASES)
def case(request):
    return Case(request.param)


class Outputs:
    """Holds the serving graph's outputs for a case's images as one batch, with all decoder steps.

    Also measures how much float32 noise grows: the CNN's output is changed by a millionth, several
    times. Untrained recurrent weights of this size are chaotic: the GRU's attention to one of the
    images triples any noise at every step, in 0.7.6 too.
    """

    SHAKES = 8

    def __init__(self, case):
        model = build_serving_graph(case.config, stop_at_eos=False)
        fetches = {name: value for name, value in model._asdict().items() if value is not None}
        fetches |= {"graph": [], "input": []}
        with model.graph.as_default(), tf.compat.v1.Session() as session:
            set_weights(session)
            self.read = session.run(fetches, {model.input: case.images})
            features = np.concatenate([self.read["features"]] * self.SHAKES)
            signs = np.random.RandomState(0).choice([-1, 1], features.shape)
            feed = {model.input: case.images * self.SHAKES}
            feed[model.features] = (features * (1 + 1e-6 * signs)).astype("f4")
            self.shaken = session.run(fetches, feed)

    def noise(self, get):
        """Returns the largest change of `get`'s values `[N, ...]` over all shakes, `[N, ...]`."""
        read, shaken = get(self.read), get(self.shaken)
        return np.abs(shaken.reshape(self.SHAKES, *read.shape) - read).max(axis=0)


@pytest.fixture(scope="module")
def outputs(case):
    return Outputs(case)


@pytest.fixture(scope="module")
def read(outputs):
    return outputs.read


def close(actual, expected, noise=0.0):
    """Compares to a thousandth of the largest value, or to ten times the noise if that is more."""
    tolerance = np.maximum(1e-3 * np.abs(expected).max(), 10 * noise)
    worst = (np.abs(actual - expected) / tolerance).max()
    assert worst <= 1, f"off by {worst:.2f} times the tolerance"


def close_by_step(outputs, get, expected):
    """Compares `[N, S, ...]` as `close` does, with the noise of each image and step."""
    noise = outputs.noise(get).max(axis=2, keepdims=True)
    close(get(outputs.read), expected, np.maximum.accumulate(noise, axis=1))


def test_variables_have_the_names_and_shapes_of_0_7_6(case):
    with build_serving_graph(case.config).graph.as_default():
        ours = {
            v.op.name: [v.shape.as_list(), v.dtype.base_dtype.name]
            for v in tf.compat.v1.global_variables()
        }
    theirs = dict(case.facts["variables"])
    theirs.pop("Variable")  # the global step, which a graph that only reads does not have
    assert ours == theirs


def test_prepared_pixels(case, read):
    np.testing.assert_array_equal(read["prepared"].pixels, case.numbers["prepared"])


def test_cnn(case, read):
    close(read["features"], case.numbers["conv"])


def test_logits(case, outputs):
    close_by_step(outputs, lambda read: read["decoding"].logits, case.numbers["logits"])


def test_attention(case, outputs):
    close_by_step(outputs, lambda read: read["transcription"].attention, case.numbers["attention"])


def test_first_step_is_free_of_noise(case, read):
    close(read["decoding"].logits[:, 0], case.numbers["logits"][:, 0])
    close(read["transcription"].attention[:, 0], case.numbers["attention"][:, 0])


def test_text(case, read):
    assert [text.decode() for text in read["output"]] == case.facts["prediction"]


def test_probability_of_0_7_6_is_the_product_over_all_steps(case, outputs):
    def log_probability(read):
        return np.log(best_probabilities(read)).sum(axis=1)

    expected = np.log(case.facts["probability"])
    error = np.abs(log_probability(outputs.read) - expected)
    assert (error <= np.maximum(1e-3, 10 * outputs.noise(log_probability))).all()


def test_our_probability_ends_with_the_first_eos(case, read):
    symbols = read["decoding"].symbols
    ends = [list(row).index(EOS_ID) + 1 if EOS_ID in row else len(row) for row in symbols]
    steps = best_probabilities(read)
    expected = [np.prod(row[:end]) for row, end in zip(steps, ends, strict=True)]
    np.testing.assert_allclose(read["probability"], expected, rtol=1e-5)


def best_probabilities(read):
    """Returns the probability of each step's most probable symbol, `[N, S]`, by NumPy."""
    logits = read["decoding"].logits.astype("f8")
    exponentials = np.exp(logits - logits.max(axis=2, keepdims=True))
    return (exponentials / exponentials.sum(axis=2, keepdims=True)).max(axis=2)


def test_stopping_early_reads_the_same(case, read):
    model = build_serving_graph(case.config)
    with model.graph.as_default(), tf.compat.v1.Session() as session:
        set_weights(session)
        feed = {model.input: case.images}
        texts, probabilities = session.run([model.output, model.probability], feed)
    assert list(texts) == list(read["output"])
    np.testing.assert_allclose(probabilities, read["probability"], rtol=1e-5)


def test_teacher_forced_loss_and_gradients(case, tmp_path):
    dataset = str(tmp_path / "golden.tfrecords")
    with tf.io.TFRecordWriter(dataset) as writer:
        for image, label in zip(case.images, case.facts["labels"], strict=True):
            writer.write(schema.serialize(image, label))
    records = records_of([dataset], config=case.config)
    model = build_train_graph(case.config, TrainingOptions(), records, StepPlan(0, 0, 1))
    with model.graph.as_default(), tf.compat.v1.Session() as session:
        session.run(tf.compat.v1.global_variables_initializer())
        set_weights(session)
        labels = [label.encode() for label in case.facts["labels"]]
        targets = session.run([encode_label(label, case.config) for label in labels])
        feed = {model.features: case.numbers["conv"], model.batch.targets: np.stack(targets)}
        expected = case.facts["teacher_forced_grad_norm"]
        norms = {
            name: tf.norm(tf.convert_to_tensor(model.update.gradients[name])) for name in expected
        }
        loss, norms = session.run([model.loss, norms], feed)
    assert loss == pytest.approx(case.facts["teacher_forced_loss"], rel=1e-3)
    assert norms == pytest.approx(expected, rel=1e-3)
