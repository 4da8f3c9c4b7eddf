"""Records to batches: their order, their size, what is left out."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from helpers import write_records

from aocr.charset import EOS_ID, GO_ID, PAD_ID, Charset
from aocr.config import Config
from aocr.data.batches import epochs, evaluation
from aocr.data.records import schema
from aocr.model.decoders.attention import decoder_inputs

CONFIG = Config(max_width=4, max_height=32, max_prediction=3, characters="BAé日 9😀")
WIDTH, STEPS = 4, 5
NOTHING = [PAD_ID] * STEPS


def prepare(encoded, _config):
    """Stands in for the decoder: a number as an "image file" becomes pixels of that value."""
    number = tf.strings.to_number(encoded)
    return tf.fill([32, WIDTH, 1], number), tf.cast(number, tf.int32) % WIDTH


@pytest.fixture(autouse=True)
def numbers_as_images(monkeypatch):
    monkeypatch.setattr(epochs, "prepare", prepare)
    monkeypatch.setattr(evaluation, "prepare", prepare)


def dataset_of(folder, numbers, label="AB", **options):
    """A TFRecord file whose images are numbers, see `prepare`."""
    serialized = (schema.serialize(str(n).encode(), label, **options) for n in numbers)
    return write_records(folder / "dataset.tfrecords", serialized)


def batches(dataset, epochs=1):
    """All batches of each epoch, as NumPy arrays: a list of lists."""
    iterator = tf.compat.v1.data.make_initializable_iterator(dataset)
    batch = iterator.get_next()
    found = []
    with tf.compat.v1.Session() as session:
        for _ in range(epochs):
            session.run(iterator.initializer)
            found.append(list(until_the_end(lambda: session.run(batch))))
    return found


def until_the_end(get):
    while True:
        try:
            yield get()
        except tf.errors.OutOfRangeError:
            return


def test_decoder_inputs_are_go_and_the_targets_but_the_last():
    targets = [[5, 4, EOS_ID, PAD_ID], [3, 4, 5, EOS_ID]]
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        inputs = session.run(decoder_inputs(tf.constant(targets)))
    assert inputs.tolist() == [[GO_ID, 5, 4, EOS_ID], [GO_ID, 3, 4, 5]]


# Training batches


def training_batches(path, count, excluded=(), batch_size=3, **order):
    """The first batches."""
    with tf.Graph().as_default():
        found = sum(1 for _ in tf.compat.v1.io.tf_record_iterator(path))
        records = epochs.Records([path], [found], excluded, np.zeros(found), batch_size)
        dataset = epochs.training_batches(records, CONFIG, epochs.ShuffleOrder(**order))
        return batches(dataset.take(count), 1)[0]


def training_epochs(path, count, excluded=(), batch_size=3, passes=1, **order):
    """The batches of each of the first epochs, of so many usable records."""
    steps = -(-count // batch_size)
    found = training_batches(path, passes * steps, excluded, batch_size, **order)
    return [found[start : start + steps] for start in range(0, len(found), steps)]


def numbers_in(epoch):
    """The "images" of an epoch, in its order."""
    return [int(pixels[0, 0, 0]) for batch in epoch for pixels in batch.images]


def test_last_training_batch_may_be_smaller(tmp_path):
    (epoch,) = training_epochs(dataset_of(tmp_path, range(8)), 8)
    assert [batch.images.shape for batch in epoch] == [(n, 32, WIDTH, 1) for n in (3, 3, 2)]
    assert [batch.targets.shape for batch in epoch] == [(n, STEPS) for n in (3, 3, 2)]


def test_fewer_records_than_a_batch_are_a_batch(tmp_path):
    (epoch,) = training_epochs(dataset_of(tmp_path, range(2)), 2, batch_size=65)
    assert [len(batch.images) for batch in epoch] == [2]


def test_every_epoch_holds_every_record_once(tmp_path):
    found = training_epochs(dataset_of(tmp_path, range(20)), 20, passes=3)
    assert [sorted(numbers_in(epoch)) for epoch in found] == [list(range(20))] * 3


def test_every_epoch_is_shuffled_anew(tmp_path):
    found = training_epochs(dataset_of(tmp_path, range(20)), 20, passes=3)
    orders = {tuple(numbers_in(epoch)) for epoch in found}
    assert len(orders | {tuple(range(20))}) == 4


def test_excluded_records_are_left_out_by_place_and_never_decoded(tmp_path):
    path = dataset_of(tmp_path, [10, "no number", 12, 13, "no number"])
    found = training_epochs(path, 3, excluded=[1, 4], passes=2)
    assert [sorted(numbers_in(epoch)) for epoch in found] == [[10, 12, 13]] * 2


def targets_of(label):
    ids = [*Charset(CONFIG.characters).encode(label), EOS_ID]
    return ids + [PAD_ID] * (STEPS - len(ids))


def test_image_keeps_its_label_when_shuffled(tmp_path):
    labels = ["A", "B", "AB", "BA", "é", "日"]
    serialized = (schema.serialize(str(n).encode(), label) for n, label in enumerate(labels))
    (epoch,) = training_epochs(write_records(tmp_path / "dataset.tfrecords", serialized), 6)
    targets = [row.tolist() for batch in epoch for row in batch.targets]
    assert targets == [targets_of(labels[n]) for n in numbers_in(epoch)]


@pytest.mark.parametrize("done", [1, 2, 3, 5, 7])
def test_training_that_goes_on_sees_the_batches_that_one_run_would(tmp_path, done):
    path = dataset_of(tmp_path, range(8))  # 3 batches an epoch
    whole = [batch.record_indices.tolist() for batch in training_batches(path, 9, seed=4)]
    epoch, skipped = divmod(done, 3)
    rest = training_batches(path, 9 - done, seed=4, first_epoch=epoch, skipped_batches=skipped)
    assert [batch.record_indices.tolist() for batch in rest] == whole[done:]


def test_another_seed_is_another_order(tmp_path):
    path = dataset_of(tmp_path, range(20))
    orders = {
        tuple(
            np.concatenate([batch.record_indices for batch in training_batches(path, 7, seed=seed)])
        )
        for seed in range(4)
    }
    assert len(orders) == 4


# Evaluation batches


def evaluation_batches(path, undecodable=(), batch_size=2):
    with tf.Graph().as_default():
        (epoch,) = batches(
            evaluation.evaluation_batches(path, CONFIG, list(undecodable), batch_size)
        )
        return epoch


def test_evaluation_batches_are_in_order_and_the_last_may_be_smaller(tmp_path):
    epoch = evaluation_batches(dataset_of(tmp_path, range(50, 55)))
    assert [batch.record_indices.tolist() for batch in epoch] == [[0, 1], [2, 3], [4]]
    assert numbers_in(epoch) == [50, 51, 52, 53, 54]
    assert np.concatenate([batch.widths for batch in epoch]).tolist() == [2, 3, 0, 1, 2]


def test_evaluation_batches_have_similar_widths_where_padding_does_not_count(tmp_path, monkeypatch):
    monkeypatch.setattr(evaluation, "BATCHES_TOGETHER", 2)
    config = dataclasses.replace(CONFIG, padding="masked")
    with tf.Graph().as_default():
        path = dataset_of(tmp_path, range(50, 57))  # 2, 3, 0, 1, 2, 3 and 0 pixels wide
        (epoch,) = batches(evaluation.evaluation_batches(path, config, [], 2))
    assert [batch.record_indices.tolist() for batch in epoch] == [[2, 3], [0, 1], [6, 4], [5]]


def test_undecodable_image_is_zeros_without_a_width(tmp_path):
    (batch,) = evaluation_batches(dataset_of(tmp_path, [7, "no number", 9]), [1], batch_size=3)
    assert batch.images.shape == (3, 32, WIDTH, 1)
    assert [np.unique(pixels).tolist() for pixels in batch.images] == [[7], [0], [9]]
    assert batch.widths.tolist() == [3, 0, 1]
    assert batch.encoded.tolist() == [b"7", b"no number", b"9"]


def test_evaluation_batch_hands_on_what_the_record_holds(tmp_path):
    path = dataset_of(tmp_path, [1], label="日A", comment="images/é.png")
    (batch,) = evaluation_batches(path)
    assert batch.labels.tolist() == ["日A".encode()]
    assert batch.comments.tolist() == ["images/é.png".encode()]
    assert batch.targets.tolist() == [[6, 4, EOS_ID, PAD_ID, PAD_ID]]


@pytest.mark.parametrize("label", ["BABA", "x"])
def test_label_that_cannot_be_spelled_is_evaluated_with_empty_targets(tmp_path, label):
    (batch,) = evaluation_batches(dataset_of(tmp_path, [1], label))
    assert batch.targets.tolist() == [NOTHING]
    assert batch.labels.tolist() == [label.encode()]
    assert batch.comments.tolist() == [b""]


def fake_prepare(encoded, _config):
    return tf.zeros([32, Config().image_width, 1]), 0


def test_several_files_are_read_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(evaluation, "prepare", fake_prepare)
    for number, word in enumerate(("A", "B", "C")):
        with tf.io.TFRecordWriter(str(tmp_path / f"{number}.tfrecords")) as writer:
            writer.write(schema.serialize(b"", word))
    files = [str(tmp_path / f"{number}.tfrecords") for number in (2, 0, 1)]
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        batches = evaluation.evaluation_batches(files, Config(), [0, 1, 2], 8)
        batch = tf.compat.v1.data.make_one_shot_iterator(batches).get_next()
        assert session.run(batch.labels).tolist() == [b"C", b"A", b"B"]
