"""Helps several tests: image files, records, noise for weights, and cells in NumPy."""

import io
import zlib

import numpy as np
import tensorflow as tf
from PIL import Image

from aocr.config import Config
from aocr.data.batches.epochs import Records
from aocr.data.dataset_scan import scan

# Sessions of tests run a graph once or twice. To optimize it first takes longer than to run it. The
# sessions of aocr itself have options of their own.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})

TINY = Config(
    max_width=16,
    max_height=32,
    max_prediction=3,
    characters="AB",
    attn_num_layers=1,
    attn_num_hidden=4,
    target_embedding_size=2,
)
"""A model that is built and run in no time."""


def encoded(pixels, file_format="PNG"):
    """A Pillow image, or uint8 `[h, w]` or `[h, w, C]`, as the bytes of an image file."""
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = io.BytesIO()
    picture.save(buffer, file_format)
    return buffer.getvalue()


def white(height, width):
    """A white PNG."""
    return encoded(np.full([height, width], 255, np.uint8))


def dotted(height, width):
    """A white PNG with a black pixel."""
    pixels = np.full([height, width], 255, np.uint8)
    pixels[0, 0] = 0
    return encoded(pixels)


def write_records(path, serialized):
    """Writes serialized records as a TFRecord file; returns its name."""
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in serialized:
            writer.write(record)
    return str(path)


def records_of(files, batch_size=65, excluded=(), config=TINY):
    """All records of files, in batches of this size, for `build_train_graph`."""
    found = scan(files, config)
    widths = np.array(found.width_of_record, np.int32)
    return Records(files, found.records_of_file, list(excluded), widths, batch_size)


def noise(name, *shape):
    """Uniform numbers from -1 to 1, always the same for one name: float32 `shape`."""
    generator = np.random.default_rng(zlib.crc32(name.encode()))
    return generator.uniform(-1, 1, shape).astype(np.float32)


def load_noise(session):
    """Gives every float variable of the graph noise; returns the values by the variables' names."""
    values = {}
    for variable in tf.compat.v1.global_variables():
        if variable.dtype.is_floating:
            name = variable.op.name
            value = noise(name, *variable.shape.as_list())
            values[name] = abs(value) + 0.5 if "variance" in name else value
    load_values(session, values)
    return values


def load_values(session, values):
    """Gives variables of the graph new values, by their names.

    All in one run: a session prepares the whole graph again for each other set of operations.
    """
    variables = [v for v in tf.compat.v1.global_variables() if v.op.name in values]
    feed = {v.initializer.inputs[1]: values[v.op.name] for v in variables}
    session.run([v.initializer for v in variables], feed)


def run(fetches, feed=None):
    """The values of the fetches, in a new session on the default graph, variables initialised."""
    with tf.compat.v1.Session() as session:
        session.run(tf.compat.v1.global_variables_initializer())
        return session.run(fetches, feed)


def count_nodes(graph):
    """Nodes of a graph, those in the bodies of its loops included."""
    definition = graph.as_graph_def()
    return len(definition.node) + sum(len(f.node_def) for f in definition.library.function)


def sigmoid(x):
    """In NumPy."""
    return 1 / (1 + np.exp(-x))


def lstm(x, c, h, kernel, bias):
    """One step of an LSTM in NumPy: the next `c` and `h`."""
    # i = input gate, j = candidate, f = forget gate, o = output gate
    i, j, f, o = np.split(np.concatenate([x, h], axis=1) @ kernel + bias, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(j)
    return c, sigmoid(o) * np.tanh(c)


def gru(x, h, gates_kernel, gates_bias, candidate_kernel, candidate_bias):
    """One step of a GRU in NumPy: the next `h`."""
    # r = reset gate, u = update gate
    gates = sigmoid(np.concatenate([x, h], axis=1) @ gates_kernel + gates_bias)
    r, u = np.split(gates, 2, axis=1)
    candidate = np.tanh(np.concatenate([x, r * h], axis=1) @ candidate_kernel + candidate_bias)
    return u * h + (1 - u) * candidate


def columns(readings):
    """Returns the texts and the probabilities of readings."""
    return [each.text for each in readings], [each.probability for each in readings]
