"""`aocr.json`: what is known of an export."""

import json

import pytest

from aocr.config import Config
from aocr.exports import description
from aocr.exports.description import Origin
from aocr.exports.verification import Verification
from aocr.model.search.known_texts import lexicon_automaton
from aocr.model.search.text_search import Search
from aocr.model.weights import pretrained

CHECKED = Verification(4, None, None, None, 1e-7)


def describe(folder, name, step=7):
    origin = Origin("model.ckpt-7", step, {"exact_match": 0.5})
    return description.describe(str(folder), name, Config(characters="AB"), origin, CHECKED)


def test_it_says_what_the_model_is_and_how_large_the_files_are(tmp_path):
    (tmp_path / "variables").mkdir()
    (tmp_path / "variables/variables.index").write_bytes(b"12345")
    (tmp_path / "variables/variables.data").write_bytes(b"123")
    (tmp_path / "saved_model.pb").write_bytes(b"1234")
    description.write(str(tmp_path), describe(tmp_path, "savedmodel"))
    facts = json.loads((tmp_path / "aocr.json").read_text())
    assert facts["charset"] == ["", "", "", "A", "B"]
    assert facts["config"]["characters"] == "AB"
    entry = facts["exports"]["savedmodel"]
    assert (entry["step"], entry["checkpoint"]) == (7, "model.ckpt-7")
    assert entry["bytes"] == {"saved_model.pb": 4, "variables": 8}
    assert entry["validation"] == {"exact_match": 0.5}
    assert entry["verification"]["images"] == 4
    assert entry["versions"].keys() == {"python", "tensorflow", "numpy"}


def test_it_names_the_texts_that_are_looked_for(tmp_path):
    config = Config(characters="AB")
    automaton = lexicon_automaton(["AB"], config, "--lexicon=x")
    for search, lexicon, pattern in (
        (Search(automaton, top=2, lexicon="/home/me/words.txt"), "words.txt", None),
        (Search(automaton, top=2, pattern="AB?"), None, "AB?"),
    ):
        facts = description.describe(
            str(tmp_path), "savedmodel", config, Origin(search=search), CHECKED
        )
        assert facts["exports"]["savedmodel"]["search"] == {
            "lexicon": lexicon,
            "pattern": pattern,
            "top": 2,
            "beam_width": None,
            "renormalize": False,
        }
    assert describe(tmp_path, "savedmodel")["exports"]["savedmodel"]["search"] is None


def test_exports_of_other_formats_stay_listed_while_their_files_are_there(tmp_path):
    folder, source = tmp_path / "out", tmp_path / "new"
    for each in (folder, source):
        each.mkdir()
    (folder / "frozen_graph.pb").write_bytes(b"1")
    facts = describe(folder, "frozengraph", step=5)
    facts["exports"] |= describe(folder, "savedmodel")["exports"]  # whose files are gone
    facts["exports"]["nonsense"] = {}
    description.write(str(folder), facts)
    description.write(str(source), describe(source, "tflite"))
    merged = description.merged(str(source), str(folder), "tflite")
    assert {name: each["step"] for name, each in merged["exports"].items()} == {
        "tflite": 7,
        "frozengraph": 5,
    }


@pytest.mark.parametrize("content", ["", "[]", "{", '{"exports": 1}', "\xff"])
def test_a_damaged_file_is_replaced(tmp_path, content, caplog):
    (tmp_path / "aocr.json").write_text(content, encoding="latin-1")
    assert description.read(str(tmp_path)) == {}
    assert "aocr.json is damaged" in caplog.text


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            '{"step": 0, "exact_match": 0.5, "character_error_rate": 0.1}',
            {"exact_match": 0.5, "character_error_rate": 0.1},
        ),
        ('{"step": 0, "exact_match": 0.5, "character_error_rate": NaN}', {"exact_match": 0.5}),
        ('{"step": 9, "exact_match": 0.5, "character_error_rate": 0.1}', {}),
        ("{", {}),
        ('{"step": 0}', {}),
    ],
)
def test_validation_measures_are_those_of_the_same_step(tmp_path, monkeypatch, content, expected):
    monkeypatch.setattr(description.checkpoints, "step_of", lambda path: 0)
    (tmp_path / "best.json").write_text(content)
    origin = description.origin_of(f"{tmp_path}/best.ckpt-0")
    assert origin == Origin("best.ckpt-0", 0, expected)


def test_a_model_that_comes_with_aocr_says_its_step():
    origin = description.origin_of(f"{pretrained.FOLDER}/latin/model.ckpt-3500")
    assert (origin.checkpoint, origin.step) == ("model.ckpt-3500", 3500)
