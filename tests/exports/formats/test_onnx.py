"""ONNX models of noise, read in ONNX Runtime."""

import dataclasses
import sys

import numpy as np
import pytest
import tensorflow as tf
from helpers import TINY, columns, encoded, load_noise, noise

from aocr.exports.formats import load_format
from aocr.inference.graph import build_serving_graph
from aocr.inference.signatures import Images, ServingSession, add_signatures
from aocr.model import config_file
from aocr.util.errors import UserError

IMAGES = [encoded(np.uint8(127 + 127 * noise(f"image {n}", 32, 3 + 4 * n))) for n in range(4)]
MODERN = {"backbone": "compact", "attention": "location", "padding": "masked", "decoder": "joint"}


def written(folder, changes):
    """Writes a model; returns what it reads, and what the file reads."""
    config = dataclasses.replace(TINY, **changes)
    graph = build_serving_graph(config)
    signatures = add_signatures(graph, config)
    config_file.write(folder, config)
    with graph.graph.as_default(), tf.compat.v1.Session() as session:
        load_noise(session)
        serving = ServingSession(
            session, graph.input, graph.output, graph.probability, signatures=signatures
        )
        load_format("onnx").write(serving, folder)
        images = Images(IMAGES, serving.prepare(IMAGES))
        (read,) = load_format("onnx").load(folder).readers().values()
        return columns(serving.readers()["serving_default"](images)), columns(read(images))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        MODERN,
        MODERN | {"read_with": "ctc", "direction": "rtl"},
    ],
)
def test_it_reads_as_the_model_does(tmp_path, changes):
    pytest.importorskip("tf2onnx")
    pytest.importorskip("onnxruntime")
    expected, found = written(str(tmp_path), changes)
    assert found[0] == expected[0]
    np.testing.assert_allclose(found[1], expected[1], atol=1e-5)


def test_without_the_extra_the_cure_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(
        UserError, match=r"needs tf2onnx: install it with pip install 'aocr\[onnx\]'"
    ):
        load_format("onnx").write(None, str(tmp_path))
    assert not list(tmp_path.iterdir())
