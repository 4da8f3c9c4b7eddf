"""Mixtures of datasets: what an epoch draws from each, in which order, and where a run resumes."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import encoded, write_records

from aocr.config import Config
from aocr.data.batches import epochs, mixing
from aocr.data.batches.epochs import Records, ShuffleOrder, training_batches
from aocr.data.batches.mixing import Mixture, draws_before, draws_per_epoch
from aocr.data.records import schema
from aocr.util.errors import UserError

CONFIG = Config(max_width=64, max_height=32, max_prediction=3, characters="AB")
BUCKETS = Config(
    max_width=64, max_height=32, max_prediction=3, characters="AB", bucket_widths=(16, 32)
)
WIDTHS = np.array([8, 16, 24, 40, 64], np.int32)


@pytest.mark.parametrize(
    ("used", "weights", "draws"),
    [
        ([1000, 50], (3, 1), [1000, 333]),
        ([100, 7, 9000], (1, 1, 2), [100, 100, 200]),
        ([100, 7], (0.5, 0.25), [100, 50]),
        ([2, 100], (1000, 1), [2, 1]),  # never none of a dataset
        ([5], (2,), [5]),
    ],
)
def test_an_epoch_reads_the_first_dataset_once_and_the_others_by_weight(used, weights, draws):
    assert draws_per_epoch(used, weights) == draws


def test_weights_that_make_an_epoch_endless_are_an_error():
    with pytest.raises(UserError, match="an epoch would draw 1e.14 records"):
        draws_per_epoch([100, 5], (1e-6, 1e6))
    with pytest.raises(UserError, match="give weights that differ less"):
        draws_per_epoch([100, 5], (1e-320, 1e6))


@pytest.mark.parametrize("draws", [[3, 1], [1, 3], [1000, 333], [7, 5, 2], [1, 1, 1, 9], [4]])
def test_every_stretch_of_an_epoch_has_the_proportion(draws):
    total = sum(draws)
    counts = np.array([draws_before(slot, draws) for slot in range(total + 1)])
    assert counts[0].tolist() == [0] * len(draws)
    assert counts[-1].tolist() == draws
    steps = np.diff(counts, axis=0)
    assert set(steps.ravel().tolist()) <= {0, 1}
    assert set(steps.sum(axis=1).tolist()) == {1}
    exact = np.arange(total + 1)[:, np.newaxis] * draws / total
    assert abs(counts - exact).max() < max(1, len(draws) - 1)


def dataset_of(path, count, excluded=(), images=None):
    """A dataset whose images have the widths in turn, or one of real images, all 40 pixels wide."""
    widths = np.resize(WIDTHS, count) if images is None else np.full(count, 40)
    rows = (schema.serialize(image, "AB") for image in images or [b"no image"] * count)
    return Records([write_records(path, rows)], [count], list(excluded), widths, batch_size=8)


@pytest.fixture
def undecoded(monkeypatch):
    """Keeps images undecoded, which makes a test many times faster."""
    blank = tf.zeros([32, 4, 1]), tf.constant(4)
    monkeypatch.setattr(epochs, "prepare", lambda *_: blank)


def indices(mixture, count, config=CONFIG, **order):
    """The record indices of the first batches."""
    order = ShuffleOrder(**{"seed": 3, **order})
    return [each.record_indices.tolist() for each in batches(mixture, count, config, order)]


def batches(mixture, count, config, order, augmentation="none"):
    made = training_batches(mixture, config, order, augmentation)
    return list(made.take(count).as_numpy_iterator())


@pytest.fixture(scope="module")
def mixture(tmp_path_factory):
    """30 records, 2 of them left out, mixed 4:3 with 50 and 2:1 with 4."""
    folder = tmp_path_factory.mktemp("mixture")
    return Mixture(
        (
            dataset_of(folder / "a", 30, excluded=[3, 29]),
            dataset_of(folder / "b", 50),
            dataset_of(folder / "c", 4),
        ),
        draws=[28, 21, 14],
        batch_size=8,
    )


STEPS = 8  # an epoch of 63 draws, 8 a batch


def flat(lists):
    return [each for one in lists for each in one]


def of_datasets(drawn):
    """How many records of each dataset a list of indices has."""
    return np.histogram(drawn, [0, 30, 80, 84])[0].tolist()


@pytest.mark.parametrize("config", [CONFIG, BUCKETS], ids=["one width", "buckets"])
def test_every_epoch_has_the_proportion_and_all_of_the_first_dataset(undecoded, mixture, config):
    assert mixture.batches_per_epoch == STEPS
    found = indices(mixture, 5 * STEPS, config)
    epochs = [flat(found[n * STEPS : n * STEPS + STEPS]) for n in range(5)]
    for epoch in epochs:
        assert of_datasets(epoch) == mixture.draws
        assert sorted(n for n in epoch if n < 30) == [n for n in range(29) if n != 3]
    assert len({tuple(epoch) for epoch in epochs}) == 5
    others = [n for epoch in epochs for n in epoch if 30 <= n < 80]
    counts = np.bincount(others)[30:]
    assert counts.tolist().count(2) + counts.tolist().count(3) == 50  # 105 draws of 50
    assert [len(each) for each in found] == [8, 8, 8, 8, 8, 8, 8, 7] * 5


def test_every_batch_has_the_proportion(undecoded, mixture):
    two = mixture._replace(datasets=mixture.datasets[:2], draws=[28, 21], batch_size=7)
    for batch in indices(two, 20):
        assert of_datasets(batch)[:2] == [4, 3]


def test_batches_hold_images_of_one_bucket_but_where_buckets_meet(undecoded, mixture):
    widths = np.concatenate([each.widths for each in mixture.datasets])
    buckets = np.searchsorted(BUCKETS.bucket_widths, widths)
    found = indices(mixture, STEPS, BUCKETS)
    mixed = [batch for batch in found if len(set(buckets[batch].tolist())) > 1]
    assert len(mixed) <= 2
    orders = [[int(buckets[batch].max()) for batch in found[:-1]]]
    orders.append([int(buckets[each].max()) for each in indices(mixture, STEPS, BUCKETS, seed=4)])
    assert any(order != sorted(order) for order in orders)


@pytest.mark.parametrize(
    ("config", "pool", "done"),
    [(CONFIG, 4096, [3, 30]), (BUCKETS, 16, [1, 13, 21]), (BUCKETS, 4096, [8, 30])],
)
def test_training_that_goes_on_sees_the_batches_that_one_run_would(
    undecoded, mixture, config, pool, done, monkeypatch
):
    monkeypatch.setattr(mixing, "POOL_SIZE", pool)
    whole = indices(mixture, 33, config)
    for steps in done:
        epoch, skipped = divmod(steps, STEPS)
        rest = indices(mixture, 33 - steps, config, first_epoch=epoch, skipped_batches=skipped)
        assert rest == whole[steps:]


def test_another_seed_is_another_order_in_every_dataset(undecoded, mixture):
    one, other = (flat(indices(mixture, STEPS, seed=seed)) for seed in (3, 4))
    for low, high in ((0, 30), (30, 80)):
        assert [n for n in one if low <= n < high] != [n for n in other if low <= n < high]


def test_datasets_of_one_size_are_not_shuffled_alike(undecoded, tmp_path):
    same = tuple(dataset_of(tmp_path / name, 20) for name in "ab")
    found = flat(indices(Mixture(same, [20, 20], batch_size=8), 5))
    assert [n for n in found if n < 20] != [n - 20 for n in found if n >= 20]


def noisy_images(count):
    generator = np.random.default_rng(count)
    return [encoded(generator.integers(0, 256, [32, 40], np.uint8)) for _ in range(count)]


def test_an_image_that_is_drawn_again_is_augmented_anew_and_alike_in_every_run(tmp_path):
    first = dataset_of(tmp_path / "a", 6, images=noisy_images(6))
    second = dataset_of(tmp_path / "b", 1, images=noisy_images(1))
    mixture, order = Mixture((first, second), [6, 6], batch_size=4), ShuffleOrder(seed=1)
    found = batches(mixture, 6, CONFIG, order, "strong")
    drawn = [
        image.tobytes()
        for batch in found
        for n, image in zip(batch.record_indices, batch.images, strict=True)
        if n == 6
    ]
    assert len(set(drawn)) == len(drawn) == 12
    rest = batches(mixture, 2, CONFIG, order._replace(first_epoch=1, skipped_batches=1), "strong")
    for batch, expected in zip(rest, found[4:], strict=True):
        np.testing.assert_array_equal(batch.images, expected.images)


def test_images_and_labels_are_those_of_their_records(tmp_path):
    dataset = dataset_of(tmp_path / "a", 5, images=noisy_images(5))
    (expected,) = batches(dataset, 1, CONFIG, ShuffleOrder())
    (found,) = batches(Mixture((dataset,), [5], batch_size=5), 1, CONFIG, ShuffleOrder())
    assert by_index(found) == by_index(expected)


def by_index(batch):
    """The targets and the sum of the pixels of each record."""
    rows = zip(batch.record_indices, batch.targets, batch.images, strict=True)
    return {index: (targets.tolist(), image.sum()) for index, targets, image in rows}
