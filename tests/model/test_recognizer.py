"""Tests the forward path: shapes, what padding counts for, and the losses."""

import dataclasses

import numpy as np
import tensorflow as tf
from helpers import TINY, load_noise, noise

from aocr.charset import EOS_ID, PAD_ID
from aocr.model import recognizer
from aocr.model.backbones import layers, sliding_cnn
from aocr.model.decoders.attention import decoder_inputs, sequence_losses

WIDTHS = [16, 9]
IMAGES = 127 + 127 * noise("images", 2, 32, 16, 1)
TARGETS = np.array([[3, 4, EOS_ID, PAD_ID, PAD_ID], [EOS_ID] + [PAD_ID] * 4])


def build(config=TINY, training=None):
    """Builds the forward path of two images, the second of 9 pixels in width."""
    return recognizer.forward(tf.constant(IMAGES), tf.constant(WIDTHS), config, training)


def test_the_features_are_those_of_the_cnn():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        model = build()
        with tf.compat.v1.variable_scope("", reuse=True):
            expected = sliding_cnn.extract_features(tf.constant(IMAGES)).features
        load_noise(session)
        features, expected = session.run((model.features, expected))
    assert features.shape == (2, 4, 512)
    np.testing.assert_array_equal(features, expected)


def test_the_decoder_has_a_step_for_each_target_and_a_logit_for_each_symbol():
    with tf.Graph().as_default():
        logits = build().decoder.teacher_forced_logits(tf.constant(TARGETS, tf.int32))
    assert logits.shape.as_list() == [2, TINY.decoder_steps, 3 + len(TINY.characters)]


def test_only_training_has_batch_statistics():
    with tf.Graph().as_default():
        assert build().batch_statistics == ()
    with tf.Graph().as_default():
        assert len(build(training=layers.Training(tf.constant(0))).batch_statistics) == 6


def test_padding_counts_only_without_buckets():
    """An image of 9 pixels has 3 of the 4 columns."""
    for bucket_widths, attended_columns in (((), 4), ((8,), 3)):
        config = dataclasses.replace(TINY, bucket_widths=bucket_widths)
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            decoding = build(config).decoder.decode(stop_at_eos=False)
            load_noise(session)
            attention = session.run(decoding.attention)
        assert (attention[0] > 0).all(axis=0).sum() == 4
        assert (attention[1] > 0).all(axis=0).sum() == attended_columns


def test_losses_are_those_of_the_teacher_forced_logits():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        decoder, targets = build().decoder, tf.constant(TARGETS, tf.int32)
        losses = decoder.losses(targets)
        logits = decoder.teacher_forced_logits(decoder_inputs(targets))
        load_noise(session)
        losses, expected = session.run((losses, sequence_losses(logits, targets)))
    assert losses.shape == (2,)
    np.testing.assert_allclose(losses, expected, rtol=1e-6)


def test_a_joint_model_trains_two_decoders_and_reads_with_one():
    names = {}
    for reader in ("attention", "ctc"):
        config = dataclasses.replace(TINY, decoder="joint", read_with=reader)
        for is_training in (False, True):
            with tf.Graph().as_default():
                build(config, layers.Training(tf.constant(0)) if is_training else None)
                variables = tf.compat.v1.global_variables()
            scopes = {variable.op.name.split("/")[0] for variable in variables}
            names[reader, is_training] = scopes & {
                "embedding_attention_decoder",
                "ctc_decoder",
            }
    assert names["attention", False] == {"embedding_attention_decoder"}
    assert names["ctc", False] == {"ctc_decoder"}
    both = {"embedding_attention_decoder", "ctc_decoder"}
    assert names["attention", True] == names["ctc", True] == both


def test_the_joint_loss_is_the_mean_of_both():
    losses = {}
    for decoder in ("attention", "ctc", "joint"):
        config = dataclasses.replace(TINY, decoder=decoder)
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            training = layers.Training(tf.constant(0), dropout=0.0)
            found = build(config, training).decoder.losses(tf.constant(TARGETS, tf.int32))
            load_noise(session)
            losses[decoder] = session.run(found)
    expected = (losses["attention"] + losses["ctc"]) / 2
    np.testing.assert_allclose(losses["joint"], expected, rtol=1e-5)
