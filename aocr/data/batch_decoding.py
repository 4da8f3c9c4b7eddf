"""Decodes many image files in one call, to know that they are whole.

A call for each file would cost more than most files' decoding: threads of Python wait for each
other at every call. One call for many runs on all cores without Python.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

BATCH = 64
"""Files that are decoded in one call."""

MOST_PIXELS = 2**20
"""Larger images are not for batches: all of a batch are in memory at once."""


class BatchDecoder:
    """A graph that decodes `BATCH` files; threads may share it."""

    def __init__(self) -> None:
        with tf.Graph().as_default() as graph:
            files = tf.compat.v1.placeholder(tf.string, [BATCH])
            images = [
                tf.raw_ops.DecodeImage(contents=file, expand_animations=False)
                for file in tf.unstack(files)
            ]
            shapes = tf.stack([tf.shape(image) for image in images])  # what is unused is not run
        self._session = tf.compat.v1.Session(graph=graph)
        self._run = self._session.make_callable(shapes, [files])

    def are_whole(self, files: Sequence[bytes]) -> bool:
        """Whether TensorFlow decodes each of up to `BATCH` files to the last pixel."""
        if not files:
            return True
        padded = [*files, *[files[0]] * (BATCH - len(files))]
        try:
            self._run(np.array(padded, object))
        except tf.errors.OpError:
            return False
        return True
