"""Checks the paths of commands that are known before TensorFlow is imported."""

import fnmatch

import pytest

from aocr.cli.flags.paths import MODEL_FILES, image_inputs
from aocr.model import config_file
from aocr.model.weights import files
from aocr.training.validation.validator import BestCheckpoint
from aocr.util.errors import UserError
from aocr.util.paths.checks import check_paths


@pytest.mark.parametrize(
    "name",
    [
        files.LATEST,
        files.BEST,
        config_file.FILE_NAME,
        BestCheckpoint.FILE_NAME,
        *(f"{prefix}-12{files.INDEX_SUFFIX}" for prefix in files.PREFIXES.values()),
    ],
)
def test_every_file_of_a_model_is_protected(name):
    assert any(fnmatch.fnmatch(name, pattern) for pattern in MODEL_FILES)


def test_a_folder_of_images_may_hold_the_log_but_the_log_is_no_image(tmp_path):
    for name in ("aocr.log", "a.PNG"):
        (tmp_path / name).write_text("")
    inputs = image_inputs([str(tmp_path)])
    assert [each.path for each in inputs] == [f"{tmp_path}/a.PNG"]
    check_paths(inputs, [], f"{tmp_path}/aocr.log")
    with pytest.raises(UserError, match=r"--log-path .*a\.PNG are the same file"):
        check_paths(inputs, [], f"{tmp_path}/a.PNG")
