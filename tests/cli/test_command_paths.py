"""Checks the paths of commands that are known before TensorFlow is imported."""

import fnmatch

import pytest

from aocr.cli.command_paths import MODEL_FILES
from aocr.model import checkpoint_files, config_file
from aocr.training.best_checkpoint import BestCheckpoint


@pytest.mark.parametrize(
    "name",
    [
        checkpoint_files.LATEST,
        checkpoint_files.BEST,
        config_file.FILE_NAME,
        BestCheckpoint.FILE_NAME,
        *(
            f"{prefix}-12{checkpoint_files.INDEX_SUFFIX}"
            for prefix in checkpoint_files.PREFIXES.values()
        ),
    ],
)
def test_every_file_of_a_model_is_protected(name):
    assert any(fnmatch.fnmatch(name, pattern) for pattern in MODEL_FILES)
