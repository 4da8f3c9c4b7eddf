"""The command `aocr train`: trains a model on TFRecords."""

from __future__ import annotations

import argparse
import dataclasses
import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aocr.cli.commands.train_replicas import (
    add_replica_flags,
    replica_log,
    run_replica,
    with_global_batch,
)
from aocr.cli.exit_codes import EXIT_OK
from aocr.cli.flags import common, model, recipes
from aocr.cli.flags.memory import TRAINING_FLOATS, check_batch_size
from aocr.cli.flags.paths import command_paths, dataset_inputs, model_inputs
from aocr.cli.flags.values import value_type
from aocr.cli.settings_log import TRAIN, log_settings
from aocr.config import Config
from aocr.model.weights import pretrained
from aocr.training.options import TrainingOptions
from aocr.training.start.run import ModelChoice, Run, WeightedDataset
from aocr.util.errors import UserError
from aocr.util.options import Option, Permitted, options_of
from aocr.util.paths.checks import CommandPaths

if TYPE_CHECKING:
    from aocr.training.cluster.replicas import Replicas

_WEIGHT = value_type(Permitted(float, minimum=0, maximum=1_000_000, excluded=0))
"""Converts the weight of a dataset of `--mix`."""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Adds the parser of the command."""
    command = common.Command(
        "train", "train a model on TFRecords", run, paths, log_path=replica_log
    )
    parser = common.add_command(commands, command)
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


def paths(args: argparse.Namespace) -> CommandPaths:
    """Returns what the command reads; what it writes into `--model-dir` has names of its own."""
    inputs = [
        *dataset_inputs("dataset", args.dataset),
        *dataset_inputs("--mix", [part.path for part in args.mix or []]),
        *dataset_inputs("--validation", args.validation or []),
        *model_inputs("--init-from", args.init_from),
        *model_inputs("--model-dir", args.model_dir),
    ]
    return command_paths(args, inputs)


def run(args: argparse.Namespace) -> int:
    """Runs the command and returns its exit code."""
    from aocr.training.update import precision

    if pretrained.is_name(args.model_dir):
        raise UserError(
            f"--model-dir={args.model_dir}: this model comes with aocr and is never changed: start "
            f"from its weights with --init-from={args.model_dir} and another --model-dir, or for "
            f"a folder of yours write ./{args.model_dir}"
        )
    precision.refuse_if_slower(args.precision, args.force_precision)
    run_replica(args, _train, _evaluate)
    return EXIT_OK


def _evaluate(args: argparse.Namespace) -> None:
    """Validates the checkpoints of a training that other processes run."""
    from aocr.training.validation.evaluator import evaluate_new_checkpoints

    evaluate_new_checkpoints(_run_of(args), args.cluster_timeout)


def _run_of(args: argparse.Namespace, replicas: Replicas | None = None) -> Run:
    """Returns the inputs and outputs of a command line.

    Only the chief of several replicas resumes from a checkpoint: the others take its weights. None
    stands for the evaluator.
    """
    from aocr.model.weights import checkpoints

    mix = tuple(args.mix or [])
    resumes = not args.no_resume and replicas is not None and replicas.is_chief
    return Run(
        dataset=args.dataset or [part.path for part in mix],
        validation=args.validation or [],
        model_dir=args.model_dir,
        checkpoint=checkpoints.latest_checkpoint(args.model_dir) if resumes else None,
        init_from=args.init_from and pretrained.folder_of(args.init_from),
        resume=not args.no_resume,
        gpu_id=args.gpu_id,
        precision=args.precision,
        mix=mix,
    )


def _train(args: argparse.Namespace, replicas: Replicas, validates: bool) -> None:
    """Trains in a model directory that is held."""
    from aocr.training import trainer
    from aocr.training.cluster import agreement
    from aocr.training.start.model_choice import choose_config

    options = with_global_batch(training_options(args), args.global_batch_size, replicas)
    settings = replicas.together(lambda: _run_of(args, replicas))
    if not (replicas.is_chief and validates):
        settings = settings._replace(validation=[])
    recipe = recipes.RECIPES[args.recipe].model
    choice = model_choice(args, recipe)
    if replicas.processes > 1:
        agreement.check_flags(replicas, options, choice, settings)
        choose = functools.partial(choose_config, settings, choice)
        config = agreement.agreed_config(replicas, lambda: choose(options.drop_wide))
    else:
        config = choose_config(settings, choice, options.drop_wide)
    check_batch_size(options.batch_size // replicas.processes, config, TRAINING_FLOATS)
    log_settings(TRAIN, args, config, options)
    trainer.train(config, options, settings, replicas)


def model_choice(args: argparse.Namespace, recipe: Mapping[str, Any]) -> ModelChoice:
    """Returns what a parsed command line says of the model.

    Args:
        args: has the model flags.
        recipe: the fields of `Config` that the recipe sets.
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
        args: has the flags of `add_training_flags`. A flag that is given wins over the recipe, and
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
