"""Exports with their attention, read as a model directory is, and searches that are refused."""

import numpy as np
import pytest
from helpers import TINY
from tiny_model import png

import aocr
from aocr.exports.export import ExportRequest, export
from aocr.model.search.known_texts import pattern_automaton
from aocr.model.search.text_search import Search
from aocr.util.errors import UserError

NAMES = "abcd"


@pytest.fixture(scope="module")
def exported(tiny, tmp_path_factory):
    """Returns an export with its attention."""
    folder = str(tmp_path_factory.mktemp("attention") / "export")
    export(TINY, ExportRequest(tiny.checkpoint, folder, with_attention=True, gpu_id=-1))
    return folder


def test_an_export_tells_the_attention_of_its_model(tiny, exported):
    images = [png(name) for name in NAMES]
    with aocr.load(tiny.model_dir, gpu_id=-1) as model, aocr.load(exported, gpu_id=-1) as reader:
        assert reader.backend.has_attention
        expected = model.read(images, attention=True)
        found = reader.read(images, attention=True)
        assert any(reading.text for reading in expected)
        for one, other in zip(found, expected, strict=True):
            assert one.text == other.text
            assert one.probability == pytest.approx(other.probability, rel=1e-5)
            assert one.character_probabilities == pytest.approx(
                other.character_probabilities, rel=1e-5
            )
            assert one.attention.shape == other.attention.shape
            np.testing.assert_allclose(one.attention, other.attention, atol=1e-6)
        assert reader.read(b"no image", attention=True, on_error="return").failure


def test_an_export_without_it_says_how_to_get_it(tiny):
    with aocr.load(tiny.saved_model, gpu_id=-1) as reader:
        assert not reader.backend.has_attention
        with pytest.raises(UserError, match="export with --with-attention, or load the model dir"):
            reader.read(png("a"), attention=True)


@pytest.mark.parametrize("name", ["tflite", "onnx"])
def test_formats_without_loops_hold_no_search(tiny, tmp_path, name):
    search = Search(pattern_automaton("A[AB]", TINY))
    request = ExportRequest(tiny.checkpoint, str(tmp_path / "x"), format=name, search=search)
    with pytest.raises(UserError, match=f"a {name} export cannot hold a search"):
        export(TINY, request)
    assert not (tmp_path / "x").exists()
