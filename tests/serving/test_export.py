"""Exports as their clients use them: TensorFlow's own tools, and processes without aocr."""

import io
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from commands import MODEL, WORDS, run_aocr
from PIL import Image
from tensorflow.core.protobuf import saved_model_pb2

from aocr.config import Config
from aocr.serving import export as exports
from aocr.util.errors import UserError


@pytest.fixture(scope="module")
def saved_model(trained):
    done = run_aocr("export", "saved", *MODEL, cwd=trained.folder, check=0)
    assert "Exported SavedModel into saved\n" in done.stderr
    assert "Checked the export against the model on 4 sample images" in done.stderr
    return trained.folder / "saved"


@pytest.fixture(scope="module")
def frozen_graph(trained):
    arguments = ["export", "frozen", "--format=frozengraph", *MODEL]
    done = run_aocr(*arguments, cwd=trained.folder, check=0)
    assert "Exported as frozen/frozen_graph.pb\n" in done.stderr
    return trained.folder / "frozen/frozen_graph.pb"


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


def test_signature_outputs_follow_the_shape_of_the_input(trained, saved_model):
    images = [trained.folder / image for image in trained.images[:6]]
    scalar, one, many = python_without_aocr(SIGNATURE_CLIENT, saved_model, *images)
    assert scalar[0] == WORDS[0]
    assert isinstance(scalar[1], float)
    assert one[0] == [WORDS[0]]
    assert one[1] == pytest.approx([scalar[1]])
    assert many[0] == list(WORDS)
    assert len(many[1]) == 6
    assert {answer[2] for answer in (scalar, one, many)} == {"float64"}


FROZEN_CLIENT = """
import json, pathlib, sys, tensorflow as tf
graph_def = tf.compat.v1.GraphDef.FromString(pathlib.Path(sys.argv[1]).read_bytes())
with tf.Graph().as_default() as graph:
    tf.import_graph_def(graph_def, name="")
images = [pathlib.Path(i).read_bytes() for i in sys.argv[2:]]
answers = []
with tf.compat.v1.Session(graph=graph) as session:
    for x in (images[0], images[:1], images):
        text, probability = session.run(
            ["prediction:0", "probability:0"], {"input_image_as_bytes:0": x})
        answers.append([text.decode() if isinstance(text, bytes) else
            [t.decode() for t in text], probability.tolist()])
print(json.dumps(answers))
"""


def test_frozen_graph_gives_scalars_for_one_image_however_it_is_fed(trained, frozen_graph):
    images = [trained.folder / image for image in trained.images[:6]]
    scalar, one, many = python_without_aocr(FROZEN_CLIENT, frozen_graph, *images)
    assert scalar == one
    assert scalar[0] == WORDS[0]
    assert isinstance(scalar[1], float)
    assert many[0] == list(WORDS)


def test_saved_model_cli_runs_it(trained, saved_model, tmp_path):
    np.save(tmp_path / "in.npy", np.array((trained.folder / trained.images[2]).read_bytes()))
    program = "from tensorflow.python.tools.saved_model_cli import main; main()"
    shown = subprocess.run(
        [sys.executable, "-c", program, "show", "--dir", saved_model, "--all"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in ("serving_default", "inputs['input']", "outputs['output']", "'probability'"):
        assert name in shown
    ran = subprocess.run(
        [sys.executable, "-c", program, "run", "--dir", saved_model, "--tag_set", "serve"]
        + ["--signature_def", "serving_default", "--inputs", f"input={tmp_path}/in.npy"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert WORDS[2] in ran


@pytest.mark.parametrize("form", ["PNG", "JPEG", "BMP"])
def test_formats_are_read_from_bytes(trained, frozen_graph, tmp_path, form):
    picture = Image.open(trained.folder / trained.images[2])
    file = io.BytesIO()
    picture.save(file, form)
    (tmp_path / "image").write_bytes(file.getvalue())
    scalar, _, _ = python_without_aocr(FROZEN_CLIENT, frozen_graph, tmp_path / "image")
    assert scalar[0] == WORDS[2]


@pytest.mark.parametrize("fixture", ["saved_model", "frozen_graph"])
def test_nothing_exported_is_pinned_to_a_device(request, fixture):
    path = request.getfixturevalue(fixture)
    if fixture == "saved_model":
        message = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
        graph_def = message.meta_graphs[0].graph_def
    else:
        graph_def = tf.compat.v1.GraphDef.FromString(path.read_bytes())
    nodes = [*graph_def.node, *(n for f in graph_def.library.function for n in f.node_def)]
    assert len(nodes) > 100
    assert {node.device for node in nodes} == {""}


def test_a_folder_with_something_in_it_is_refused(trained, saved_model, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    done = run_aocr("export", tmp_path, *MODEL, cwd=trained.folder, check=1)
    assert done.stderr.count("\n") == 1
    assert f"{tmp_path} is not empty" in done.stderr
    assert "--force" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_force_replaces_a_former_export_and_leaves_other_files(trained, saved_model, tmp_path):
    folder = tmp_path / "export"
    shutil.copytree(saved_model, folder)
    (folder / "notes.txt").write_text("mine")
    (folder / "variables/stale").write_text("old")
    run_aocr("export", folder, "--force", *MODEL, cwd=trained.folder, check=0)
    assert (folder / "notes.txt").read_text() == "mine"
    assert not (folder / "variables/stale").exists()
    assert (folder / "saved_model.pb").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["export"]  # no temporary folder is left


def test_an_export_that_reads_otherwise_is_not_exported(tmp_path, monkeypatch):
    monkeypatch.setattr(exports, "_read_saved_model", lambda folder: lambda image: ("X", 0.5))
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        encoded = tf.compat.v1.placeholder(tf.string)
        variable = tf.compat.v1.get_variable("v", [])
        session.run(variable.initializer)
        probability = tf.cast(variable, tf.float64)
        endpoints = exports.Endpoints(encoded, tf.constant("Y"), probability)
        with pytest.raises(UserError, match="reads 'X'.*reads 'Y'"):
            exports.export(session, endpoints, str(tmp_path / "out"), "savedmodel", False, Config())
    assert not list(tmp_path.iterdir())


def test_sample_images_are_of_several_kinds():
    pictures = [Image.open(io.BytesIO(image)) for image in exports.sample_images()]
    assert {picture.format for picture in pictures} == {"PNG", "JPEG", "BMP"}
    assert {picture.mode for picture in pictures} >= {"L", "RGB"}
    assert len({picture.size for picture in pictures}) == 4
