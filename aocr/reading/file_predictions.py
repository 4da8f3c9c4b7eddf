"""Predicts the text of image files, in the order of their names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from aocr.config import TEST_BATCH_SIZE, Config
from aocr.data.images.decoder_complaints import DecoderWatch
from aocr.data.images.files import quiet_pillow
from aocr.inference.results import Reading
from aocr.model.search.text_search import Search
from aocr.reading.arrivals import batch_arrivals
from aocr.reading.checkpoint_backend import CheckpointBackend
from aocr.reading.reader import Reader

MAX_IMAGES_WITHOUT_GRAPPLER = 16
"""Largest number of images for which `predict` turns off Grappler, TensorFlow's graph optimizer.
For so few images, optimizing the graph takes longer than it saves."""


def predict(
    config: Config,
    paths: Iterable[str],
    checkpoint: str,
    gpu_id: int,
    search: Search | None = None,
    batch_size: int = TEST_BATCH_SIZE,
) -> Iterator[tuple[str, Reading]]:
    """Predicts the text of each image file, which is read and converted as by `aocr dataset`.

    Args:
        config: the config of the model.
        paths: paths of image files. They may arrive one by one: a prediction does not wait for
            a full batch.
        checkpoint: path of the checkpoint that holds the weights.
        gpu_id: index of the GPU; negative for the CPU.
        search: says which texts are looked for; None for greedy decoding.
        batch_size: largest number of images that the model reads at a time.

    Yields:
        Each path with what was read, in the order of the paths. If a file cannot be read, its
        reading holds the reason.

    Raises:
        UserError: the checkpoint does not fit the config.
    """
    few = isinstance(paths, Sequence) and len(paths) <= MAX_IMAGES_WITHOUT_GRAPPLER
    backend = CheckpointBackend(config, checkpoint, gpu_id, optimize=not few, search=search)
    with quiet_pillow(), DecoderWatch() as watch, Reader(backend, watch=watch) as reader:
        for batch in batch_arrivals(paths, batch_size):
            yield from zip(batch, reader.read_batch(batch), strict=True)
