"""Which model a run trains: what `--charset=auto` may ask of a model that exists."""

import dataclasses

import pytest
from helpers import TINY, white, write_records

from aocr.data.records import schema
from aocr.model import config_file
from aocr.training.options import ModelChoice, Run
from aocr.training.start.model_choice import choose_config
from aocr.util.errors import UserError

AUTO = ModelChoice(learned=frozenset(["characters"]))


def resumed(tmp_path, label):
    dataset = write_records(tmp_path / "d.tfrecords", [schema.serialize(white(8, 8), label)])
    model_dir = str(tmp_path / "model")
    config_file.write(model_dir, dataclasses.replace(TINY, characters="ABC"))
    run = Run([dataset], [], model_dir, None, True, f"{model_dir}/model.ckpt-1", -1, "float32")
    return choose_config(run, AUTO)


def test_a_model_that_has_all_characters_goes_on(tmp_path):
    assert resumed(tmp_path, "AB").characters == "ABC"


def test_a_model_that_lacks_characters_is_refused_with_the_way_out(tmp_path):
    with pytest.raises(UserError, match=r"lacks 2 characters of the labels \(␣, D\).*--init-from="):
        resumed(tmp_path, "AD ")
