"""A frozen graph, exported by the command and used by a program that knows its names."""

import tensorflow as tf
from commands import WORDS
from export_client import FROZEN_CLIENT, devices_of, python_without_aocr


def test_frozen_graph_gives_scalars_for_one_image_however_it_is_fed(trained, frozen_graph):
    images = [trained.folder / image for image in trained.images[:6]]
    scalar, one, many, *_ = python_without_aocr(FROZEN_CLIENT, frozen_graph, *images)
    assert scalar == one
    assert scalar[0] == WORDS[0]
    assert isinstance(scalar[1], float)
    assert many[0] == list(WORDS)


def test_nothing_exported_is_pinned_to_a_device(frozen_graph):
    graph_def = tf.compat.v1.GraphDef.FromString(frozen_graph.read_bytes())
    assert devices_of(graph_def) == {""}
