"""Uses exports as their clients do: in processes that cannot import aocr."""

import json
import os
import subprocess
import sys

SIGNATURE_CLIENT = """
import json, pathlib, sys, tensorflow as tf
folder, *images = sys.argv[1:]
read = tf.saved_model.load(folder).signatures["serving_default"]
images = [pathlib.Path(i).read_bytes() for i in images]
answers = [read(tf.constant(x)) for x in (images[0], images[:1], images)]
def text(output):
    texts = output.numpy()
    return texts.decode() if output.shape == () else [t.decode() for t in texts]
print(json.dumps([[text(a["output"]), a["probability"].numpy().tolist(),
    a["probability"].dtype.name] for a in answers]))
"""
"""Feeds a SavedModel the first image as a scalar, the first as a vector, and all as a vector.

Prints texts, probabilities and the probabilities' type for each of the three requests.
"""

FROZEN_CLIENT = """
import json, pathlib, sys, tensorflow as tf
graph_def = tf.compat.v1.GraphDef.FromString(pathlib.Path(sys.argv[1]).read_bytes())
with tf.Graph().as_default() as graph:
    tf.import_graph_def(graph_def, name="")
images = [pathlib.Path(i).read_bytes() for i in sys.argv[2:]]
answers = []
with tf.compat.v1.Session(graph=graph) as session:
    for x in (images[0], images[:1], images, *images):
        text, probability = session.run(
            ["prediction:0", "probability:0"], {"input_image_as_bytes:0": x})
        answers.append([text.decode() if isinstance(text, bytes) else
            [t.decode() for t in text], probability.tolist()])
print(json.dumps(answers))
"""
"""Feeds a frozen graph as `SIGNATURE_CLIENT` does a SavedModel, then each image as a scalar.

Prints texts and probabilities for each request.
"""


def python_without_aocr(program, *arguments):
    """Runs a program that cannot import aocr, and returns what it prints as JSON."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    blocked = "import sys; sys.modules['aocr'] = None\n"
    done = subprocess.run(
        [sys.executable, "-c", blocked + program, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def devices_of(graph_def):
    """Returns the set of devices that the nodes of a graph of more than 100 nodes name."""
    nodes = [*graph_def.node, *(n for f in graph_def.library.function for n in f.node_def)]
    assert len(nodes) > 100
    return {node.device for node in nodes}
