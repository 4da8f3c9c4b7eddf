"""The TFRecord schema, there and back, and as 0.7.6 wrote it."""

import tensorflow as tf

from aocr.data.records import schema


def parsed(serialized):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        return session.run(schema.parse(tf.constant(serialized)))


def example(**features):
    """A record as another program writes it: bytes by name."""
    made = tf.train.Example()
    for name, value in features.items():
        made.features.feature[name].bytes_list.value.append(value)
    return made.SerializeToString()


def test_what_is_written_is_read():
    serialized = schema.serialize(b"\x00\xffimage", "Été 日本", "images/é.png")
    expected = b"\x00\xffimage", "Été 日本".encode(), "images/é.png".encode()
    assert parsed(serialized) == schema.Record(*expected)


def test_empty_label_is_kept():
    assert parsed(schema.serialize(b"image", "")) == (b"image", b"", b"")


def test_features_are_bytes_of_these_names():
    made = tf.train.Example.FromString(schema.serialize(b"image", "é", "path"))
    features = {n: list(f.bytes_list.value) for n, f in made.features.feature.items()}
    assert features == {"image": [b"image"], "label": ["é".encode()], "comment": [b"path"]}


def test_comment_is_absent_unless_given():
    made = tf.train.Example.FromString(schema.serialize(b"image", "A"))
    assert set(made.features.feature) == {"image", "label"}


def test_records_of_0_7_6_are_read():
    assert parsed(example(image=b"image", label=b"AB")) == (b"image", b"AB", b"")
    commented = example(image=b"image", label=b"AB", comment=b"a.png")
    assert parsed(commented) == (b"image", b"AB", b"a.png")


def test_other_features_are_passed_over():
    assert parsed(example(image=b"image", label=b"AB", width=b"7")) == (b"image", b"AB", b"")
