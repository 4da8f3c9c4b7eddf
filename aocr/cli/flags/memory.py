"""Checks that a batch of images can fit into this machine's memory at all."""

from __future__ import annotations

from collections.abc import Mapping

from aocr.config import Config
from aocr.util.errors import UsageError
from aocr.util.machine import memory_bytes
from aocr.util.text.plurals import counted

TRAINING_FLOATS = {"sliding": 5376, "compact": 1888}
"""Numbers that the convolutions of a backbone output per pixel of image width. Training keeps them
all until the gradients are computed."""

INFERENCE_FLOATS = {"sliding": 2048, "compact": 768}
"""Numbers that the first convolution, the largest, outputs per pixel of image width."""


def check_batch_size(batch_size: int, config: Config, floats: Mapping[str, int]) -> None:
    """Refuses batches that are larger than the memory, whatever else takes memory.

    Args:
        batch_size: number of images.
        config: gives the backbone and the width of the images.
        floats: `TRAINING_FLOATS` or `INFERENCE_FLOATS`.

    Raises:
        UsageError: the batch cannot fit.
    """
    memory = memory_bytes()
    bytes_of_image = 4 * floats[config.backbone] * config.image_width
    if memory is None or batch_size * bytes_of_image <= memory:
        return
    images = counted(batch_size, "image")
    raise UsageError(
        f"--batch-size={batch_size}: {images} of {config.image_width} x 32 pixels would take "
        f"more than {batch_size * bytes_of_image / 2**30:.1f} GiB, and this machine has "
        f"{memory / 2**30:.1f} GiB: give at most {memory // bytes_of_image}, better less"
    )
