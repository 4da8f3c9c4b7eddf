"""Builds the evaluation graph: records in, texts and losses out."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from aocr.charset import Charset
from aocr.config import Config
from aocr.data import input_pipeline, preprocessing
from aocr.model import recognizer
from aocr.model.postprocessing import Transcription, transcribe


class EvalGraph(NamedTuple):
    """A graph that tests.

    Attributes:
        graph: what holds it all.
        start: run it before the first batch.
        batch: what is tested.
        reading: what was read.
        losses: float32 `[N]`, teacher-forced.
    """

    graph: tf.Graph
    start: tf.Operation
    batch: input_pipeline.EvaluationBatch
    reading: Transcription
    losses: tf.Tensor


def build_eval_graph(
    config: Config, files: list[str], undecodable: list[int], batch_size: int
) -> EvalGraph:
    """Records in, readings and losses out."""
    with tf.Graph().as_default() as graph:
        iterator = tf.compat.v1.data.make_initializable_iterator(
            input_pipeline.evaluation_batches(files, config, undecodable, batch_size)
        )
        batch = iterator.get_next()
        images = preprocessing.crop_to_bucket(batch.images, batch.widths, config)
        _, decoder = recognizer.forward(images, batch.widths, config)
        return EvalGraph(
            graph=graph,
            start=iterator.initializer,
            batch=batch,
            reading=transcribe(decoder.greedy(), Charset(config.characters)),
            losses=recognizer.teacher_forced_losses(decoder, batch.targets),
        )
