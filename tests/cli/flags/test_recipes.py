"""Checks --recipe: what it sets, that flags win over it, and that old models keep their own."""

import logging

import pytest

from aocr.cli.command import build_parser
from aocr.cli.commands.train import training_options
from aocr.cli.flags import recipes
from aocr.cli.flags.model import AUTO_BUCKETS
from aocr.config import Config
from aocr.model import config_file
from aocr.training.options import ModelChoice, Run, TrainingOptions
from aocr.training.start.model_choice import choose_config
from aocr.util.options import permitted_values

MODERN = recipes.RECIPES["modern"]


def options(*arguments):
    return training_options(build_parser().parse_args(["train", "d", *arguments]))


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_a_recipe_sets_its_values_and_nothing_else(name):
    recipe = recipes.RECIPES[name]
    assert options(f"--recipe={name}") == TrainingOptions(**recipe.training)
    fixed = {n: v for n, v in recipe.model.items() if v != AUTO_BUCKETS}
    for owner, values in ((Config, fixed), (TrainingOptions, recipe.training)):
        assert all(permitted_values(owner, n).accepts(v) for n, v in values.items())
    Config(**fixed).check()


def test_classic_is_the_default():
    assert options() == options("--recipe=classic") == TrainingOptions()


def test_a_flag_that_is_given_wins_even_with_the_value_of_classic():
    given = options("--recipe=modern", "--batch-size=65", "--ema-decay=0")
    assert (given.batch_size, given.ema_decay) == (65, 0)
    assert given.optimizer == MODERN.training["optimizer"]


def test_learning_rate_and_decay_belong_to_the_optimizer():
    sgd = options("--recipe=modern", "--optimizer=sgd")
    assert (sgd.initial_learning_rate, sgd.weight_decay) == (0.01, 0.0)
    same = options("--recipe=modern", "--optimizer=adamw")
    assert same == options("--recipe=modern")


def test_the_help_shows_the_values(capsys):
    with pytest.raises(SystemExit):
        build_parser().parse_args(["train", "--help"])
    text = " ".join(capsys.readouterr().out.split()).replace("- ", "-")
    for name, value in MODERN.training.items():
        assert f"--{name.replace('_', '-')}={value}" in text


RUN = Run([], [], "m", None, True, None, -1, "float32")
RECIPE = {"attn_num_hidden": 64, "max_prediction": 20}


def test_a_new_model_has_the_fields_of_the_recipe_unless_flags_are_given(caplog):
    caplog.set_level(logging.INFO)
    config = choose_config(RUN, ModelChoice({"max_prediction": 9}, recipe=RECIPE))
    assert config == Config(attn_num_hidden=64, max_prediction=9)
    assert not caplog.messages


def test_a_model_that_exists_keeps_its_own_fields(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    stored = Config(max_prediction=20)
    config_file.write(str(tmp_path), stored)
    run = RUN._replace(model_dir=str(tmp_path), checkpoint=str(tmp_path / "model.ckpt-1"))
    assert choose_config(run, ModelChoice(recipe=RECIPE)) == stored
    assert caplog.messages == [
        "The model is not changed by --recipe: it exists without the recipe's --attn-num-hidden=64."
    ]
