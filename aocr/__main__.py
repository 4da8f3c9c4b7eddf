"""The command line: `aocr dataset | train | test | predict | export`.

TensorFlow takes seconds to import, so each command imports what it needs when it runs.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Iterator, Sequence

from aocr import __version__
from aocr.defaults import TEST_BATCH_SIZE, Config, TrainingOptions
from aocr.util import log
from aocr.util.charset import DIGITS_AND_CAPITALS, FULL_ASCII
from aocr.util.errors import UserError

SHOW_DEFAULT = "(default: %(default)s)"
EXIT_OK, EXIT_FAILURE, EXIT_INTERRUPTED = 0, 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code is 0, 1 for a failure, 2 for wrong usage."""
    args = build_parser().parse_args(arguments)
    try:
        log.import_tensorflow(args.log_path)
        log.start(args.log_path)
    except OSError as error:
        print(f"aocr: cannot write the log --log-path={args.log_path}: {error}", file=sys.stderr)
        return EXIT_FAILURE
    try:
        return args.run(args)
    except UserError as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        logging.error("Interrupted.")
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone, as in `aocr predict | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILURE
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0]
        return _fail(f"{type(error).__name__}: {reason} (the traceback is in {args.log_path})")


def _fail(reason: str) -> int:
    """One line for the person, the traceback for the log file."""
    logging.error(reason)
    logging.getLogger(log.TRACEBACKS).error("Traceback:", exc_info=True)
    return EXIT_FAILURE


def _dataset(args: argparse.Namespace) -> int:
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # building a dataset must not take a GPU's memory
    from aocr.util import dataset

    options = dataset.Options(not args.no_force_uppercase, args.save_filename, args.log_step)
    dataset.build(args.annotations, args.output, options)
    return EXIT_OK


def _train(args: argparse.Namespace) -> int:
    from aocr.model import trainer

    options = TrainingOptions(
        batch_size=args.batch_size,
        num_epoch=args.num_epoch,
        steps_per_checkpoint=args.steps_per_checkpoint,
        initial_learning_rate=args.initial_learning_rate,
        max_gradient_norm=None if args.no_gradient_clipping else args.max_gradient_norm,
        resume=not args.no_resume,
    )
    trainer.train(_config(args), options, args.dataset, args.model_dir, args.gpu_id)
    return EXIT_OK


def _test(args: argparse.Namespace) -> int:
    from aocr.model import evaluator

    evaluator.evaluate(
        _config(args),
        args.dataset,
        args.model_dir,
        args.gpu_id,
        args.batch_size,
        evaluator.Display(not args.no_distance, args.output_dir if args.visualize else None),
    )
    return EXIT_OK


def _predict(args: argparse.Namespace) -> int:
    from aocr.model import predictor

    failed = False
    paths = args.images or _lines(sys.stdin)
    for result in predictor.predict(_config(args), paths, args.model_dir, args.gpu_id):
        predictor.log_result(result)
        if result.failure:
            failed = True
        else:
            row = f"{result.path}\t{result.text}\t{result.probability:.6f}\n"
            sys.stdout.buffer.write(row.encode("utf-8", "surrogateescape"))
            sys.stdout.buffer.flush()
    return EXIT_FAILURE if failed else EXIT_OK


def _lines(stream) -> Iterator[str]:
    """File names, one a line, as they arrive; blank lines name nothing."""
    stream.reconfigure(encoding="utf-8", errors="surrogateescape")  # a name may be any bytes
    for line in stream:
        name = line.rstrip("\r\n")
        if name:
            yield name


def _export(args: argparse.Namespace) -> int:
    from aocr.model import exporter

    exporter.export(_config(args), args.model_dir, args.gpu_id, args.dir, args.format, args.force)
    return EXIT_OK


def _config(args: argparse.Namespace) -> Config:
    return Config(
        max_width=args.max_width,
        max_height=args.max_height,
        max_prediction=args.max_prediction,
        characters=FULL_ASCII if args.full_ascii else DIGITS_AND_CAPITALS,
        channels=3 if args.color else 1,
        use_gru=args.use_gru,
        attn_num_layers=args.attn_num_layers,
        attn_num_hidden=args.attn_num_hidden,
        target_embedding_size=args.target_embedding_size,
    )


def build_parser() -> argparse.ArgumentParser:
    """The parser; names, meanings and defaults are those of COMPAT.md, section 1."""
    parser = argparse.ArgumentParser(
        prog="aocr", description="Train, measure, export and run a reader of word images."
    )
    parser.add_argument("--version", action="version", version=f"aocr {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    base, model = _base_flags(), _model_flags()
    _add_dataset_command(commands, [base])
    _add_train_command(commands, [base, model])
    _add_test_command(commands, [base, model])
    _add_predict_command(commands, [base, model])
    _add_export_command(commands, [base, model])
    return parser


def _add_command(commands, name: str, run, parents, text: str):
    """A command's parser; what adds its own arguments is returned."""
    description = f"{text[0].upper()}{text[1:]}."
    parser = commands.add_parser(name, parents=parents, help=text, description=description)
    parser.set_defaults(run=run)
    return parser.add_argument


def _add_dataset_command(commands, parents) -> None:
    text = "build TFRecords from labelled images"
    add = _add_command(commands, "dataset", _dataset, parents, text)
    add("annotations", help="annotation file, one 'path label' a line, UTF-8")
    add(
        "output",
        nargs="?",
        default="./dataset.tfrecords",
        help=f"file to write {SHOW_DEFAULT}",
    )
    _number(add, "--log-step", 500, "log every N pairs")
    add("--no-force-uppercase", action="store_true", help="keep the labels' case")
    add("--save-filename", action="store_true", help="keep each image's path in its record")


def _add_train_command(commands, parents) -> None:
    add = _add_command(commands, "train", _train, parents, "train a model on TFRecords")
    add("dataset", help="TFRecords written by 'aocr dataset'")
    _number(
        add, "--steps-per-checkpoint", TrainingOptions.steps_per_checkpoint, "save every N steps"
    )
    _number(add, "--batch-size", TrainingOptions.batch_size, "images a step")
    _number(add, "--num-epoch", TrainingOptions.num_epoch, "passes over the data in this run")
    add("--no-resume", action="store_true", help="new weights even where checkpoints exist")


def _add_test_command(commands, parents) -> None:
    add = _add_command(commands, "test", _test, parents, "measure a model on TFRecords")
    add("dataset", help="TFRecords written by 'aocr dataset'")
    add("--visualize", action="store_true", help="draw the attention into --output-dir")
    _number(add, "--batch-size", TEST_BATCH_SIZE, "images at a time; the lines do not depend on it")


def _add_predict_command(commands, parents) -> None:
    add = _add_command(commands, "predict", _predict, parents, "read images")
    add("images", nargs="*", help="image files; without any, names on stdin, one a line")


def _add_export_command(commands, parents) -> None:
    text = "write a SavedModel or a frozen graph"
    add = _add_command(commands, "export", _export, parents, text)
    add("dir", nargs="?", default="exported", help=f"folder to write {SHOW_DEFAULT}")
    add(
        "--format",
        choices=("savedmodel", "frozengraph"),
        default="savedmodel",
        help=f"what to write {SHOW_DEFAULT}",
    )
    add("--force", action="store_true", help="replace a former export in the folder")


def _base_flags() -> argparse.ArgumentParser:
    flags = argparse.ArgumentParser(add_help=False)
    flags.add_argument(
        "--log-path",
        default="aocr.log",
        metavar="FILE",
        help=f"log file, appended to {SHOW_DEFAULT}",
    )
    return flags


def _model_flags() -> argparse.ArgumentParser:
    """Flags that `train`, `test`, `predict` and `export` share."""
    flags = argparse.ArgumentParser(add_help=False)
    add = flags.add_argument_group("model (the same flags as in training)").add_argument
    _number(add, "--max-width", Config.max_width, "width of the largest expected image, pixels")
    _number(add, "--max-height", Config.max_height, "height of the largest expected image, pixels")
    _number(add, "--max-prediction", Config.max_prediction, "characters of the longest label")
    add("--full-ascii", action="store_true", help="read ASCII 32 to 126 in place of 0-9A-Z")
    add("--color", action="store_true", help="read three channels in place of one")
    add("--use-gru", action="store_true", help="GRU cells in the decoder in place of LSTM")
    _number(add, "--attn-num-layers", Config.attn_num_layers, "layers of the decoder")
    _number(add, "--attn-num-hidden", Config.attn_num_hidden, "units of a decoder layer")
    _number(
        add, "--target-embedding-size", Config.target_embedding_size, "numbers that embed a symbol"
    )
    _add_running_flags(flags.add_argument_group("running").add_argument)
    return flags


def _add_running_flags(add) -> None:
    where = f"where checkpoints and TensorBoard summaries are {SHOW_DEFAULT}"
    add("--model-dir", "--job-dir", default="./checkpoints", metavar="DIR", help=where)
    where = f"where the pictures of test --visualize go {SHOW_DEFAULT}"
    add("--output-dir", default="./results", metavar="DIR", help=where)
    _number(add, "--gpu-id", 0, "GPU to use; negative: the CPU", int)
    add("--no-distance", action="store_true", help="accuracy by exact match, not edit distance")
    rate, norm = TrainingOptions.initial_learning_rate, TrainingOptions.max_gradient_norm
    _number(add, "--initial-learning-rate", rate, "learning rate of training", _positive_float)
    _number(add, "--max-gradient-norm", norm, "norm to clip gradients to", _positive_float)
    add("--no-gradient-clipping", action="store_true", help="leave gradients as they are")


def _number(add, name: str, default, text: str, of_type=None) -> None:
    """A flag that takes a number, by default a whole one from 1 on."""
    of_type = of_type or _positive_int
    add(name, type=of_type, default=default, metavar="N", help=f"{text} {SHOW_DEFAULT}")


def _positive_int(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return value


def _positive_float(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


_positive_int.__name__ = "whole number"  # argparse: "invalid whole number value: 'x'"
_positive_float.__name__ = "number"

if __name__ == "__main__":
    sys.exit(main())
