"""Pillow's settings: changed while image files are read, and only then."""

import subprocess
import sys
import warnings

import pytest
from helpers import white
from PIL import Image

from aocr.data.images.files import ImageFileError, quiet_pillow, read_header


def warn(module):
    warnings.warn_explicit("broken", UserWarning, f"{module}.py", 1, module)


def test_warnings_of_pillow_are_silenced_and_others_are_not():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with quiet_pillow():
            warn("PIL.TiffImagePlugin")
            with pytest.raises(UserWarning):
                warn("other")
        with pytest.raises(UserWarning):
            warn("PIL.TiffImagePlugin")


def test_size_is_limited_without_pillows_global_limit(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1)
    assert read_header(white(20, 30), 600).size == (30, 20)
    assert Image.MAX_IMAGE_PIXELS == 1
    with pytest.raises(ImageFileError, match=r"more than 599 pixels .* \(30 x 20\)"):
        read_header(white(20, 30), 599)


IMPORT_WITHOUT_EFFECTS = """
import warnings
from PIL import Image

limit, filters = Image.MAX_IMAGE_PIXELS, list(warnings.filters)
from aocr.data.images import conversion
from aocr.data.images import files

assert Image.MAX_IMAGE_PIXELS == limit
assert warnings.filters == filters
"""


def test_import_changes_no_setting_of_pillow():
    subprocess.run([sys.executable, "-c", IMPORT_WITHOUT_EFFECTS], check=True)
