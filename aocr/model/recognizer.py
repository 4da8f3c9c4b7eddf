"""The three graphs, assembled from the layers: for training, for testing, for serving."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from aocr.charset import Charset
from aocr.config import COLUMN_WIDTH, Config, TrainingOptions
from aocr.data import input_pipeline as data_gen
from aocr.data import preprocessing as image
from aocr.model import cnn
from aocr.model.checkpoints import STEP
from aocr.model.decoder import Decoder, Greedy
from aocr.model.encoder import encode
from aocr.model.loss import sequence_losses
from aocr.model.postprocessing import Reading, spell
from aocr.training.optimizer import Update, update
from aocr.training.step_plan import Plan


class TrainGraph(NamedTuple):
    """A graph that trains.

    Attributes:
        graph: what holds it all.
        start: run it before the first step.
        batch: what is trained on.
        update: the training step; fetching its `step` takes one.
        loss: float32 scalar, the batch's mean.
        features: `[N, T, 512]`, the CNN's output.
    """

    graph: tf.Graph
    start: tf.Operation
    batch: data_gen.TrainingBatch
    update: Update
    loss: tf.Tensor
    features: tf.Tensor


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
    batch: data_gen.EvaluationBatch
    reading: Reading
    losses: tf.Tensor


class ServingGraph(NamedTuple):
    """A graph that reads; without variables for training, and without a device.

    Attributes:
        graph: what holds it all.
        input: string scalar or `[N]`, encoded images: `input_image_as_bytes:0`.
        prepared: pixels and widths of the images; may be fed in place of the input.
        features: float32 `[N, T, 512]`, the CNN's output.
        greedy: the decoder's symbols, logits and attention.
        reading: what was read, `[N]`.
        output: the texts, in the shape of the input.
        probability: their probabilities, in the shape of the input.
    """

    graph: tf.Graph
    input: tf.Tensor
    prepared: image.Prepared
    features: tf.Tensor
    greedy: Greedy
    reading: Reading
    output: tf.Tensor
    probability: tf.Tensor


def build_train_graph(
    config: Config,
    options: TrainingOptions,
    files: list[str],
    rejected: list[int],
    plan: Plan,
    convolutions: tf.DType = tf.float32,
) -> TrainGraph:
    """Records in, training steps out.

    Args:
        config: the model.
        options: how it is trained.
        files: TFRecords.
        rejected: places of the records to leave out.
        plan: which steps, on which records.
        convolutions: what they compute in.
    """
    with tf.Graph().as_default() as graph:
        tf.compat.v1.set_random_seed(plan.seed)
        order = data_gen.Order(options.batch_size, plan.seed, plan.first_epoch, plan.skipped)
        batches = data_gen.training_batches(files, config, _prepare(config), rejected, order)
        iterator = tf.compat.v1.data.make_initializable_iterator(batches)
        batch = iterator.get_next()
        global_step = _global_step()
        step = tf.convert_to_tensor(global_step)
        training = cnn.Training(
            step, [], plan.seed, options.dropout, options.bn_momentum, convolutions
        )
        features, decoder = _decoder(batch.images, batch.widths, config, training)
        loss = tf.reduce_mean(_teacher_forced_losses(decoder, batch.targets))
        made = update(loss, training.move_averages, global_step, options, plan.last_step)
        return TrainGraph(
            graph=graph,
            start=iterator.initializer,
            batch=batch,
            update=made,
            loss=loss,
            features=features,
        )


def build_eval_graph(
    config: Config, files: list[str], undecodable: list[int], batch_size: int
) -> EvalGraph:
    """Records in, readings and losses out."""
    with tf.Graph().as_default() as graph:
        iterator = tf.compat.v1.data.make_initializable_iterator(
            data_gen.evaluation_batches(files, config, _prepare(config), undecodable, batch_size)
        )
        batch = iterator.get_next()
        _, decoder = _decoder(batch.images, batch.widths, config)
        return EvalGraph(
            graph=graph,
            start=iterator.initializer,
            batch=batch,
            reading=spell(decoder.greedy(), Charset(config.characters)),
            losses=_teacher_forced_losses(decoder, batch.targets),
        )


def build_serving_graph(config: Config, stop_at_eos: bool = True) -> ServingGraph:
    """Encoded images in, texts out (COMPAT.md, section 3).

    Args:
        config: the model.
        stop_at_eos: see `Decoder.greedy`.
    """
    with tf.Graph().as_default() as graph:
        encoded = tf.compat.v1.placeholder(tf.string, name="input_image_as_bytes")
        prepared = image.prepare_all(tf.reshape(encoded, [-1]), config)  # [] or [N] --> [N, ...]
        features, decoder = _decoder(prepared.pixels, prepared.width, config)
        greedy = decoder.greedy(stop_at_eos)
        reading = spell(greedy, Charset(config.characters))
        _scalar_for_one(reading.text, "prediction")
        _scalar_for_one(reading.probability, "probability")
        return ServingGraph(
            graph=graph,
            input=encoded,
            prepared=prepared,
            features=features,
            greedy=greedy,
            reading=reading,
            output=tf.reshape(reading.text, tf.shape(encoded)),
            probability=tf.reshape(reading.probability, tf.shape(encoded)),
        )


def _prepare(config: Config) -> data_gen.Prepare:
    return lambda encoded: image.prepare(encoded, config)


def _decoder(
    images: tf.Tensor, widths: tf.Tensor, config: Config, training: cnn.Training | None = None
) -> tuple[tf.Tensor, Decoder]:
    """The way of prepared images to the decoder; and the CNN's features `[N, T, 512]`."""
    columns = None if config.padding_counts else -(-widths // COLUMN_WIDTH)
    features = cnn.features(image.cut(images, widths, config), columns, training)
    memory = encode(features, columns, config.encoder_units)
    return features, Decoder(config, config.vocab_size, memory)


def _teacher_forced_losses(decoder: Decoder, targets: tf.Tensor) -> tf.Tensor:
    return sequence_losses(decoder.teacher_forced(data_gen.decoder_inputs(targets)), targets)


def _global_step() -> tf.Variable:
    """The number of training steps so far; named `Variable` in every checkpoint of 0.7.6."""
    return tf.compat.v1.get_variable(
        STEP, [], tf.int32, initializer=tf.zeros_initializer(), trainable=False
    )


def _scalar_for_one(values: tf.Tensor, name: str) -> tf.Tensor:
    """`[N]` as it is, but `[1]` as a scalar: public clients of 0.7.6 feed `[bytes]` and want one.

    Only the two names of the frozen graph do so; the signature's outputs have the input's shape.
    """
    shape = tf.shape(values)
    rank = tf.cast(tf.not_equal(shape[0], 1), tf.int32)
    return tf.reshape(values, shape[:rank], name=name)
