"""Augmentation as a whole: what it depends on, what it leaves alone, and the batches of a run."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import encoded, noise, records_of, write_records

from aocr.config import Config
from aocr.data.augmentation.augment import NO_AUGMENTATION, STRENGTHS, Identity, augment
from aocr.data.batches import epochs
from aocr.data.records import schema
from aocr.training.graph import build_train_graph
from aocr.training.options import TrainingOptions
from aocr.training.start.step_plan import StepPlan
from aocr.util.options import permitted_values

COUNT, WIDTH = 12, 61
WIDTHS = np.int32([61, 1, 2, 60, 33, 8, 9, 16, 40, 50, 7, 57])
INDICES = np.arange(100, 100 + COUNT)
EXACT = 0.01
"""Levels by which rounding errors of the compression may differ."""


def images_of(channels=1, width=WIDTH):
    images = 127 + 127 * noise("augmentation", COUNT, 32, WIDTH, channels)
    images = np.where(np.arange(WIDTH)[:, np.newaxis] < WIDTHS.reshape(-1, 1, 1, 1), images, 0)
    return np.pad(images, [(0, 0), (0, 0), (0, width - WIDTH), (0, 0)]).astype(np.float32)


def augmented(strength="strong", seed=3, epoch=2, chosen=None, images=None):
    chosen = np.arange(COUNT) if chosen is None else np.array(chosen)
    images = images_of() if images is None else images
    identity = Identity(seed, tf.constant(epoch, tf.int64), tf.constant(INDICES[chosen]))
    return augment(tf.constant(images[chosen]), WIDTHS[chosen], identity, strength).numpy()


def test_strengths_are_those_of_the_flag():
    choices = permitted_values(TrainingOptions, "augment").choices
    assert choices == (NO_AUGMENTATION, *STRENGTHS)
    assert TrainingOptions().augment == NO_AUGMENTATION


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("strength", STRENGTHS)
def test_shape_range_and_padding_stay(strength, channels):
    images = images_of(channels)
    found = augmented(strength, images=images)
    assert found.shape == images.shape
    assert found.min() >= 0
    assert found.max() <= 255
    for image, width in zip(found, WIDTHS, strict=True):
        assert not image[:, width:].any()
        assert image[:, :width].any()


@pytest.mark.parametrize("chosen", [[5], [9, 5, 7], range(11, -1, -1), [1, 2]])
def test_result_depends_on_neither_the_order_nor_the_rest_of_the_batch(chosen):
    np.testing.assert_allclose(augmented(chosen=chosen), augmented()[list(chosen)], atol=EXACT)


def test_result_does_not_depend_on_the_width_of_the_model():
    wider = augmented(images=images_of(width=100))
    assert not wider[:, :, WIDTH:].any()
    # The noise has another texture.
    quiet = abs(wider[:, :, :WIDTH] - augmented()).max((1, 2, 3)) < EXACT
    assert quiet.sum() > COUNT / 5


@pytest.mark.parametrize("other", [{"seed": 4}, {"epoch": 3}], ids=str)
def test_another_seed_or_epoch_is_another_variation(other):
    wide = WIDTHS > 4
    assert (augmented(**other) != augmented())[wide].any((1, 2, 3)).all()


def test_records_of_the_same_image_differ():
    images = np.repeat(images_of()[:1], 2, 0)
    identity = Identity(3, tf.constant(0, tf.int64), tf.constant([7, 8], tf.int64))
    first, second = augment(tf.constant(images), np.int32([61, 61]), identity, "light").numpy()
    assert (first != second).any()


def test_light_changes_less_than_strong():
    x = np.linspace(0, 6, WIDTH)
    images = np.broadcast_to(127 + 100 * np.sin(x)[:, np.newaxis], [COUNT, 32, WIDTH, 1])
    images = np.where(images_of() > 0, images, 0).astype(np.float32)
    light, strong = (abs(augmented(s, images=images) - images).mean() for s in STRENGTHS)
    assert 1 < light < 0.5 * strong


# In a run

CONFIG = Config(max_width=40, max_height=32, max_prediction=3, characters="AB")
BUCKETS = Config(
    max_width=40, max_height=32, max_prediction=3, characters="AB", bucket_widths=(16, 24)
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    files = [encoded(np.uint8(127 + 127 * noise(f"{n}", 32, 10 + 3 * n))) for n in range(10)]
    path = tmp_path_factory.mktemp("augmentation") / "dataset.tfrecords"
    return [write_records(path, (schema.serialize(file, "AB") for file in files))]


def batches(dataset, count, config=CONFIG, augmentation=None, **order):
    given = () if augmentation is None else (augmentation,)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        order = epochs.ShuffleOrder(5, **order)
        records = records_of(dataset, 4, [2], config)
        made = epochs.training_batches(records, config, order, *given)
        iterator = tf.compat.v1.data.make_initializable_iterator(made)
        batch = iterator.get_next()
        session.run(iterator.initializer)
        return [session.run(batch) for _ in range(count)]


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        for part, expected_part in zip(one, other, strict=True):
            np.testing.assert_array_equal(part, expected_part)


def test_only_the_images_vary(dataset):
    plain = batches(dataset, 4)
    assert_same(batches(dataset, 4, CONFIG, NO_AUGMENTATION), plain)
    varied = batches(dataset, 4, CONFIG, "light")
    assert all((a.images != b.images).any() for a, b in zip(varied, plain, strict=True))
    assert_same([batch[1:] for batch in varied], [batch[1:] for batch in plain])


@pytest.mark.parametrize("config", [CONFIG, BUCKETS], ids=["padded", "buckets"])
def test_resumed_run_sees_the_images_that_one_run_would(dataset, config):
    steps = 3 if config is CONFIG else 4  # an epoch
    whole = batches(dataset, 2 * steps + 1, config, "strong")
    resumed = batches(dataset, steps, config, "strong", first_epoch=1, skipped_batches=1)
    assert_same(resumed, whole[steps + 1 :])


def test_flag_reaches_the_training_step(dataset):
    found = []
    for name in (NO_AUGMENTATION, "strong"):
        options = TrainingOptions(batch_size=4, seed=5, augment=name)
        plan = StepPlan(seed=5, first_step=0, last_step=1)
        model = build_train_graph(CONFIG, options, records_of(dataset, 4, [2], CONFIG), plan)
        with tf.compat.v1.Session(graph=model.graph) as session:
            session.run(model.start)
            found.append(session.run(model.batch))
    plain, varied = found
    assert_same([varied[1:]], [plain[1:]])
    identity = Identity(5, tf.constant(0, tf.int64), tf.constant(plain.record_indices))
    expected = augment(tf.constant(plain.images), plain.widths, identity, "strong")
    np.testing.assert_allclose(varied.images, expected, atol=EXACT)
