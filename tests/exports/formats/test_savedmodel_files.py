"""A SavedModel that replaces another one, seen by programs that load it meanwhile."""

import itertools
import threading

import pytest
import tensorflow as tf

from aocr.config import Config
from aocr.exports.export import ExportedModel, write_verified
from aocr.exports.folder import Destination
from aocr.exports.formats import savedmodel, savedmodel_files
from aocr.inference.signatures import ServingSession

MODELS = [("A", 0.25), ("BB", 0.5), ("CCC", 0.75)]
"""Text and probability of small models: the text is in the graph, the probability in a weight."""


def export(folder, text, probability):
    """Exports a model whose weight has as many elements as the text has characters."""
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        encoded = tf.compat.v1.placeholder(tf.string)
        start = tf.constant_initializer(probability)
        weight = tf.compat.v1.get_variable("v", [len(text)], initializer=start)
        session.run(weight.initializer)
        mean = tf.fill(tf.shape(encoded), tf.cast(tf.reduce_mean(weight), tf.float64))
        serving = ServingSession(session, encoded, tf.fill(tf.shape(encoded), text), mean)
        assert graph is session.graph
        destination = Destination(str(folder), savedmodel.FORMAT, force=True)
        write_verified(ExportedModel(serving, Config()), destination)


def load(folder):
    """Loads a SavedModel as 1.x programs do; returns what it reads."""
    loaded = savedmodel.load(str(folder))
    with loaded.session:
        return loaded.predict(b"any image")


def load_as_version_2(folder):
    """Loads a SavedModel as 2.x programs do; returns what it reads."""
    answer = tf.saved_model.load(str(folder)).signatures["serving_default"](tf.constant("any"))
    return answer["output"].numpy().decode(), float(answer["probability"])


def test_each_export_is_what_programs_load(tmp_path):
    folder = tmp_path / "export"
    for model in MODELS * 2:
        export(folder, *model)
        assert load(folder) == load_as_version_2(folder) == model
        names = [path.name for path in (folder / "variables").iterdir()]
        assert len(names) <= 4  # the weights of two exports
    assert sorted(path.name for path in folder.iterdir()) == [
        "aocr.json",
        "config.json",
        "saved_model.pb",
        "variables",
    ]


@pytest.mark.parametrize("earlier", [1, 2, 3])
def test_a_program_that_has_read_the_graph_still_finds_its_weights(tmp_path, earlier):
    for model in MODELS[:earlier]:
        export(tmp_path, *model)
    meta_graph = savedmodel_files.read(str(tmp_path)).meta_graphs[0]
    export(tmp_path, "DDDD", 0.125)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        saver = tf.compat.v1.train.import_meta_graph(meta_graph)
        saver.restore(session, str(tmp_path / "variables/variables"))
        signature = meta_graph.signature_def["serving_default"]
        fetches = [signature.outputs[key].name for key in ("output", "probability")]
        text, probability = session.run(fetches, {signature.inputs["input"].name: b"any image"})
    assert (text.decode(), probability) == MODELS[earlier - 1]
    assert load(tmp_path) == ("DDDD", 0.125)


class Loader(threading.Thread):
    """Loads from a folder again and again until it is stopped; keeps what it read."""

    def __init__(self, folder, function):
        super().__init__(daemon=True)
        self.folder, self.function, self.read = folder, function, []
        self.stopped, self.error = threading.Event(), None

    def run(self):
        try:
            while not self.stopped.is_set():
                self.read.append(self.function(self.folder))
        except Exception as error:
            self.error = error

    def wait_for_two(self):
        """Waits for two loads: then one has begun after this call, and ended."""
        before = len(self.read)
        while len(self.read) < before + 2 and self.is_alive():
            self.stopped.wait(0.01)


@pytest.mark.parametrize("function", [load, load_as_version_2])
def test_a_program_that_loads_all_the_time_finds_a_whole_model_each_time(tmp_path, function):
    export(tmp_path, *MODELS[0])
    loader = Loader(tmp_path, function)
    loader.start()
    for model in itertools.islice(itertools.cycle(MODELS), 1, 15):
        export(tmp_path, *model)
        loader.wait_for_two()
    loader.stopped.set()
    loader.join()
    if loader.error:
        raise loader.error
    assert len(loader.read) >= 28
    assert set(loader.read) == set(MODELS)


def test_a_graph_file_is_never_smaller_than_the_one_that_it_replaces(tmp_path):
    sizes = []
    for model in MODELS:
        export(tmp_path, *model)
        sizes.append((tmp_path / "saved_model.pb").stat().st_size)
        assert load(tmp_path) == model
        assert load_as_version_2(tmp_path) == model
    assert sizes == sorted(sizes)
    assert sizes[-1] < sizes[0] + 4096


def test_weights_in_the_second_place_go_back_to_the_first_if_that_is_lost(tmp_path):
    for model in MODELS[:2]:
        export(tmp_path, *model)
    (tmp_path / "variables/variables.index").unlink()
    export(tmp_path, *MODELS[2])
    assert load(tmp_path) == MODELS[2]
