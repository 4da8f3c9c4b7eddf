"""Runs `aocr train` for tests, and reads its log."""

import os
import re
import shutil

import tensorflow as tf
from commands import MODEL, run_aocr

from aocr.data.records import schema

STEP = re.compile(r"Step (\d+): (\d+\.\d{3})s, loss: (\d+\.\d{6}), perplexity: (\d+\.\d{6})\.$")
GLOBAL_STEP = re.compile(
    r"Global step (\d+)\. Time: \d+\.\d{3}, loss: \d+\.\d{6}, perplexity: \d+\.\d{2}\.$"
)


def steps(log):
    """Returns the step numbers of the log's step lines."""
    return [int(m[1]) for m in map(STEP.search, log.splitlines()) if m]


def global_steps(log):
    """Returns the global steps at which the log reports means."""
    return [int(m[1]) for m in map(GLOBAL_STEP.search, log.splitlines()) if m]


def write(path, pairs):
    """Writes a TFRecord file of `(image, label)`."""
    with tf.io.TFRecordWriter(str(path)) as writer:
        for image, label in pairs:
            writer.write(schema.serialize(image, label))


def train(folder, *arguments, check=0):
    """Trains on `d.tfrecords` of a folder, and returns the log."""
    return run_aocr(
        "train", "d.tfrecords", *MODEL, "--batch-size=4", *arguments, cwd=folder, check=check
    ).stderr


def copy_trained(trained, folder):
    """Copies a trained model and its dataset, as `d.tfrecords`, to train on; returns the folder.

    The checkpoints are hard links: training writes new ones and removes old ones, but changes none.
    """
    shutil.copytree(trained.folder / "checkpoints", folder / "checkpoints", copy_function=_copy)
    shutil.copy(trained.folder / "words.tfrecords", folder / "d.tfrecords")
    return folder


def _copy(source, target):
    if ".ckpt-" in source:
        os.link(source, target)
    else:
        shutil.copy2(source, target)
