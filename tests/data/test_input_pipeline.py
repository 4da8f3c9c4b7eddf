"""Labels to targets, and records to batches."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import write_records

from aocr.charset import EOS_ID, GO_ID, PAD_ID, Charset
from aocr.config import Config
from aocr.data import input_pipeline, records
from aocr.model.decoder import decoder_inputs

CONFIG = Config(max_width=4, max_height=32, max_prediction=3, characters="BAé日 9😀")
WIDTH, STEPS = 4, 5
NOTHING = [PAD_ID] * STEPS


def prepare(encoded, _config):
    """Stands in for the decoder: a number as an "image file" becomes pixels of that value."""
    number = tf.strings.to_number(encoded)
    return tf.fill([32, WIDTH, 1], number), tf.cast(number, tf.int32) % WIDTH


@pytest.fixture(autouse=True)
def numbers_as_images(monkeypatch):
    monkeypatch.setattr(input_pipeline, "prepare", prepare)


def dataset_of(folder, numbers, label="AB", **options):
    """A TFRecord file whose images are numbers, see `prepare`."""
    serialized = (records.serialize(str(n).encode(), label, **options) for n in numbers)
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


# Targets


def targets_of(*labels):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        label = tf.compat.v1.placeholder(tf.string, [])
        targets = input_pipeline.targets_of(label, CONFIG)
        assert targets.shape == [STEPS]
        return [session.run(targets, {label: value}).tolist() for value in labels]


@pytest.mark.parametrize("label", ["", "A", "AB", "BAB", "é日", "😀 9", "   "])
def test_targets_are_the_charsets_symbols_then_eos_then_padding(label):
    ids = Charset(CONFIG.characters).encode(label)
    expected = [*ids, EOS_ID, PAD_ID, PAD_ID, PAD_ID, PAD_ID][:STEPS]
    assert targets_of(label.encode()) == [expected]


def test_targets_by_hand():
    assert targets_of(b"BA", b"") == [[3, 4, EOS_ID, PAD_ID, PAD_ID], [EOS_ID, *[PAD_ID] * 4]]


def test_longest_label_fits_and_one_more_does_not():
    assert targets_of(b"AAA", b"AAAA", b"A" * 99) == [[4, 4, 4, EOS_ID, PAD_ID], NOTHING, NOTHING]


@pytest.mark.parametrize("label", ["x", "Ax", "xA", "a", "8", "è", "\x00", "\U0010ffff"])
def test_label_with_an_unknown_character_is_all_padding(label):
    assert targets_of(label.encode()) == [NOTHING]


@pytest.mark.parametrize("label", [b"\xff", "日".encode()[:2]])
def test_label_that_is_not_utf8_and_unknown_as_latin_1_is_all_padding(label):
    assert targets_of(label) == [NOTHING]


def test_length_is_counted_in_characters_not_in_bytes():
    assert len("日日日".encode()) == 9
    assert targets_of("日日日".encode()) == [[6, 6, 6, EOS_ID, PAD_ID]]


def test_decoder_inputs_are_go_and_the_targets_but_the_last():
    targets = [[5, 4, EOS_ID, PAD_ID], [3, 4, 5, EOS_ID]]
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        inputs = session.run(decoder_inputs(tf.constant(targets)))
    assert inputs.tolist() == [[GO_ID, 5, 4, EOS_ID], [GO_ID, 3, 4, 5]]


# Training batches


def training_batches(path, count, rejected=(), **order):
    """The first batches."""
    with tf.Graph().as_default():
        order = input_pipeline.Order(**({"batch_size": 3} | order))
        dataset = input_pipeline.training_batches(path, CONFIG, list(rejected), order)
        return batches(dataset.take(count), 1)[0]


def training_epochs(path, records, rejected=(), batch_size=3, epochs=1, **order):
    """The batches of each of the first epochs, of so many usable records."""
    steps = -(-records // batch_size)
    order = {"batch_size": batch_size} | order
    found = training_batches(path, epochs * steps, rejected, **order)
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
    epochs = training_epochs(dataset_of(tmp_path, range(20)), 20, epochs=3)
    assert [sorted(numbers_in(epoch)) for epoch in epochs] == [list(range(20))] * 3


def test_every_epoch_is_shuffled_anew(tmp_path):
    epochs = training_epochs(dataset_of(tmp_path, range(20)), 20, epochs=3)
    orders = {tuple(numbers_in(epoch)) for epoch in epochs}
    assert len(orders | {tuple(range(20))}) == 4


def test_rejected_records_are_left_out_by_place_and_never_decoded(tmp_path):
    path = dataset_of(tmp_path, [10, "no number", 12, 13, "no number"])
    epochs = training_epochs(path, 3, rejected=[1, 4], epochs=2)
    assert [sorted(numbers_in(epoch)) for epoch in epochs] == [[10, 12, 13]] * 2


def test_image_keeps_its_label_when_shuffled(tmp_path):
    labels = ["A", "B", "AB", "BA", "é", "日"]
    serialized = (records.serialize(str(n).encode(), label) for n, label in enumerate(labels))
    (epoch,) = training_epochs(write_records(tmp_path / "dataset.tfrecords", serialized), 6)
    targets = [row.tolist() for batch in epoch for row in batch.targets]
    expected = targets_of(*(labels[n].encode() for n in numbers_in(epoch)))
    assert targets == expected


@pytest.mark.parametrize("done", [1, 2, 3, 5, 7])
def test_training_that_goes_on_sees_the_batches_that_one_run_would(tmp_path, done):
    path = dataset_of(tmp_path, range(8))  # 3 batches an epoch
    whole = [batch.places.tolist() for batch in training_batches(path, 9, seed=4)]
    epoch, skipped = divmod(done, 3)
    rest = training_batches(path, 9 - done, seed=4, first_epoch=epoch, skipped=skipped)
    assert [batch.places.tolist() for batch in rest] == whole[done:]


def test_another_seed_is_another_order(tmp_path):
    path = dataset_of(tmp_path, range(20))
    orders = {
        tuple(np.concatenate([batch.places for batch in training_batches(path, 7, seed=seed)]))
        for seed in range(4)
    }
    assert len(orders) == 4


# Evaluation batches


def evaluation_batches(path, undecodable=(), batch_size=2):
    with tf.Graph().as_default():
        (epoch,) = batches(
            input_pipeline.evaluation_batches(path, CONFIG, list(undecodable), batch_size)
        )
        return epoch


def test_evaluation_batches_are_in_order_and_the_last_may_be_smaller(tmp_path):
    epoch = evaluation_batches(dataset_of(tmp_path, range(50, 55)))
    assert [batch.place.tolist() for batch in epoch] == [[0, 1], [2, 3], [4]]
    assert numbers_in(epoch) == [50, 51, 52, 53, 54]
    assert np.concatenate([batch.widths for batch in epoch]).tolist() == [2, 3, 0, 1, 2]


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


def test_labels_that_are_not_utf_8_are_latin_1():
    config = Config(characters="AÄ", max_prediction=3)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for label in ("AÄ".encode(), "AÄ".encode("latin-1")):
            targets = session.run(input_pipeline.targets_of(tf.constant(label), config))
            assert targets.tolist() == [3, 4, 2, 0, 0]


def fake_prepare(encoded, _config):
    return tf.zeros([32, Config().image_width, 1]), 0


def test_several_files_are_read_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(input_pipeline, "prepare", fake_prepare)
    for number, word in enumerate(("A", "B", "C")):
        with tf.io.TFRecordWriter(str(tmp_path / f"{number}.tfrecords")) as writer:
            writer.write(records.serialize(b"", word))
    files = [str(tmp_path / f"{number}.tfrecords") for number in (2, 0, 1)]
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        batches = input_pipeline.evaluation_batches(files, Config(), [0, 1, 2], 8)
        batch = tf.compat.v1.data.make_one_shot_iterator(batches).get_next()
        assert session.run(batch.labels).tolist() == [b"C", b"A", b"B"]
