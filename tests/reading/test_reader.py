"""Reading from Python: `aocr.load` and `Reader.read`, with all kinds of models and images."""

import io
import pathlib
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from helpers import TINY, encoded
from PIL import Image
from tiny_model import picture, pixels, png

import aocr
from aocr.data.images.files import ImageFileError
from aocr.model.readings import Reading
from aocr.reading import reader as reader_module
from aocr.reading.loading import load_reader
from aocr.reading.model_source import find_model
from aocr.reading.reader import Reader
from aocr.util.errors import UserError

KINDS = ("model_dir", "saved_model", "frozen_graph", "versions")
NAMES = "abcdefgh"


@pytest.fixture(scope="module", params=KINDS)
def reader(request, tiny):
    with aocr.load(getattr(tiny, request.param), gpu_id=-1, batch_size=3) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def model(tiny):
    with aocr.load(tiny.model_dir, gpu_id=-1) as loaded:
        yield loaded


def test_importing_aocr_is_cheap():
    program = "import sys, aocr; print(sorted({'tensorflow', 'numpy', 'PIL'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_all_kinds_of_models_read_alike(reader, model):
    images = [png(name) for name in NAMES]
    expected = model.read(images)
    found = reader.read(images)
    assert [r.text for r in found] == [r.text for r in expected]
    assert len({r.probability for r in found}) > len(NAMES) // 2
    for one, other in zip(found, expected, strict=True):
        assert one.probability == pytest.approx(other.probability, rel=1e-5)
        assert one.character_probabilities == pytest.approx(other.character_probabilities, rel=1e-5)
        assert len(one.character_probabilities) == len(one.text)
        assert one.attention is None
        assert one.failure == ""


def test_one_image_gives_one_reading(reader):
    (listed,) = reader.read([png("a")])
    alone = reader.read(png("a"))
    assert (alone.text, alone.failure) == (listed.text, "")
    assert alone.probability == pytest.approx(listed.probability)


def test_images_may_be_files_bytes_pictures_or_arrays(model, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png("a"))
    rgb = np.repeat(pixels("a")[..., np.newaxis], 3, axis=-1)
    opaque = np.concatenate([rgb, np.full_like(rgb[..., :1], 255)], axis=-1)
    images = [
        *(path, str(path), png("a"), bytearray(png("a")), encoded(picture("a"), "TIFF")),
        *(picture("a"), pixels("a"), pixels("a")[..., np.newaxis], rgb, opaque),
    ]
    readings = model.read(iter(images))
    assert len(readings) == len(images)
    for image, reading in zip(images, readings, strict=True):
        assert reading.text == readings[0].text, type(image)
        assert reading.probability == pytest.approx(readings[0].probability, rel=1e-3)
        assert model.read(image).text == reading.text


def test_an_array_of_images_is_several_images(model):
    batch = np.stack([pixels(name)[..., np.newaxis] for name in NAMES])
    assert [r.text for r in model.read(batch)] == [model.read(pixels(n)).text for n in NAMES]


def test_no_images_give_no_readings(model):
    assert model.read([]) == []


def test_attention_is_one_row_a_character_over_the_image_without_padding(model):
    narrow = picture("a").resize((6, 32))
    reading = model.read(narrow, attention=True)
    assert reading.attention.shape == (len(reading.text), 2)  # columns of 4 pixels
    assert (reading.attention >= 0).all()
    assert model.read(picture("a"), attention=True).attention.shape[1] == TINY.image_width // 4


def test_an_export_without_attention_says_so(tiny):
    with load_reader(tiny.saved_model) as reader, pytest.raises(UserError, match="attention"):
        reader.read(png("a"), attention=True)


BAD = [
    ("nosuch.png", "no such file"),
    (b"", "empty file"),
    (png("a")[:-60], "not a whole PNG image"),
    (np.zeros([2, 3, 5], np.uint8), r"array that is not an image \(uint8 \[2, 3, 5\]"),
    (np.zeros([2, 3], np.float32), r"array that is not an image \(float32 \[2, 3\]"),
    (np.zeros([0, 3], np.uint8), "image without pixels"),
    (Image.new("F", (2, 2)), "image of 32-bit pixels"),
]


@pytest.mark.parametrize(("image", "failure"), BAD, ids=[failure for _, failure in BAD])
def test_an_image_that_cannot_be_read_is_an_error_or_a_failure(model, image, failure):
    with pytest.raises(ImageFileError, match=failure):
        model.read(image)
    name = f", {image}" if isinstance(image, str) else ""
    with pytest.raises(ImageFileError, match=f"^image 2 of 3{name}: {failure}"):
        model.read([png("a"), image, png("b")])
    readings = model.read([png("a"), image, png("b")], on_error="return")
    assert [bool(reading.failure) for reading in readings] == [False, True, False]
    assert readings[1][:3] == ("", 0.0, ())


def test_the_error_names_the_file(model, tmp_path):
    with pytest.raises(ImageFileError, match="no.such: no such file"):
        model.read(tmp_path / "no.such")


def test_what_is_not_an_image_is_a_type_error(model):
    with pytest.raises(TypeError, match="not an image but int"):
        model.read([1])
    with pytest.raises(ValueError, match="on_error"):
        model.read(png("a"), on_error="ignore")


def test_threads_share_a_reader(model):
    expected = {name: model.read(png(name)) for name in NAMES}
    with ThreadPoolExecutor(8) as threads:
        found = threads.map(lambda name: (name, model.read(png(name))), list(NAMES) * 8)
        assert all(expected[name] == reading for name, reading in found)


def test_a_reader_closes_after_the_running_calls(tiny):
    reader = load_reader(tiny.saved_model)
    started, go_on = threading.Event(), threading.Event()
    read = reader.backend.read_files

    def slowly(*arguments, **named):
        started.set()
        assert go_on.wait(30)
        return read(*arguments, **named)

    reader.backend.read_files = slowly
    with ThreadPoolExecutor(2) as threads:
        reading = threads.submit(reader.read, png("a"))
        assert started.wait(30)
        closing = threads.submit(reader.close)
        with pytest.raises(TimeoutError):
            closing.result(0.1)
        go_on.set()
        assert reading.result(30).failure == ""
        closing.result(30)
    reader.close()
    with pytest.raises(ValueError, match="the reader is closed"):
        reader.read(png("a"))


def test_the_newest_complete_version_is_found(tiny):
    source = find_model(tiny.versions)
    assert (source.kind, source.version) == ("savedmodel", 3)
    assert (pathlib.Path(source.folder).name, source.versions_folder) == ("00000003", tiny.versions)
    assert find_model(f"{tiny.versions}/1/").version == 1
    assert find_model(tiny.saved_model).version == 1


def test_a_path_without_a_model_is_one_clear_error(tiny, tmp_path):
    for path in (tmp_path, tmp_path / "nosuch"):
        with pytest.raises(UserError, match="holds no model"):
            aocr.load(path)
    (tmp_path / "saved_model.pb").write_bytes(b"garbage")
    with pytest.raises(UserError, match="cannot load the export"):
        aocr.load(tmp_path)
    with pytest.raises(UserError, match="has no choice of checkpoint, read_with"):
        aocr.load(tiny.saved_model, checkpoint="best", read_with="ctc")
    with pytest.raises(TypeError, match="max_with is not a field"):
        aocr.load(tiny.model_dir, max_with=3)
    with pytest.raises(UserError, match="--max-width is 99"):
        aocr.load(tiny.model_dir, max_width=99)


class Widths:
    """Stands for a model: reads the width of each file, and notes those of each batch."""

    def __init__(self):
        self.batches = []

    def read_files(self, encoded, attention):
        sizes = [Image.open(io.BytesIO(file)).width for file in encoded]
        self.batches.append(sizes)
        return [Reading(text=str(size)) for size in sizes]

    def close(self):
        pass


def test_images_of_similar_width_are_read_together_and_answered_in_their_order():
    given = [40, 8, 16, 40, 8, 16, 8]
    files = [encoded(np.zeros([32, width], np.uint8)) for width in given]
    files[2] = b"no image"
    with Reader(Widths(), batch_size=3) as loaded:
        found = loaded.read(files, on_error="return")
        assert loaded.backend.batches == [[8, 8, 8], [16, 40, 40]]
    assert [reading.text for reading in found] == ["40", "8", "", "40", "8", "16", "8"]
    assert [bool(reading.failure) for reading in found] == [n == 2 for n in range(7)]


def test_large_files_are_not_loaded_together(monkeypatch):
    monkeypatch.setattr(reader_module, "MAX_LOADED_BYTES", 1)
    files = [encoded(np.zeros([32, width], np.uint8)) for width in (40, 8, 16)]
    with Reader(Widths(), batch_size=2) as loaded:
        assert [reading.text for reading in loaded.read(files)] == ["40", "8", "16"]
        assert loaded.backend.batches == [[40, 8], [16]]
