"""Builds the evaluation graph: records in, texts and losses out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

from aocr.charset import Charset
from aocr.config import SLIDING, TEST_BATCH_SIZE, Config
from aocr.data.batches.evaluation import EvaluationBatch, evaluation_batches
from aocr.data.images import preprocessing
from aocr.model import recognizer
from aocr.model.decoders.common import Decoder
from aocr.model.postprocessing import (
    RankedTexts,
    Transcription,
    transcribe,
    transcribe_readings,
)

if TYPE_CHECKING:
    from aocr.model.search.text_search import Search

LARGE_BATCH_SIZE, LARGE_BATCH_WIDTH = 256, 256 * 128
"""Largest number of images that a compact network reads at a time by default, and their total width
in pixels. An operation's overhead is large beside its work there: of images of 128x32, one core
read 1.2 times as many a second in batches of 256 as in batches of 65. `sliding` gained nothing."""


class EvalGraph(NamedTuple):
    """Holds a graph that evaluates.

    Attributes:
        graph: the graph of everything below.
        start: the operation to run before the first batch.
        batch: the batch that is evaluated.
        transcription: the predicted texts.
        losses: float32 `[N]`, teacher-forced; NaN for a label that the model cannot write.
        readings: the most probable texts, if they are searched; None for greedy decoding.
    """

    graph: tf.Graph
    start: tf.Operation
    batch: EvaluationBatch
    transcription: Transcription
    losses: tf.Tensor
    readings: RankedTexts | None = None


def default_batch_size(config: Config) -> int:
    """Returns the number of images to read at a time."""
    if config.backbone == SLIDING:
        return TEST_BATCH_SIZE
    return max(TEST_BATCH_SIZE, min(LARGE_BATCH_SIZE, LARGE_BATCH_WIDTH // config.image_width))


def build_eval_graph(
    config: Config,
    files: list[str],
    undecodable: list[int],
    batch_size: int | None = None,
    search: Search | None = None,
) -> EvalGraph:
    """Builds a graph that reads every record once, in order.

    Args:
        config: the model.
        files: TFRecord files.
        undecodable: numbers of the records whose images cannot be decoded, from 0.
        batch_size: number of images to read at a time; None for `default_batch_size`.
        search: the texts that are looked for; None for greedy decoding.
    """
    with tf.Graph().as_default() as graph:
        iterator = tf.compat.v1.data.make_initializable_iterator(
            evaluation_batches(files, config, undecodable, batch_size or default_batch_size(config))
        )
        batch = iterator.get_next()
        images = preprocessing.crop_to_bucket(batch.images, batch.widths, config)
        model = recognizer.forward(images, batch.widths, config)
        decoding = recognizer.decode(model.decoder, config, search)
        charset = Charset(config.characters)
        return EvalGraph(
            graph=graph,
            start=iterator.initializer,
            batch=batch,
            transcription=transcribe(decoding, charset),
            losses=_losses(model.decoder, batch.targets),
            readings=transcribe_readings(decoding, charset),
        )


def _losses(decoder: Decoder, targets: tf.Tensor) -> tf.Tensor:
    """Returns the losses of labels, int32 `[N, S] --> [N]`; NaN where there is none.

    A finite number in its place would improve the mean of the more images, the fewer can be read.
    """
    return tf.where(decoder.writes(targets), decoder.losses(targets), math.nan)
