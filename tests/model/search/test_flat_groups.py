"""Items of images in flat tensors: the best of each image, ranges, and chunks of rows."""

import numpy as np
import pytest
import tensorflow as tf

from aocr.model.search.beam_search import best_of_each, ranges
from aocr.model.search.prefix_scorer import in_chunks


def run(function, *arrays):
    """Calls a function with tensors whose length is not known, and returns its values."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tensors = [
            tf.compat.v1.placeholder_with_default(array, [None, *array.shape[1:]])
            for array in arrays
        ]
        return session.run(function(*tensors))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_best_of_each_image(count):
    image = np.array([2, 0, 2, 2, 0, 3], np.int32)
    score = np.array([-1, -5, -3, -1, -4, -9], np.float32)
    selection = run(lambda *tensors: best_of_each(*tensors, count), image, score)
    ordered = [[4, 1], [0, 3, 2], [5]]  # by image; of equal scores, the first item comes first
    assert selection.items.tolist() == [item for of_image in ordered for item in of_image[:count]]
    assert selection.others.tolist() == [item for of_image in ordered for item in of_image[count:]]


def test_there_may_be_no_item():
    nothing = np.zeros([0], np.int32)
    selection = run(lambda *tensors: best_of_each(*tensors, 3), nothing, nothing.astype("f4"))
    assert selection.items.size == selection.others.size == 0


def test_ranges_of_rows_of_which_some_are_empty():
    starts, ends = np.array([[4, 7, 0, 9], [6, 7, 3, 9]], np.int32)
    found = run(ranges, starts, ends)
    assert found.number.tolist() == [4, 5, 0, 1, 2]
    assert found.row.tolist() == [0, 0, 2, 2, 2]


@pytest.mark.parametrize("rows", [0, 1, 4, 5, 9])
def test_chunks_give_what_one_call_gives(rows):
    values = np.arange(2 * rows, dtype=np.float32).reshape([rows, 2])

    def halves(x, y):
        return {"sum": x + y, "first": x[:, 0]}

    found = run(lambda x: in_chunks(halves, (x, 2 * x), 4), values)
    np.testing.assert_array_equal(found["sum"], 3 * values)
    np.testing.assert_array_equal(found["first"], values[:, 0])
