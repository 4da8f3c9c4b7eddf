"""aocr: train, measure, export and serve a reader of word images.

import aocr

with aocr.load("checkpoints") as reader:
    reading = reader.read("word.png")
    print(reading.text, reading.probability)
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # as typing's, whose import would delay the handling of signals
if TYPE_CHECKING:
    from typing import Any

    from aocr.reading.reader import Reader

__version__ = "1.0.0.dev0"


def load(
    path: str | os.PathLike[str],
    *,
    checkpoint: str | None = None,
    gpu_id: int = 0,
    batch_size: int | None = None,
    **model: Any,
) -> Reader:
    """Loads a model that reads images. Imports TensorFlow, which takes seconds.

    Args:
        path: a model directory, an export, a folder with numbered versions of an export (the
            newest is loaded), or the name of a model.
        checkpoint: 'best', 'latest', a step or a path, of a model directory; without it, the best
            checkpoint if there is one, else the latest.
        gpu_id: index of the GPU; negative for the CPU.
        batch_size: number of images that the model reads at a time; 64 if it is None.
        model: fields of `aocr.config.Config` such as `max_width=160`, which only model
            directories of aocr 0.7.6 need; and `read_with` for a joint model.

    Raises:
        aocr.util.errors.UserError: there is no such model, or it cannot be loaded.
    """
    from aocr.util.terminal.tensorflow_import import import_tensorflow

    import_tensorflow(os.devnull)
    from aocr.config import TEST_BATCH_SIZE
    from aocr.reading.loading import LoadOptions, load_reader

    options = LoadOptions(checkpoint, gpu_id, model)
    return load_reader(os.fspath(path), options, batch_size or TEST_BATCH_SIZE)
