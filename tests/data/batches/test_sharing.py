"""Tests which process reads which records: each once an epoch, whatever the files are like."""

import functools
import itertools

import numpy as np
import pytest
import tensorflow as tf
from commands import draw
from training_runs import write

from aocr.config import Config
from aocr.data.batches import epochs
from aocr.data.batches.epochs import Records, ShuffleOrder, training_batches
from aocr.data.batches.mixing import Mixture
from aocr.data.batches.sharing import (
    FILLING,
    WHOLE,
    Share,
    divide_files,
    part_of_batch,
)
from aocr.data.dataset_scan import scan

CONFIG = Config(max_width=48, max_height=32, max_prediction=3)
BUCKETS = Config(max_width=48, max_height=32, max_prediction=3, bucket_widths=(16, 32))
EXCLUDED = [4, 9]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Files of 9, 0 and 10 records, of images of three widths."""
    folder = tmp_path_factory.mktemp("shares")
    rows = [(draw("AB", size=(16 + 16 * (n % 3), 32)), "AB") for n in range(19)]
    parts = rows[:9], [], rows[9:]
    for number, part in enumerate(parts):
        write(folder / f"{number}.tfrecords", part)
    return [f"{folder}/{number}.tfrecords" for number in range(3)]


@functools.cache
def scanned(files):
    found = scan(list(files), CONFIG)
    widths = np.array(found.width_of_record)
    return Records(files, found.records_of_file, EXCLUDED, widths, batch_size=4)


def source_of(files, **changes):
    return scanned(tuple(files))._replace(**changes)


def batches_of(dataset_of, count):
    """The indices of the records of the first batches."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        iterator = tf.compat.v1.data.make_initializable_iterator(dataset_of())
        session.run(iterator.initializer)
        indices = iterator.get_next().record_indices
        return [session.run(indices).tolist() for _ in range(count)]


@pytest.mark.parametrize("config", [CONFIG, BUCKETS], ids=["one width", "buckets"])
def test_the_shares_of_a_batch_make_the_batch_of_one_process(files, config):
    order = ShuffleOrder(seed=3, first_epoch=1, skipped_batches=1)
    count = 6 if config == BUCKETS else 5
    whole = batches_of(lambda: training_batches(source_of(files), config, order), 2 * count)
    parts = [
        batches_of(
            lambda share=share: training_batches(
                source_of(files, share=share, batches_per_epoch=count), config, order
            ),
            2 * count,
        )
        for share in (Share(0, 2), Share(1, 2))
    ]
    assert [sorted(a + b) for a, b in zip(*parts, strict=True)] == [
        sorted(batch + [FILLING] * (len(batch) == 1)) for batch in whole
    ]


def test_a_process_with_fewer_records_fills_its_epoch(files):
    order = ShuffleOrder(seed=3)
    own = source_of(files[:1], batches_per_epoch=4)
    epochs = batches_of(lambda: training_batches(own, CONFIG, order), 8)
    for epoch in (epochs[:4], epochs[4:]):
        assert sorted(epoch[0] + epoch[1]) == [0, 1, 2, 3, 5, 6, 7, 8]
        assert epoch[2:] == [[FILLING], [FILLING]]
    later = order._replace(first_epoch=1, skipped_batches=1)
    assert batches_of(lambda: training_batches(own, CONFIG, later), 3) == epochs[5:]
    other = own._replace(seed_offset=1)
    assert batches_of(lambda: training_batches(other, CONFIG, order), 2) != epochs[:2]


def test_a_large_sorted_dataset_is_read_in_many_places(files, monkeypatch):
    monkeypatch.setattr(epochs, "SHUFFLE_BUFFER", 4)
    source = source_of(files, read_at_a_time=epochs.READ_AT_A_TIME)
    first, second = (
        batches_of(lambda e=e: training_batches(source, CONFIG, ShuffleOrder(3, e)), 5)
        for e in (0, 1)
    )
    for epoch in (first, second):
        assert sorted(itertools.chain(*epoch)) == sorted(set(range(19)) - set(EXCLUDED))
        assert max(epoch[0]) - min(epoch[0]) > 6  # 4 + 4 neighbours otherwise
    assert first != second


def test_shares_of_a_mixture_make_its_batches(files):
    config = Config(max_width=48, max_height=32, max_prediction=3, bucket_widths=(16, 32))
    datasets = tuple(source_of([file], excluded=[2]) for file in (files[0], files[2]))
    mixture, order = Mixture(datasets, draws=[8, 5], batch_size=5), ShuffleOrder(seed=2)
    whole, *parts = (
        batches_of(lambda s=s: training_batches(mixture._replace(share=s), config, order), 4)
        for s in (WHOLE, Share(0, 2), Share(1, 2))
    )
    assert [a + b for a, b in zip(*parts, strict=True)] == whole
    assert list(map(len, parts[0])) == [2, 2, 1, 2]


def test_files_are_divided_by_their_bytes():
    assert divide_files([10, 10, 10, 10], 2) == [[0, 2], [1, 3]]
    assert divide_files([30, 10, 10, 10], 2) == [[0], [1, 2, 3]]
    assert divide_files([10, 10, 10], 2) is None
    assert divide_files([10], 2) is None
    assert divide_files([], 2) is None
    assert divide_files([100 + n for n in range(40)], 4) is not None


def test_parts_differ_by_one_record_at_most():
    for size in range(1, 9):
        parts = [
            [tensor.numpy().tolist() for tensor in part_of_batch(Share(n, 3), *columns(size))]
            for n in range(3)
        ]
        counted = [index for indices, _ in parts for index in indices if index != FILLING]
        assert counted == list(range(size))
        lengths = [len(values) for _, values in parts]
        assert min(lengths) >= 1
        assert max(lengths) - min(lengths) <= 1


def columns(size):
    return tf.range(size, dtype=tf.int64), tf.range(size)


def test_records_are_counted_by_file(files):
    assert scanned(tuple(files)).counts == [9, 0, 10]
