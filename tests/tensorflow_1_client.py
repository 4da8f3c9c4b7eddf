"""Loads exports in Python 3.7 with TensorFlow 1.15, which is given in AOCR_TF1_PYTHON."""

import json
import os
import subprocess

PYTHON = os.environ.get("AOCR_TF1_PYTHON", "")

SAVED_MODEL_CLIENT = """
import json, sys
import numpy as np
import tensorflow as tf
from tensorflow.contrib import predictor
assert tf.__version__.startswith("1.15")
folder = sys.argv[1]
images = [open(name, "rb").read() for name in sys.argv[2:]]
requests = images + [images[:1], images]
def values(output, probability):
    texts = np.asarray(output).reshape([-1])
    return [x.decode() for x in texts], np.asarray(probability).reshape([-1]).tolist()
answers = {}
read = predictor.from_saved_model(folder)
answers["predictor"] = [values(**read({"input": x})) for x in requests]
with tf.Session(graph=tf.Graph()) as session:
    graph = tf.saved_model.loader.load(session, ["serve"], folder)
    signature = graph.signature_def["serving_default"]
    fetches = {key: info.name for key, info in signature.outputs.items()}
    name = signature.inputs["input"].name
    answers["loader"] = [values(**session.run(fetches, {name: x})) for x in requests]
    def call(name, *inputs):
        signature = graph.signature_def[name]
        feed = {signature.inputs[key].name: value for key, value in inputs}
        fetches = {key: info.name for key, info in signature.outputs.items()}
        outputs = session.run(fetches, feed).items()
        return {key: value.astype(str if value.dtype == object else float).tolist()
            for key, value in outputs}
    answers["serving_batch"] = call("serving_batch", ("input", images + [b"", images[0][:99]]))
    pixels = session.run("map/TensorArrayStack/TensorArrayGatherV3:0", {name: images[:2]})
    answers["serving_pixels"] = call("serving_pixels", ("pixels", pixels))
print(json.dumps(answers))
"""
"""Reads each image as a scalar, the first as a vector of one, and all as a vector, in two ways.

Then reads a batch with two damaged files, and prepared pixels of two images, by the signatures for
them.
"""

FROZEN_CLIENT = """
import json, sys
import numpy as np
import tensorflow as tf
assert tf.__version__.startswith("1.15")
definition = tf.GraphDef()
definition.ParseFromString(open(sys.argv[1], "rb").read())
with tf.Graph().as_default() as graph:
    tf.import_graph_def(definition, name="prefix")
images = [open(name, "rb").read() for name in sys.argv[2:]]
fetches = ["prefix/prediction:0", "prefix/probability:0"]
answers = []
with tf.Session(graph=graph) as session:
    for x in images + [images[:1], images]:
        text, p = session.run(fetches, {"prefix/input_image_as_bytes:0": x})
        texts = np.asarray(text).reshape([-1])
        answers.append([[t.decode() for t in texts], np.asarray(p).reshape([-1]).tolist()])
print(json.dumps({"import_graph_def": answers}))
"""
"""Reads the same as `SAVED_MODEL_CLIENT` with a frozen graph, by the names of its operations."""


def run_in_tensorflow_1(program, *arguments):
    """Runs a program and returns what it prints last, as JSON."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [PYTHON, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        cwd="/",
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])
