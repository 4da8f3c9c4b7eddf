"""Predictions for image files, in process, with a model of noise."""

import functools
import os

import numpy as np
import pytest
import tensorflow as tf
from helpers import TINY, encoded, noise
from PIL import Image

from aocr.reading import checkpoint_backend, reader


def load_of(tiny):
    """Returns a function that loads the model, as `aocr predict` does."""
    load = checkpoint_backend.CheckpointBackend
    return functools.partial(load, TINY, tiny.checkpoint, -1)


@pytest.fixture
def predict(tiny):
    """Returns a function that reads files, and returns their readings without their names."""

    def read(paths):
        return [reading for _, reading in reader.read_paths(load_of(tiny), paths)]

    return read


def picture(name):
    """Returns a grey image of 32 x 16 pixels, always the same for one name."""
    return Image.fromarray((127 * noise(name, 32, 16) + 128).astype(np.uint8))


@pytest.fixture
def paths(tmp_path):
    """Returns the paths of four different images."""
    found = [f"{tmp_path}/{name}.png" for name in "abcd"]
    for path in found:
        picture(os.path.basename(path)).save(path)
    return found


def test_one_prediction_a_path_in_the_order_of_the_paths(predict, paths):
    predictions = predict([*paths, *reversed(paths)])
    forth, back = predictions[:4], predictions[:3:-1]
    for one, other in zip(forth, back, strict=True):
        assert one.text == other.text
        assert one.probability == pytest.approx(other.probability)
    assert len({prediction.probability for prediction in forth}) == 4
    assert not any(prediction.failure for prediction in predictions)


def test_each_reading_stands_beside_its_path(tiny, paths):
    found = reader.read_paths(load_of(tiny), iter(paths))
    assert [path for path, _ in found] == paths


def test_each_character_has_a_probability(predict, paths):
    for prediction in predict(paths):
        assert len(prediction.character_probabilities) == len(prediction.text)
        product = np.prod(prediction.character_probabilities)
        assert 0 < prediction.probability <= product * (1 + 1e-6)


def test_a_file_that_cannot_be_read_fails_alone(predict, paths, tmp_path):
    (tmp_path / "cut.png").write_bytes(encoded(picture("a"))[:-60])
    (tmp_path / "empty.png").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe.png")
    failures = {
        f"{tmp_path}/nosuch.png": "no such file",
        "ram://nosuch.png": "no such file",
        f"{tmp_path}": "not a file",
        f"{tmp_path}/pipe.png": "not a file",
        f"{tmp_path}/cut.png": "not a whole PNG image",
        f"{tmp_path}/empty.png": "empty file",
        f"{tmp_path}/\udcff.png": "no such file (its name is not UTF-8)",
        f"{tmp_path}/a\0b.png": "no such file (its name holds a NUL character)",
    }
    predictions = predict([paths[0], *failures, paths[1]])
    assert [p.failure for p in predictions[1:-1]] == list(failures.values())
    assert {(p.text, p.probability) for p in predictions[1:-1]} == {("", 0.0)}
    assert not predictions[0].failure
    assert not predictions[-1].failure


def test_files_may_all_fail(predict):
    assert [prediction.failure for prediction in predict(["nosuch"] * 2)] == ["no such file"] * 2


def test_a_file_whose_name_is_not_unicode_is_read(predict, paths, tmp_path):
    name = os.fsencode(tmp_path) + b"/\xff.png"
    os.rename(paths[0], name)
    (prediction,) = predict([os.fsdecode(name)])
    assert not prediction.failure


def test_files_that_tensorflow_does_not_decode_are_converted(predict, paths, tmp_path):
    Image.open(paths[0]).save(tmp_path / "a.tiff")
    png, tiff = predict([paths[0], f"{tmp_path}/a.tiff"])
    assert (tiff.text, tiff.failure) == (png.text, "")
    assert tiff.probability == pytest.approx(png.probability)


def test_remote_files_are_read(predict, paths):
    tf.io.gfile.copy(paths[0], "ram://predictor.png", overwrite=True)
    local, remote = predict([paths[0], "ram://predictor.png"])
    assert remote.failure == ""
    assert remote.probability == pytest.approx(local.probability)


def test_an_error_of_the_paths_is_raised(predict):
    def names():
        yield "nosuch"
        raise OSError("stdin is broken")

    with pytest.raises(OSError, match="stdin is broken"):
        predict(names())


@pytest.mark.parametrize(
    ("count", "kind", "optimize"), [(16, list, False), (17, list, True), (1, iter, True)]
)
def test_grappler_is_left_out_for_few_images(predict, monkeypatch, count, kind, optimize):
    asked = []

    def open_session(graph, gpu_id, *, optimize):
        asked.append(optimize)
        return tf.compat.v1.Session(graph=graph)

    monkeypatch.setattr(checkpoint_backend, "open_session", open_session)
    assert len(predict(kind(["nosuch"] * count))) == count
    assert asked == [optimize]
