"""Images that two datasets share: the same files, and other files of the same pixels."""

import numpy as np
import pytest
from helpers import TINY, encoded, write_records

from aocr.data.dataset_scan import scan
from aocr.data.records import schema
from aocr.data.same_images import ImageSet, SameImages

A, B = (np.full([8, 12], level, np.uint8) for level in (10, 200))


def observed(path, images, observe):
    write_records(path, [schema.serialize(image, "A") for image in images])
    scan([str(path)], TINY, observe)


@pytest.mark.parametrize("batch", [1, 40])  # decoded one by one, and together
def test_same_files_and_same_pixels_are_counted_and_named(tmp_path, caplog, batch):
    known = ImageSet()
    observed(tmp_path / "train", [encoded(A), b"no image"], known.add)
    same = SameImages(known)
    validated = [encoded(B), encoded(A), encoded(A, "BMP"), b"no image"]
    observed(tmp_path / "validation", [*validated, *[encoded(B)] * batch], same.add)
    same.log("validated")
    first, *named = caplog.messages[-3:]
    assert first.startswith(f"2 images of {4 + batch} validated are also trained on (1 the same ")
    assert "1 another file with the same pixels" in first
    assert named == ["    record 2", "    record 3"]


def test_pixels_in_another_shape_are_another_image(tmp_path, caplog):
    known = ImageSet()
    observed(tmp_path / "train", [encoded(A)], known.add)
    same = SameImages(known)
    observed(tmp_path / "validation", [encoded(A.T), encoded(B)], same.add)
    same.log("validated")
    assert "trained on" not in caplog.text


def test_an_empty_set_has_nothing(tmp_path, caplog):
    same = SameImages(ImageSet())
    observed(tmp_path / "validation", [encoded(A)], same.add)
    same.log("validated")
    assert not caplog.messages


def test_what_a_model_was_trained_on_is_stored_beside_it(tmp_path):
    path = str(tmp_path / "trained")
    for image in (A, B):
        known = ImageSet()
        observed(tmp_path / "train", [encoded(image)], known.add)
        known.update(path)
        known.write(path)
    known = ImageSet()
    known.update(path)
    same = SameImages(known)
    observed(tmp_path / "test", [encoded(A), encoded(B, "BMP"), encoded(A.T)], same.add)
    assert same.shared == 2


def test_a_damaged_store_is_told(tmp_path, caplog):
    (tmp_path / "trained").write_bytes(b"no digests")
    ImageSet().update(str(tmp_path / "trained"))
    assert "is damaged, and is not used" in caplog.text
