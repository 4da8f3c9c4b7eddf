"""Builds the evaluation graph: records in, texts and losses out."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from aocr.charset import Charset
from aocr.config import Config
from aocr.data import input_pipeline, preprocessing
from aocr.model import recognizer
from aocr.model.postprocessing import (
    Readings,
    Transcription,
    transcribe,
    transcribe_readings,
)
from aocr.model.search import text_search
from aocr.model.search.text_search import Search


class EvalGraph(NamedTuple):
    """Holds a graph that evaluates.

    Attributes:
        graph: contains everything below.
        start: the operation to run before the first batch.
        batch: the batch that is evaluated.
        transcription: the predicted texts.
        readings: the most probable texts, if they are searched; empty for greedy decoding.
        losses: float32 `[N]`, teacher-forced.
    """

    graph: tf.Graph
    start: tf.Operation
    batch: input_pipeline.EvaluationBatch
    transcription: Transcription
    readings: Readings | tuple[()]
    losses: tf.Tensor


def build_eval_graph(
    config: Config,
    files: list[str],
    undecodable: list[int],
    batch_size: int,
    search: Search | None = None,
) -> EvalGraph:
    """Builds a graph that reads every record once, in order.

    Args:
        config: the model.
        files: TFRecord files.
        undecodable: numbers of the records whose images cannot be decoded, from 0.
        batch_size: images in a batch.
        search: says which texts are looked for; None for greedy decoding.
    """
    with tf.Graph().as_default() as graph:
        iterator = tf.compat.v1.data.make_initializable_iterator(
            input_pipeline.evaluation_batches(files, config, undecodable, batch_size)
        )
        batch = iterator.get_next()
        images = preprocessing.crop_to_bucket(batch.images, batch.widths, config)
        decoder = recognizer.forward(images, batch.widths, config).decoder
        decoding = text_search.decode(decoder, config, search)
        charset = Charset(config.characters)
        return EvalGraph(
            graph=graph,
            start=iterator.initializer,
            batch=batch,
            transcription=transcribe(decoding, charset),
            readings=transcribe_readings(decoding, charset),
            losses=decoder.losses(batch.targets),
        )
