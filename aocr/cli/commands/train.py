"""The command `aocr train`: trains a model on TFRecords."""

from __future__ import annotations

import argparse
import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from aocr.cli.commands.train_replicas import (
    TrainRequest,
    add_replica_flags,
    replica_log,
    train_replica,
)
from aocr.cli.flags import common, model, recipes
from aocr.cli.flags.parser import CommandParser, value_type
from aocr.cli.flags.paths import dataset_inputs, model_inputs
from aocr.cli.settings_log import flag_settings
from aocr.config import Config
from aocr.model.weights import pretrained
from aocr.training.options import ModelChoice, Run, TrainingOptions, WeightedDataset
from aocr.util.errors import UserError
from aocr.util.options import Option, Permitted, options_of

_WEIGHT = value_type(Permitted(float, minimum=0, maximum=1_000_000, excluded=0))
"""Converts the weight of a dataset of `--mix`."""


def add_flags(parser: CommandParser) -> None:
    """Adds the flags of the command."""
    common.add_dataset_argument(parser, required=False)
    common.add_model_dir_flags(parser)
    _add_run_flags(parser)
    add_training_flags(parser)
    add_replica_flags(parser)
    model.add_model_flags(parser)
    common.add_unused_flags(parser, training=False)
    parser.add_check(_dataset_problem)
    parser.add_check(_validation_problem)


def _add_run_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    text = (
        "TFRecords to mix, in place of DATASET: each with its weight, a file, a folder or a glob "
        "pattern; an epoch reads the first one once"
    )
    metavar = "DATASET=WEIGHT"
    add("--mix", nargs="+", action="extend", type=_weighted_dataset, metavar=metavar, help=text)
    text = "start with new weights even if --model-dir has checkpoints"
    add("--no-resume", action="store_true", help=text)
    text = (
        "start with the weights of the model in this folder, or of a model that comes with aocr: "
        f"{', '.join(pretrained.NAMES)}; its charset may differ"
    )
    add("--init-from", metavar="DIR", help=text)
    text = (
        "TFRecords to validate on during training; the best checkpoint is kept; may be given more "
        "than once"
    )
    add("--validation", action="append", metavar="DATASET", help=text)
    text = "data type of convolutions and matrix products (default: %(default)s)"
    add("--precision", choices=("float32", "bfloat16"), default="float32", help=text)
    text = "use bfloat16 even on hardware where it is slower"
    add("--force-precision", action="store_true", help=text)


def _weighted_dataset(text: str) -> WeightedDataset:
    path, equals, number = text.rpartition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} lacks its weight, as in {text or 'a'}=1")
    if not path:
        raise argparse.ArgumentTypeError(f"{text!r} lacks its dataset, as in a.tfrecords{text}")
    return WeightedDataset(path, _WEIGHT(number))


def add_training_flags(parser: argparse.ArgumentParser, options: type = TrainingOptions) -> None:
    """Adds `--recipe`, and the flags of `TrainingOptions` or of a subclass with more fields."""
    group = parser.add_argument_group("training")
    choices, text = tuple(recipes.RECIPES), recipes.help_text()
    group.add_argument("--recipe", choices=choices, default=recipes.CLASSIC, help=text)
    for each in options_of(options):
        _add_training_flag(group, each)
    common.add_gradient_clipping_flag(group)


def _add_training_flag(group: argparse._ActionsContainer, option: Option) -> None:
    """Adds a flag. Its value is None if it is not given and its default is not always the same."""
    defaults = recipes.DEFAULTS_BY_OPTIMIZER.get(option.name)
    shown = option.default
    if defaults:
        shown = ", ".join(f"{value:g} for {optimizer}" for optimizer, value in defaults.items())
    varies = defaults or option.name in recipes.set_fields()
    common.add_option(group, option, None if varies else option.default, shown=shown)


def _dataset_problem(args: argparse.Namespace) -> str:
    if args.dataset and args.mix:
        return f"{args.dataset[0]}: with --mix, every dataset is given as DATASET=WEIGHT"
    return "" if args.dataset or args.mix else "the following arguments are required: dataset"


def _validation_problem(args: argparse.Namespace) -> str:
    for name in ("patience", "validation_interval"):
        if getattr(args, name) is not None and not args.validation:
            return f"--{name.replace('_', '-')} requires --validation: give a dataset"
    return ""


def task(args: argparse.Namespace) -> common.Task:
    """Returns what the command line asks for; what it writes has names of its own."""
    return common.Task(
        run=functools.partial(_train, _request(args)),
        log_path=replica_log(args.log_path),
        inputs=[
            *dataset_inputs("dataset", args.dataset),
            *dataset_inputs("--mix", [part.path for part in args.mix or []]),
            *dataset_inputs("--validation", args.validation or []),
            *model_inputs("--init-from", args.init_from),
            *model_inputs("--model-dir", args.model_dir),
            *model.charset_inputs(args),
        ],
    )


def _request(args: argparse.Namespace) -> TrainRequest:
    mix = tuple(args.mix or [])
    return common.requested(
        TrainRequest,
        args,
        run=common.requested(
            Run,
            args,
            dataset=args.dataset or [part.path for part in mix],
            validation=args.validation or [],
            checkpoint=None,
            resume=not args.no_resume,
            mix=mix,
        ),
        options=training_options(args),
        choice=model_choice(args, recipes.RECIPES[args.recipe].model),
        settings=flag_settings(args),
    )


def model_choice(args: argparse.Namespace, recipe: Mapping[str, Any]) -> ModelChoice:
    """Returns what a parsed command line says of the model, but for its characters.

    Args:
        args: the parsed command line, with the model flags.
        recipe: values of fields of `Config` that the recipe sets, by their names.
    """
    given = model.given_fields(args, Config)
    learned = model.learned_fields(args)
    if recipe.get("bucket_widths") == model.AUTO_BUCKETS and "bucket_widths" not in given:
        learned |= {"bucket_widths"}
    fixed = {name: value for name, value in recipe.items() if value != model.AUTO_BUCKETS}
    return ModelChoice(given, learned, fixed)


def training_options(args: argparse.Namespace, options: type = TrainingOptions) -> TrainingOptions:
    """Returns the training options of a parsed command line.

    Args:
        args: the flags of `add_training_flags`. A flag that is given wins over the recipe, and
            the recipe over the default.
        options: the class of the result: `TrainingOptions`, or a subclass with more fields.
    """
    values = {field.name: getattr(args, field.name) for field in dataclasses.fields(options)}
    recipe = recipes.RECIPES[args.recipe]
    for name in [name for name, value in values.items() if value is None]:
        values[name] = recipes.training_default(name, recipe, args.optimizer)
        if values[name] is None:
            del values[name]
    if args.no_gradient_clipping:
        values["max_gradient_norm"] = None
    return options(**values)


def _train(request: TrainRequest) -> None:
    from aocr.training.update import precision

    run = request.run
    if pretrained.is_name(run.model_dir):
        raise UserError(
            f"--model-dir={run.model_dir}: this model comes with aocr and is never changed: start "
            f"from its weights with --init-from={run.model_dir} and another --model-dir, or for "
            f"a folder of yours write ./{run.model_dir}"
        )
    precision.refuse_if_slower(run.precision, request.force_precision)
    train_replica(request)
