"""A SavedModel, exported by the command and used by TensorFlow's own tools."""

import pytest
from commands import WORDS
from export_client import SIGNATURE_CLIENT, devices_of, python_without_aocr
from tensorflow.core.protobuf import saved_model_pb2


def test_signature_outputs_follow_the_shape_of_the_input(trained, saved_model):
    images = [trained.folder / image for image in trained.images[:6]]
    scalar, one, many = python_without_aocr(SIGNATURE_CLIENT, saved_model, *images)
    assert scalar[0] == WORDS[0]
    assert isinstance(scalar[1], float)
    assert one[0] == [WORDS[0]]
    assert one[1] == pytest.approx([scalar[1]])
    assert many[0] == list(WORDS)
    assert len(many[1]) == 6
    assert {answer[2] for answer in (scalar, one, many)} == {"float64"}


def test_nothing_exported_is_pinned_to_a_device(saved_model):
    content = (saved_model / "saved_model.pb").read_bytes()
    message = saved_model_pb2.SavedModel.FromString(content)
    assert devices_of(message.meta_graphs[0].graph_def) == {""}
