"""Exports in TensorFlow 1.15: with its list of operations, and, where it is installed, itself.

`tensorflow_1_ops.json` lists the attributes that 1.15 knows, for the operations of the exports.
"""

import dataclasses
import json
import pathlib

import pytest
import tensorflow as tf
from commands import MODEL, WORDS, draw, run_aocr
from helpers import TINY, load_noise
from tensorflow_1_client import FROZEN_CLIENT, PYTHON, SAVED_MODEL_CLIENT, run_in_tensorflow_1

from aocr.exports.formats import frozengraph, savedmodel, savedmodel_files
from aocr.inference.graph import build_serving_graph
from aocr.inference.signatures import ServingSession, add_signatures
from aocr.model.search.known_texts import pattern_automaton
from aocr.model.search.text_search import Search

OPERATIONS = json.loads((pathlib.Path(__file__).parent / "tensorflow_1_ops.json").read_text())
FORMATS = ("PNG", "JPEG", "BMP", "GIF")
CHANGES = {
    "default": {},
    "gru": {"use_gru": True, "channels": 3},
    "buckets": {"bucket_widths": (8,)},
    "layers": {"attn_num_layers": 2},
    "location": {"backbone": "compact", "resize": "full-height", "attention": "location"},
    "ctc": {"backbone": "compact", "padding": "masked", "decoder": "ctc", "direction": "rtl"},
    "content search": {},
    "location search": {"attention": "location"},
    "ctc search": {"decoder": "ctc"},
}


@pytest.fixture(scope="module", params=CHANGES)
def graphs(request, tmp_path_factory):
    """Returns the graphs of two exports: a frozen graph, and a SavedModel that replaced another."""
    folder = str(tmp_path_factory.mktemp("exports"))
    config, search = dataclasses.replace(TINY, **CHANGES[request.param]), None
    if request.param.endswith("search"):
        search = Search(pattern_automaton("A?B+", config), top=2, renormalize=True)
    model = build_serving_graph(config, search=search)
    with model.graph.as_default(), tf.compat.v1.Session() as session:
        load_noise(session)
        serving = ServingSession(
            session, model.input, model.output, model.probability, model.search_outputs
        )
        frozengraph.write(serving, folder)
        serving = serving._replace(signatures=add_signatures(model, config, with_attention=True))
        for number in range(2):
            savedmodel.write(serving, f"{folder}/{number}")
    content = pathlib.Path(folder, frozengraph.FILE.name).read_bytes()
    savedmodel_files.install(f"{folder}/1", f"{folder}/0")
    saved = savedmodel_files.read(f"{folder}/0").meta_graphs[0].graph_def
    return tf.compat.v1.GraphDef.FromString(content), saved


def test_version_1_knows_every_operation_and_attribute(graphs):
    for graph in graphs:
        own = {function.signature.name for function in graph.library.function}
        nodes = [*graph.node, *(n for f in graph.library.function for n in f.node_def)]
        assert len(nodes) > 100
        unknown = {
            (node.op, name)
            for node in nodes
            for name in node.attr
            if not name.startswith("_") and name not in OPERATIONS.get(node.op, own)
        }
        assert unknown == set()
        assert {node.op for node in nodes} <= OPERATIONS.keys() | own


def test_the_saved_graph_with_weights_in_the_second_place_was_checked(graphs):
    assert savedmodel_files.PREFIX_NODE in {node.name for node in graphs[1].node}


@pytest.mark.skipif(not PYTHON, reason="needs a Python with TensorFlow 1.15: AOCR_TF1_PYTHON")
def test_version_1_reads_as_we_do(trained, tmp_path):
    paths = [tmp_path / form for form in FORMATS]
    for path in paths:
        path.write_bytes(draw(WORDS[2], form=path.name))
    for flags in ([], ["--force"]):  # with --force, the weights are in their second place
        run_aocr("export", tmp_path / "out", *flags, *MODEL, cwd=trained.folder, check=0)
    flags = ["--format=frozengraph", *MODEL]
    run_aocr("export", tmp_path / "out", *flags, cwd=trained.folder, check=0)
    expected = [savedmodel.load(str(tmp_path / "out")).predict(p.read_bytes()) for p in paths]
    assert {text for text, _ in expected} == {WORDS[2]}
    answers = run_in_tensorflow_1(SAVED_MODEL_CLIENT, tmp_path / "out", *paths)
    batch = answers.pop("serving_batch")
    assert batch["output"] == [text for text, _ in expected] + ["", ""]
    assert batch["probability"] == pytest.approx([*(p for _, p in expected), 0, 0], abs=1e-3)
    assert [bool(reason) for reason in batch["error"]] == [False] * len(expected) + [True, True]
    assert answers.pop("serving_pixels")["output"] == [WORDS[2]] * 2
    answers |= run_in_tensorflow_1(FROZEN_CLIENT, tmp_path / "out/frozen_graph.pb", *paths)
    assert answers.keys() == {"predictor", "loader", "import_graph_def"}
    for requests in answers.values():
        for found, pairs in zip(
            requests, [*([pair] for pair in expected), expected[:1], expected], strict=True
        ):
            texts, probabilities = found
            assert texts == [text for text, _ in pairs]
            assert probabilities == pytest.approx([p for _, p in pairs], abs=1e-3)
