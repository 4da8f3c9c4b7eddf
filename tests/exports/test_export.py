"""An export as a whole: what it replaces, what it refuses, and that it is verified."""

import json
import pathlib

import pytest
import tensorflow as tf
from helpers import TINY

from aocr.config import Config
from aocr.exports.export import ExportedModel, ExportRequest, export, write_verified
from aocr.exports.folder import Destination, check
from aocr.exports.formats import frozengraph, savedmodel
from aocr.inference.signatures import ServingSession
from aocr.model import config_file
from aocr.util.errors import UserError


def export_tiny(tiny, folder, export_format="savedmodel", force=False):
    export(TINY, ExportRequest(tiny.checkpoint, str(folder), export_format, force, gpu_id=-1))


def test_a_savedmodel_goes_into_a_folder_with_other_files_but_not_over_another(tiny, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    export_tiny(tiny, tmp_path)
    tf.saved_model.load(str(tmp_path))
    before = contents(tmp_path)
    assert before["notes.txt"] == b"mine"
    told = f"{tmp_path} is not empty, it holds .*saved_model.pb.* --force"
    with pytest.raises(UserError, match=told):
        export_tiny(tiny, tmp_path)
    assert contents(tmp_path) == before


def contents(folder):
    """Returns the content of each file below a folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_frozen_graph_goes_beside_a_savedmodel_and_over_a_frozen_graph(tiny, tmp_path):
    export_tiny(tiny, tmp_path)
    before = contents(tmp_path)
    for earlier in (None, "an earlier one"):
        if earlier:
            (tmp_path / "frozen_graph.pb").write_text(earlier)
        export_tiny(tiny, tmp_path, "frozengraph")
        after = contents(tmp_path)
        graph = tf.compat.v1.GraphDef.FromString(after.pop("frozen_graph.pb"))
        assert "prediction" in {node.name for node in graph.node}
        described = [json.loads(each.pop("aocr.json"))["exports"] for each in (dict(before), after)]
        assert described[1].pop("frozengraph")
        assert described[1] == described[0]
        assert after == {name: text for name, text in before.items() if name != "aocr.json"}


def test_force_replaces_a_former_export_and_leaves_other_files(tiny, tmp_path):
    folder = tmp_path / "export"
    (folder / "variables").mkdir(parents=True)
    for name in ("notes.txt", "variables/stale", "saved_model.pb", "frozen_graph.pb"):
        (folder / name).write_text("mine")
    export_tiny(tiny, folder, force=True)
    assert (folder / "notes.txt").read_text() == "mine"
    assert not (folder / "variables/stale").exists()
    assert not (folder / "frozen_graph.pb").exists()
    tf.saved_model.load(str(folder))
    assert (folder / "config.json").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["export"]  # no temporary folder is left


def serving_session(text):
    """Returns a session that gives one text, with probability 0.5, for any image."""
    with tf.Graph().as_default() as graph:
        encoded = tf.compat.v1.placeholder(tf.string)
        variable = tf.compat.v1.get_variable("v", [], initializer=tf.constant_initializer(0.5))
        probability = tf.fill(tf.shape(encoded), tf.cast(variable, tf.float64))
        session = tf.compat.v1.Session(graph=graph)
        session.run(variable.initializer)
        texts = tf.fill(tf.shape(encoded), text)
        return ServingSession(session, encoded, texts, probability)


def model(text):
    return ExportedModel(serving_session(text), Config())


ONE, OTHER = Config(), Config(max_prediction=9)


def folder_with(tmp_path, *names, config=ONE):
    """Fills a folder with files of these names, and the config of a model."""
    for name in names:
        (tmp_path / name).write_text("something")
    config_file.write(str(tmp_path), config)
    return str(tmp_path)


@pytest.mark.parametrize("export_format", [savedmodel.FORMAT, frozengraph.FORMAT])
@pytest.mark.parametrize("names", [(), ("notes.txt",), ("checkpoint",)])
def test_a_config_of_another_model_is_refused(tmp_path, names, export_format):
    folder = folder_with(tmp_path, *names)
    check(Destination(folder, export_format), ONE)
    with pytest.raises(UserError, match="max_prediction is 8 there and 9 here.*--force"):
        check(Destination(folder, export_format), OTHER)


def test_the_config_of_a_model_directory_is_never_replaced(tmp_path):
    folder = folder_with(tmp_path, "checkpoint")
    with pytest.raises(UserError, match="is of another model.*name another folder$"):
        check(Destination(folder, savedmodel.FORMAT, force=True), OTHER)


def test_a_config_is_replaced_with_the_frozen_graph_that_it_describes(tmp_path):
    check(Destination(folder_with(tmp_path, "frozen_graph.pb"), frozengraph.FORMAT), OTHER)


def test_a_config_that_describes_a_savedmodel_too_is_not_replaced(tmp_path):
    folder = folder_with(tmp_path, "frozen_graph.pb", "saved_model.pb")
    with pytest.raises(UserError, match="config.json is of another model"):
        check(Destination(folder, frozengraph.FORMAT), OTHER)
    check(Destination(folder, frozengraph.FORMAT, force=True), OTHER)


def test_a_link_to_a_folder_stays_a_link(tmp_path):
    (tmp_path / "there").mkdir()
    for name, target in (("link", "there"), ("dangling", "new")):
        (tmp_path / name).symlink_to(target)
        folder = str(tmp_path / name)
        write_verified(model("Y"), Destination(folder, savedmodel.FORMAT))
        assert (tmp_path / name).is_symlink()
        assert savedmodel.load(str(tmp_path / target)).predict(b"any image") == ("Y", 0.5)
    assert {path.name for path in tmp_path.iterdir()} == {"link", "dangling", "there", "new"}


@pytest.mark.parametrize("versioned", [False, True])
def test_the_sizes_in_aocr_json_are_those_of_the_files(tmp_path, versioned):
    destination = Destination(f"{tmp_path}/x", savedmodel.FORMAT, True, versioned)
    for text in ("Y" * 5000, "Y"):  # the second graph is smaller than the file that it replaces
        folder = pathlib.Path(write_verified(model(text), destination))
        sizes = json.loads((folder / "aocr.json").read_text())["exports"]["savedmodel"]["bytes"]
        assert {"saved_model.pb", "variables"} <= sizes.keys()
        for name, size in sizes.items():
            files = [path for path in (folder / name).rglob("*") if path.is_file()]
            assert size == sum(path.stat().st_size for path in files or [folder / name]), name


def test_an_export_that_reads_otherwise_is_not_exported(tmp_path):
    wrong = savedmodel.FORMAT._replace(load=lambda folder: serving_session("X"))
    with pytest.raises(UserError, match="reads 'X'.*reads 'Y'"):
        write_verified(model("Y"), Destination(str(tmp_path / "out"), wrong))
    assert not list(tmp_path.iterdir())


def test_an_export_that_cannot_be_written_is_an_error_of_the_user(tmp_path):
    def write(serving, folder):
        raise tf.errors.ResourceExhaustedError(None, None, "no space left\nmore")

    full = savedmodel.FORMAT._replace(write=write)
    folder = str(tmp_path / "out")
    with pytest.raises(UserError, match=f"cannot write the export {folder}: no space left$"):
        write_verified(model("Y"), Destination(folder, full))
    assert not list(tmp_path.iterdir())


def test_an_export_to_a_remote_folder():
    folder = "ram://export/out"
    write_verified(model("Y"), Destination(folder, savedmodel.FORMAT))
    assert savedmodel.load(folder).predict(b"any image") == ("Y", 0.5)
    assert [name.rstrip("/") for name in tf.io.gfile.listdir("ram://export")] == ["out"]
