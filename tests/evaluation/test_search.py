"""Testing with a lexicon, in process, with a model of noise."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import TINY, encoded, load_noise, noise, write_records
from PIL import Image

from aocr.data.records import schema
from aocr.evaluation.evaluator import Evaluation, evaluate
from aocr.inference.graph import build_serving_graph
from aocr.model.search.automaton import free_text
from aocr.model.search.known_texts import lexicon_automaton
from aocr.model.search.text_search import Search

WORDS = ["BAB", "AA", "B"]


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory):
    """Returns the evaluation of a model on three images and one that cannot be decoded."""
    folder = tmp_path_factory.mktemp("evaluation")
    with build_serving_graph(TINY).graph.as_default(), tf.compat.v1.Session() as session:
        load_noise(session)
        saver = tf.compat.v1.train.Saver()
        checkpoint = saver.save(session, f"{folder}/model.ckpt-1", write_meta_graph=False)
    rows = [schema.serialize(b"no image", "AA")]
    for name in "abc":
        pixels = (127 * noise(name, 32, 16) + 128).astype(np.uint8)
        rows.append(schema.serialize(encoded(Image.fromarray(pixels)), "AA"))
    dataset = write_records(folder / "d.tfrecords", rows)
    return Evaluation(TINY, checkpoint, [dataset], gpu_id=-1)


def test_each_reading_is_a_word_of_the_lexicon(evaluation, caplog):
    search = Search(lexicon_automaton(WORDS, TINY, "lexicon"), top=5)
    results = []
    evaluate(evaluation._replace(search=search), [results.append])
    undecodable, *read = results
    assert undecodable.readings == ()
    for result in read:
        assert sorted(text for text, _ in result.readings) == sorted(WORDS)
        assert result.readings[0] == (result.prediction, result.probability)
        assert result.is_exact
        assert len(result.attention) == len(result.prediction)
    assert "The search was not wide enough" not in caplog.text


def test_a_beam_that_was_too_narrow_is_told(evaluation, caplog):
    search = Search(free_text(TINY.vocab_size, TINY.max_prediction), beam_width=1)
    results = []
    evaluate(evaluation._replace(search=search), [results.append])
    inexact = sum(not result.is_exact for result in results)
    assert inexact
    line = f"The search was not wide enough to be sure of {inexact} of 4 images: "
    assert line in caplog.text
