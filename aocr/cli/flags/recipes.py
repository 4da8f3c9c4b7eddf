"""The recipes of `aocr train --recipe`: sets of defaults that belong together.

To change a recipe, change its line in `RECIPES`; flags, help and log follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from aocr.cli.flags.model import AUTO_BUCKETS
from aocr.training.options import LEARNING_RATES, WEIGHT_DECAYS

DEFAULTS_BY_OPTIMIZER = {"initial_learning_rate": LEARNING_RATES, "weight_decay": WEIGHT_DECAYS}
"""Fields of `TrainingOptions` whose default depends on the optimizer."""


class Recipe(NamedTuple):
    """Holds the defaults in which a recipe differs from those of aocr 0.7.6.

    Attributes:
        model: values by the names of fields of `Config`. Only a new model gets them.
        training: values by the names of fields of `TrainingOptions`.
    """

    model: Mapping[str, Any] = {}
    training: Mapping[str, Any] = {}


CLASSIC = "classic"

RECIPES = {
    CLASSIC: Recipe(),
    "modern": Recipe(
        model={
            "backbone": "compact",
            "resize": "full-height",
            "gray": "luma",
            "padding": "masked",
            "bucket_widths": AUTO_BUCKETS,
            "decoder": "joint",
            "attention": "location",
            "attn_num_layers": 1,
            "target_embedding_size": 32,
        },
        training={
            "max_minutes": 30.0,
            "batch_size": 32,
            "optimizer": "adamw",
            "initial_learning_rate": 0.003,
            "learning_rate_schedule": "one-cycle",
            "weight_decay": 0.01,
            "ema_decay": 0.99,
            "bn_momentum": 0.9,
            "dropout": 0.1,
            "augment": "strong",
        },
    ),
}
"""The recipes by the values of `--recipe`."""


def set_fields() -> set[str]:
    """Returns the names of the fields of `TrainingOptions` that any recipe sets."""
    return {name for recipe in RECIPES.values() for name in recipe.training}


def training_default(name: str, recipe: Recipe, optimizer: str | None) -> Any:
    """Returns the value of a field of `TrainingOptions` whose flag is not given.

    Args:
        name: the name of the field.
        recipe: the recipe, whose value counts if it has one. Its learning rate and its weight decay
            belong to its optimizer: another optimizer that is given has its own.
        optimizer: value of `--optimizer`; None if it is not given.

    Returns:
        The value; None if neither recipe nor optimizer has one.
    """
    by_optimizer = DEFAULTS_BY_OPTIMIZER.get(name, {})
    is_of_recipe = optimizer in (None, recipe.training.get("optimizer"))
    if name in recipe.training and (is_of_recipe or not by_optimizer):
        return recipe.training[name]
    return by_optimizer.get(optimizer or recipe.training.get("optimizer", "adadelta"))


def help_text() -> str:
    """Returns the help text of `--recipe`, with the values of each recipe."""
    texts = [
        f"{name} means {as_flags({**recipe.model, **recipe.training})}"
        for name, recipe in RECIPES.items()
        if name != CLASSIC
    ]
    return (
        f"set of defaults: {CLASSIC} has those of aocr 0.7.6; {'; '.join(texts)}; a flag that is "
        f"given wins (default: {CLASSIC})"
    )


def as_flags(values: Mapping[str, Any]) -> str:
    """Returns values as flags: "--optimizer=adamw --batch-size=32"."""
    return " ".join(f"--{name.replace('_', '-')}={value}" for name, value in values.items())
