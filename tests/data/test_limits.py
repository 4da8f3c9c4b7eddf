"""Whether labels and images fit a model, and the words for why not."""

import pytest
import tensorflow as tf

from aocr.charset import PAD_ID
from aocr.config import Config
from aocr.data.labels import encode_label
from aocr.data.limits import Limits, check_image, check_label, image_problem, label_problem


def test_label_problem_names_the_first_problem():
    fit = Limits(max_prediction=3, characters="ABC")
    assert label_problem("ABC", fit) is None
    assert label_problem("", fit) is None
    assert label_problem("XXXX", fit) == ("label longer than --max-prediction=3", "4 characters")
    assert label_problem("AYX", fit) == ("character outside the charset", "'X', 'Y'")
    assert label_problem("XXXX", Limits()) is None


def test_five_unknown_characters_are_listed():
    (_, detail) = label_problem("AGFEDCB", Limits(characters="A"))
    assert detail == "'B', 'C', 'D', 'E', 'F'"


def test_label_check_has_all_problems():
    fit = Limits(max_prediction=3, characters="ABC")
    assert check_label("YXAY", fit) == (True, "YX")
    assert check_label("ABC", fit) == (False, "")
    assert check_label("ABC", fit).fits
    assert not check_label("AAAA", fit).fits
    assert not check_label("X", fit).fits
    assert check_label("A", Limits(characters="")) == (False, "A")


def test_image_problem_names_the_first_problem():
    fit = Limits(max_width=6, max_height=4)
    assert image_problem(6, 4, fit) is None
    assert image_problem(7, 5, fit) == ("wider than --max-width=6", "7 x 5")
    assert image_problem(6, 5, fit) == ("higher than --max-height=4", "6 x 5")
    assert image_problem(7, 5, Limits()) is None


def test_image_check_has_all_problems():
    assert check_image(7, 5, Limits(max_width=6, max_height=4)) == (True, True)
    assert check_image(7, 5, Limits(max_width=7, max_height=4)) == (False, True)
    assert check_image(7, 5, Limits(max_width=6)) == (True, False)


@pytest.mark.parametrize("label", ["", "A", "AB日", "BBBB", "X", "AX", "日", "日日日日日", "a"])
def test_the_graph_finds_the_same_labels(label):
    config = Config(max_prediction=3, characters="BA日")
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        targets = session.run(encode_label(tf.constant(label.encode()), config))
    fits = check_label(label, Limits(max_prediction=3, characters="BA日")).fits
    assert fits == (targets != PAD_ID).any()
