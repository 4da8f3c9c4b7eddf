"""Tests for `config.json`: writing, reading, and flags that contradict it."""

import json

import pytest

import aocr
from aocr.config import Config
from aocr.model import config_file
from aocr.util.errors import UserError

CONFIG = Config(max_width=99, characters="aß字 ", channels=3, use_gru=True)


def test_a_written_config_is_read_back(tmp_path):
    config_file.write(str(tmp_path / "new"), CONFIG)
    assert config_file.read(str(tmp_path / "new")) == CONFIG
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["config.json"]


def test_a_person_can_read_the_file(tmp_path):
    config_file.write(str(tmp_path), CONFIG)
    facts = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    assert facts["characters"] == "aß字 "
    assert facts["preparation"] == {"height": 32, "width": 53, "resize": "TensorFlow 1 bicubic"}
    assert "aocr" in facts
    assert "字" in (tmp_path / "config.json").read_text(encoding="utf-8")


def test_remote_folders_work():
    config_file.write("ram://config/model", CONFIG)
    assert config_file.read("ram://config/model") == CONFIG


def test_no_file_is_none(tmp_path):
    assert config_file.read(str(tmp_path)) is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"architecture": "CTC"}',
        config_file.dumps(CONFIG).replace("99", '"99"'),
        config_file.dumps(CONFIG).replace('"bucket_widths": []', '"bucket_widths": 48'),
        config_file.dumps(CONFIG).replace('"bucket_widths": []', '"bucket_widths": ["48"]'),
    ],
)
def test_a_file_that_cannot_be_understood_is_an_error(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(UserError, match=f"cannot use {tmp_path}/config.json"):
        config_file.read(str(tmp_path))


def test_a_model_that_straightens_images_is_refused_in_one_line(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(config_file.dumps(CONFIG).replace("{", '{"rectify": "tps",', 1))
    with pytest.raises(UserError) as error:
        config_file.read(str(tmp_path))
    assert str(error.value) == (
        f"cannot use {path}: its rectify is 'tps', but --rectify was removed: train the model "
        f"again without it, or read it with the aocr {aocr.__version__} that it was trained with"
    )


def test_flags_may_agree_or_be_absent(tmp_path):
    config_file.write(str(tmp_path), CONFIG)
    assert config_file.of_trained_model(str(tmp_path), {}) == CONFIG
    assert config_file.of_trained_model(str(tmp_path), {"max_width": 99}) == CONFIG


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"max_width": 100}, "--max-width is 100, but .* trained with 99"),
        ({"characters": "ab"}, r"the charset \(--charset, --full-ascii\) is 'ab', but .* 'aß字 '"),
        ({"target_embedding_size": 11}, "--target-embedding-size is 11, but .* with 10"),
    ],
)
def test_an_error_about_a_contradicting_flag_names_both_values(tmp_path, given, message):
    config_file.write(str(tmp_path), CONFIG)
    with pytest.raises(UserError, match=message):
        config_file.of_trained_model(str(tmp_path), given)


def test_without_a_file_the_flags_decide(tmp_path, caplog):
    with caplog.at_level("INFO"):
        config = config_file.of_trained_model(str(tmp_path), {"max_width": 7})
    assert config == Config(max_width=7)
    assert "has no config.json" in caplog.text
