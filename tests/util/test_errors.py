"""Messages of errors, as they are shown in one line."""

import pytest
import tensorflow as tf

from aocr.util.errors import UserError, first_line


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (UserError("no dataset a.tfrecords"), "no dataset a.tfrecords"),
        (ValueError("first\nsecond"), "first"),
        (ValueError(), "ValueError"),
        (ValueError("\n"), "ValueError"),
        (OSError(2, "No such file or directory"), "[Errno 2] No such file or directory"),
        (tf.errors.NotFoundError(None, None, "a.tfrecords; No such file\nmore"),
         "a.tfrecords; No such file"),
        (tf.errors.InvalidArgumentError(None, None, "{{node decode}} Unknown image [Op:Decode]"),
         "Unknown image"),
    ],
)  # fmt: skip
def test_first_line_of_the_message_or_the_class(error, expected):
    assert first_line(error) == expected


def test_message_of_a_real_operation_has_no_operation_names():
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        tf.io.decode_png(b"no image")
    line = first_line(caught.value)
    assert line
    assert "{{" not in line
    assert "[Op:" not in line
