"""Decodes many image files in one call, to check that they are whole, and to learn their sizes.

A call for each file would cost more time than decoding most files, because Python's threads wait
for each other at every call. One call for many files uses all cores without Python.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from aocr.data.images.decoder_complaints import DecoderWatch

BATCH_SIZE = 64
"""Number of files that are decoded in one call."""


def shapes_of(files: tf.Tensor, channels: int = 0) -> tf.Tensor:
    """Decodes every file with an operation of its own, so that all cores decode.

    No more images are in memory at a time than cores decode: each is dropped once it has a shape.

    Args:
        files: string `[BATCH_SIZE]`, image files; of a GIF only the first frame is decoded.
        channels: of the decoded images; 0 for as many as the file has.

    Returns:
        int32 `[BATCH_SIZE, 3]`: height, width and channels.
    """
    images = [
        tf.raw_ops.DecodeImage(contents=file, channels=channels, expand_animations=False)
        for file in tf.unstack(files)
    ]
    return tf.stack([tf.shape(image) for image in images])  # makes every decoder run


class BatchDecoder:
    """Decodes batches of `BATCH_SIZE` files in a graph of its own; threads may share it.

    Args:
        watch: listens to the decoder.
    """

    def __init__(self, watch: DecoderWatch) -> None:
        self._watch = watch
        with tf.Graph().as_default() as graph:
            files = tf.compat.v1.placeholder(tf.string, [BATCH_SIZE])
            shapes = shapes_of(files)
        self._session = tf.compat.v1.Session(graph=graph)
        self._run = self._session.make_callable(shapes, [files])

    def are_good(self, files: Sequence[bytes]) -> bool:
        """Returns whether TensorFlow can decode all pixels of each file, without a complaint.

        If another thread decodes a file with a complaint meanwhile, the result is False, too.

        Args:
            files: at most `BATCH_SIZE` image files.
        """
        if not files:
            return True
        padded = [*files, *[files[0]] * (BATCH_SIZE - len(files))]
        try:
            with self._watch.together() as heard:
                self._run(np.array(padded, object))
        except tf.errors.OpError:
            return False
        return not heard
