"""Chooses the config of a training run: new, of its checkpoint, or like another model."""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter

from aocr.charset import Charset
from aocr.config import ATTENTION, IMAGE_HEIGHT, LEFT_TO_RIGHT, RIGHT_TO_LEFT, Config
from aocr.data.dataset_scan import choose_bucket_widths
from aocr.data.records.files import expand
from aocr.data.word_lists import characters_of
from aocr.model import config_file
from aocr.model.weights import checkpoints
from aocr.training.options import ModelChoice, Run
from aocr.training.start.training_set import records_by_width
from aocr.util.errors import UserError
from aocr.util.text.characters import right_to_left_share, visible_character
from aocr.util.text.plurals import counted

_NAMED = 20
"""Number of characters that an error names."""

MOST_FROM_THE_RIGHT = 0.25
"""Share of the charset's letters above which they are probably not there as quotations only."""


def choose_config(run: Run, choice: ModelChoice, drop_wide: bool = False) -> Config:
    """Returns the config of the model to train.

    A run that resumes from a checkpoint takes the config of that model. A new model takes the
    given fields; the others come from the model of `--init-from`, or else from the recipe, or are
    the defaults. Bucket widths that belong to another image width are chosen anew.

    Args:
        run: the checkpoint, the dataset, and the model of `--init-from`.
        choice: what the command line says of the model.
        drop_wide: whether images wider than `max_width` are left out.

    Raises:
        UserError: a flag contradicts the model that is resumed, or this model lacks characters
            that `--charset=auto` is to take from the labels, the model of `--init-from` has no
            checkpoint, the labels have no characters, or flags contradict each other.
    """
    given = choice.given
    if run.checkpoint:
        config = config_file.of_trained_model(run.model_dir, given)
        if "characters" in choice.learned:
            _check_learned_characters(run, config)
    else:
        if "characters" in choice.learned:
            given = {**given, "characters": characters_of(expand(run.dataset))}
        source = _source_config(run.init_from) if run.init_from else None
        config = dataclasses.replace(source or Config(**choice.recipe), **given)
        other_size = source and source.bucket_widths and source.image_width != config.image_width
        if "bucket_widths" in choice.learned or (other_size and "bucket_widths" not in given):
            config = _with_bucket_widths(config, run, drop_wide)
        if source:
            _log_inherited(run, source, config)
        _warn_about_direction(config)
    _log_unused(choice, config)
    return config_file.checked(config)


def _check_learned_characters(run: Run, config: Config) -> None:
    """Refuses `--charset=auto` for a model that exists and lacks characters of the labels.

    Raises:
        UserError: names them, and the way to a model that has them.
    """
    lacking = Charset(config.characters).unknown(characters_of(expand(run.dataset)))
    if lacking:
        named = ", ".join(map(visible_character, lacking[:_NAMED]))
        more = ", ..." if len(lacking) > _NAMED else ""
        raise UserError(
            f"--charset=auto: the model in {run.model_dir} lacks "
            f"{counted(len(lacking), 'character')} of the labels ({named}{more}), and the charset "
            "of a model that exists is fixed: train a new model from its weights with "
            f"--init-from={run.model_dir} and another --model-dir, or leave --charset=auto out to "
            "go on without these labels"
        )


def _with_bucket_widths(config: Config, run: Run, drop_wide: bool) -> Config:
    """Returns a config with the bucket widths that fit the training images, and logs them."""
    widths = records_by_width(run, config, drop_wide)
    chosen = choose_bucket_widths(widths, config.image_width)
    shown = ",".join(map(str, chosen)) or "none, because the images are of similar widths"
    logging.info("Bucket widths that fit the training images: %s.", shown)
    return dataclasses.replace(config, bucket_widths=chosen)


def _log_inherited(run: Run, source: Config, config: Config) -> None:
    """Logs what a new model has from the model of `--init-from`, and what it has not."""
    changed = [
        config_file.flag_of(field.name)
        for field in dataclasses.fields(config)
        if getattr(source, field.name) != getattr(config, field.name)
    ]
    new = ", ".join([*changed, "the optimizer's state", "the step count"])
    taken = (
        f"{config_file.architecture(source.backbone, source.decoder)}, "
        f"{source.image_width} x {IMAGE_HEIGHT} pixels, labels up to {source.max_prediction}, "
        f"{counted(len(source.characters), 'character')}"
    )
    logging.info("From %s: %s; new here: %s.", run.init_from, taken, new)


def _warn_about_direction(config: Config) -> None:
    """Warns if the letters of the charset contradict the direction in which CTC reads."""
    if config.decoder == ATTENTION:
        return
    share = right_to_left_share(Counter(config.characters))
    if config.direction == LEFT_TO_RIGHT and share > MOST_FROM_THE_RIGHT:
        logging.warning(
            "%.0f %% of the charset's letters are read from right to left, but CTC reads columns "
            "from the left: give --direction=%s, unless labels begin with the leftmost character.",
            100 * share,
            RIGHT_TO_LEFT,
        )
    if config.direction == RIGHT_TO_LEFT and not share:
        logging.warning(
            "--direction=%s, but no letter of the charset is read from right to left: give "
            "--direction=%s, unless labels begin with the rightmost character.",
            RIGHT_TO_LEFT,
            LEFT_TO_RIGHT,
        )


def _log_unused(choice: ModelChoice, config: Config) -> None:
    """Logs which values of a recipe a model that exists does not have."""
    unused = [
        f"--{name.replace('_', '-')}={value}"
        for name, value in choice.recipe.items()
        if name not in choice.given and value != getattr(config, name)
    ]
    if unused:
        logging.info(
            "The model is not changed by --recipe: it exists without the recipe's %s.",
            " ".join(unused),
        )


def _source_config(model_dir: str) -> Config | None:
    """Returns the stored config of the model of `--init-from`, None if it has none.

    Raises:
        UserError: the model has no checkpoint.
    """
    checkpoints.find_checkpoint(model_dir)  # fails before anything is written
    return config_file.read(model_dir)
