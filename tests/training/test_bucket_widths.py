"""With `bucket_widths`, padding does not count: not in reading, not in training."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from helpers import TINY, encoded, load_noise, noise, records_of, write_records

from aocr.cli.command import build_parser
from aocr.data.batches import epochs
from aocr.data.images import preprocessing
from aocr.data.records import schema
from aocr.inference.graph import build_serving_graph
from aocr.model import config_file
from aocr.model.backbones import layers, sliding_cnn
from aocr.model.encoder import encode
from aocr.training.graph import build_train_graph
from aocr.training.options import ModelChoice, Run, TrainingOptions
from aocr.training.start import model_choice
from aocr.training.start.step_plan import StepPlan
from aocr.util.errors import UserError

CONFIG = dataclasses.replace(TINY, max_width=50, bucket_widths=(12, 24))
WIDTHS = (9, 12, 13, 24, 31, 50)


def picture(width):
    return encoded(np.uint8(127 + 127 * noise(f"image {width}", 32, width)))


@pytest.fixture(scope="module")
def reading():
    """Reads images with noise for weights."""
    model = build_serving_graph(CONFIG, stop_at_eos=False)
    with model.graph.as_default(), tf.compat.v1.Session() as session:
        load_noise(session)
        yield lambda files: session.run(
            (model.features, model.decoding, model.transcription), {model.input: files}
        )


@pytest.mark.parametrize(
    ("widths", "columns"), [((9,), 3), ((12, 9), 3), ((13,), 6), ((9, 24), 6), ((9, 25), 13)]
)
def test_a_batch_is_as_wide_as_the_next_bucket(reading, widths, columns):
    features, greedy, _ = reading([picture(width) for width in widths])
    assert features.shape == (len(widths), columns, 512)
    assert greedy.attention.shape == (len(widths), 5, columns)


@pytest.mark.parametrize("width", WIDTHS)
def test_an_image_reads_the_same_alone_and_beside_wider_ones(reading, width):
    alone, together = reading([picture(width)]), reading([picture(w) for w in (width, *WIDTHS)])
    columns = -(-width // 4)
    close(together[0][0, :columns], alone[0][0, :columns])
    close(together[1].logits[0], alone[1].logits[0])
    close(together[1].attention[0, :, :columns], alone[1].attention[0, :, :columns])
    assert not together[1].attention[0, :, columns:].any()
    assert together[2].text[0] == alone[2].text[0]


def test_without_buckets_padding_counts():
    model = build_serving_graph(dataclasses.replace(CONFIG, bucket_widths=()))
    with model.graph.as_default(), tf.compat.v1.Session() as session:
        load_noise(session)
        features = session.run(model.features, {model.input: picture(9)})
    assert features.shape[1] == 13
    assert features[0, 3:].any()


def close(actual, expected):
    """Equal but for rounding, whose size is that of the largest numbers."""
    scale = np.abs(expected).max()
    np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-4 * scale)


# Training


def trained(width):
    """Loss, gradients and averages of a training step on two images, padded to a width."""
    pixels = 127 + 127 * noise("pixels", 2, 32, 24, 1)
    pixels[1, :, 12:] = 0
    beyond = 255 * np.ones([2, 32, width - 24, 1], np.float32)  # must not be looked at
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        columns = tf.constant([6, 3])
        training = layers.Training(tf.constant(0), dropout=0.0)
        images = tf.constant(np.concatenate([pixels, beyond], axis=2))
        features, statistics = sliding_cnn.extract_features(images, columns, training)
        memory = encode(features, columns, units=4)
        valid = tf.sequence_mask(columns, width // 4, tf.float32)[:, :, tf.newaxis]
        loss = tf.reduce_sum(tf.square(memory.values * valid)) + tf.reduce_sum(memory.state)
        gradients = tf.gradients(loss, tf.compat.v1.trainable_variables())
        load_noise(session)
        for layer in sliding_cnn.LAYERS:  # noise for kernels would make the features huge
            (kernel,) = [
                v for v in tf.compat.v1.trainable_variables() if v.op.name == f"{layer.scope}/W"
            ]
            kernel.load(0.03 * noise(layer.scope, *kernel.shape), session)
        averages = [statistic.batch_value for statistic in statistics]
        return session.run((loss, gradients, averages))


def test_a_training_step_is_the_same_at_any_width():
    narrow, wide = trained(24), trained(52)
    close(wide[0], narrow[0])
    for actual, expected in zip(wide[1] + wide[2], narrow[1] + narrow[2], strict=True):
        close(actual, expected)


def test_masked_batch_norm_is_that_of_what_counts():
    x = noise("x", 3, 2, 8, 5)
    with tf.Graph().as_default():
        valid = [x[n, :, :width].reshape(-1, 5) for n, width in enumerate((8, 3, 5))]
        mask = tf.sequence_mask([8, 3, 5], 8, tf.float32)[:, tf.newaxis, :, tf.newaxis]
        gamma, beta = noise("gamma", 5), noise("beta", 5)
        with tf.compat.v1.Session() as session:
            normal, mean, variance = session.run(
                layers.normalize_masked(tf.constant(x), gamma, beta, mask)
            )
    counted = np.concatenate(valid)
    close(mean, counted.mean(axis=0))
    close(variance, counted.var(axis=0, ddof=1))
    deviation = np.sqrt(counted.var(axis=0) + layers.EPSILON)
    close(normal[1, :, :3], (x[1, :, :3] - counted.mean(axis=0)) / deviation * gamma + beta)


# Batches


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    path = tmp_path_factory.mktemp("buckets") / "dataset.tfrecords"
    rows = (schema.serialize(picture(w), "AB") for w in (9, 50, 12, 24, 13, 10, 11, 31, 24, 8))
    return write_records(path, rows)


def passes(dataset, steps, **order):
    """Images and places of so many batches of two."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        records = records_of([dataset], 2, config=CONFIG)
        batches = epochs.training_batches(records, CONFIG, epochs.ShuffleOrder(seed=5, **order))
        batch = tf.compat.v1.data.make_one_shot_iterator(batches).get_next()
        cut = preprocessing.crop_to_bucket(batch.images, batch.widths, CONFIG)
        found = [session.run((cut, batch.record_indices)) for _ in range(steps)]
    return [images.shape[2] for images, _ in found], [places.tolist() for _, places in found]


BY_WIDTH = {9: 1, 50: 1, 12: 1, 24: 2, 13: 1, 10: 1, 11: 1, 31: 1, 8: 1}


def test_batches_hold_images_of_one_bucket_and_every_record_once(dataset):
    steps = epochs.batches_per_epoch(BY_WIDTH, CONFIG.widths, batch_size=2)
    assert steps == 3 + 2 + 1
    widths, places = passes(dataset, 2 * steps)
    for first in (0, steps):
        trained_on = [place for batch in places[first : first + steps] for place in batch]
        assert sorted(trained_on) == list(range(10))
        assert sorted(widths[first : first + steps]) == [12, 12, 12, 24, 24, 50]
    assert places[:steps] != places[steps:]


def test_a_pass_can_be_begun_in_its_midst(dataset):
    _, places = passes(dataset, 12)
    assert passes(dataset, 3, first_epoch=1, skipped_batches=3)[1] == places[9:]


def test_without_buckets_a_pass_has_records_over_batch_size_batches():
    assert epochs.batches_per_epoch({3: 4, 20: 6, 50: 1}, (50,), batch_size=4) == 3


# A training step


def test_the_training_graph_learns_from_every_bucket(dataset):
    options = TrainingOptions(batch_size=2, seed=1)
    records = records_of([dataset], 2, config=CONFIG)
    model = build_train_graph(CONFIG, options, records, StepPlan(1, 0, 6))
    with model.graph.as_default(), tf.compat.v1.Session() as session:
        session.run(tf.compat.v1.global_variables_initializer())
        session.run(model.start)
        steps = [session.run((model.update, model.loss, model.features)) for _ in range(6)]
    assert all(update.applied and np.isfinite(loss) for update, loss, _ in steps)
    assert {features.shape[1] for _, _, features in steps} == {3, 6, 13}


def update_of_one_image(folder, config, batch_size):
    """Loss and gradients of a step on a batch of one image."""
    path = write_records(folder / "one.tfrecords", [schema.serialize(picture(24), "AB")])
    options = TrainingOptions(batch_size=batch_size, seed=1, dropout=0.0)
    records = records_of([path], batch_size, config=config)
    model = build_train_graph(config, options, records, StepPlan(1, 0, 1))
    with model.graph.as_default(), tf.compat.v1.Session() as session:
        session.run(tf.compat.v1.global_variables_initializer())
        session.run(model.start)
        return session.run((model.loss, model.update.gradients))


@pytest.mark.parametrize(
    ("change", "weight"),
    [({}, 0.25), ({"bucket_widths": (), "padding": "masked"}, 0.25), ({"bucket_widths": ()}, 1)],
)
def test_an_image_weighs_the_same_in_a_smaller_batch(tmp_path, change, weight):
    config = dataclasses.replace(CONFIG, **change)
    full, of_four = (update_of_one_image(tmp_path, config, size) for size in (1, 4))
    assert of_four[0] == pytest.approx(full[0])  # what the log shows
    for name, gradient in full[1].items():
        close(dense(of_four[1][name]), weight * dense(gradient))


def dense(gradient):
    """The values of a gradient, also of one by rows."""
    return np.asarray(getattr(gradient, "values", gradient))


# Messages about the widths


def test_the_config_file_holds_the_widths():
    assert config_file.loads(config_file.dumps(CONFIG)) == CONFIG


def test_a_config_file_of_before_has_none():
    text = config_file.dumps(TINY).replace('"bucket_widths": [],', "")
    assert "bucket_widths" not in text
    assert config_file.loads(text) == TINY


@pytest.mark.parametrize(
    "value",
    [
        "48,50",  # 50 is not a multiple of 4
        "0,4",
        "64,48",  # not increasing
        "48,48",
        "48,x",
        "",
        "-4",
        "48,100004",
    ],
)
def test_wrong_widths_are_wrong_usage(value, capsys):
    with pytest.raises(SystemExit) as exit_code:
        build_parser().parse_args(["train", "d.tfrecords", f"--bucket-widths={value}"])
    assert exit_code.value.code == 2
    told = f"--bucket-widths: {value} is not an increasing list of multiples of 4 from 4 to 100000"
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("widths", [(48, 86), (48, 96)])
def test_a_bucket_as_wide_as_the_images_is_refused(widths, tmp_path):
    run = Run(
        dataset=["d.tfrecords"],
        validation=[],
        model_dir=str(tmp_path),
        init_from=None,
        resume=True,
        checkpoint=None,
        gpu_id=-1,
        precision="float32",
    )
    told = f"{widths[-1]} is not less than the 86 pixels that --max-width=160 --max-height=60"
    with pytest.raises(UserError, match=told):
        model_choice.choose_config(run, ModelChoice({"bucket_widths": widths}))
    run = run._replace(checkpoint="model.ckpt-1")  # one of 0.7.6, which has no config
    with pytest.raises(UserError, match=told):
        model_choice.choose_config(run, ModelChoice({"bucket_widths": widths}))
