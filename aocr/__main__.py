"""The command line: `aocr dataset | inspect | train | test | predict | export`.

TensorFlow takes seconds to import, so each command imports what it needs when it runs.
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from aocr.charset import FULL_ASCII
from aocr.cli.parser import AUTO_CHARSET, DECODER_NUMBERS, FIT_NUMBERS, build_parser
from aocr.config import LEARNING_RATES, WEIGHT_DECAYS, Config, Fit, TrainingOptions
from aocr.util import log
from aocr.util.errors import UserError
from aocr.util.tensorflow_import import import_tensorflow

EXIT_OK, EXIT_FAILURE, EXIT_INTERRUPTED = 0, 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code is 0, 1 for a failure, 2 for wrong usage."""
    args = build_parser().parse_args(arguments)
    try:
        import_tensorflow(args.log_path, use_gpu=args.command not in ("dataset", "inspect"))
        log.start(args.log_path)
    except OSError as error:
        print(f"aocr: cannot write the log --log-path={args.log_path}: {error}", file=sys.stderr)
        return EXIT_FAILURE
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # no temporary file is to stay
    try:
        return COMMANDS[args.command](args)
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
    from aocr.data import builder as dataset

    options = dataset.Options(
        force_uppercase=not args.no_force_uppercase,
        normalize=not args.no_normalize,
        save_filename=args.save_filename,
        base_dir=args.base_dir,
        delimiter=args.delimiter,
        strict=args.strict,
        max_pixels=args.max_pixels,
        shards=args.shards,
        shard_index=args.shard_index,
        log_step=args.log_step,
        fit=_fit(args),
    )
    dataset.build(args.annotations, args.output, options)
    return EXIT_OK


def _inspect(args: argparse.Namespace) -> int:
    from aocr.inspection import inspector as inspection

    options = inspection.InspectionOptions(
        limits=_fit(args), as_json=args.json, sheet=args.sheet, color=args.color
    )
    inspection.inspect(args.dataset, options)
    return EXIT_OK


def _fit(args: argparse.Namespace) -> Fit:
    return Fit(args.max_width, args.max_height, args.max_prediction, _given_characters(args))


def _train(args: argparse.Namespace) -> int:
    from aocr.training import initialization, precision, trainer
    from aocr.training.run import Run

    run = Run(
        dataset=args.dataset,
        validation=args.validation or [],
        model_dir=args.model_dir,
        init_from=args.init_from,
        resume=not args.no_resume,
        gpu_id=args.gpu_id,
        precision=args.precision,
    )
    precision.check(args.precision, args.force_precision)
    config = initialization.config_of(run, _given(args), args.charset == AUTO_CHARSET)
    trainer.train(config, _training_options(args), run)
    return EXIT_OK


def _training_options(args: argparse.Namespace) -> TrainingOptions:
    """What flags of the same names say, and what those say that are named otherwise."""
    names = [field.name for field in dataclasses.fields(TrainingOptions)]
    options = {name: getattr(args, name) for name in names}
    if args.no_gradient_clipping:
        options["max_gradient_norm"] = None
    if args.initial_learning_rate is None:
        options["initial_learning_rate"] = LEARNING_RATES[args.optimizer]
    if args.weight_decay is None:
        options["weight_decay"] = WEIGHT_DECAYS.get(args.optimizer, 0.0)
    return TrainingOptions(**options)


def _test(args: argparse.Namespace) -> int:
    from aocr.evaluation import evaluator

    display = evaluator.Display(
        use_distance=not args.no_distance,
        picture_dir=args.output_dir if args.visualize else None,
        predictions=args.predictions,
        report_dir=args.report,
    )
    config, checkpoint = _trained(args)
    summary = evaluator.evaluate(
        config, args.dataset, checkpoint, args.gpu_id, args.batch_size, display
    )
    if args.json:
        _print(summary.to_json() + "\n")
    return EXIT_OK


def _predict(args: argparse.Namespace) -> int:
    from aocr.serving import predictor

    failed = False
    paths = args.images or _lines(sys.stdin)
    config, checkpoint = _trained(args)
    for result in predictor.predict(config, paths, checkpoint, args.gpu_id):
        predictor.log_result(result)
        failed |= bool(result.failure)
        if args.json:
            _print(predictor.to_json(result))
        elif not result.failure:
            _print(predictor.to_row(result))
    return EXIT_FAILURE if failed else EXIT_OK


def _print(text: str) -> None:
    """Writes lines on stdout at once; file names may be any bytes."""
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def _lines(stream) -> Iterator[str]:
    """File names, one a line, as they arrive; blank lines name nothing."""
    stream.reconfigure(encoding="utf-8", errors="surrogateescape")  # a name may be any bytes
    for line in stream:
        name = line.rstrip("\r\n")
        if name:
            yield name


def _export(args: argparse.Namespace) -> int:
    from aocr.serving import exporter

    config, checkpoint = _trained(args)
    exporter.export(config, checkpoint, args.gpu_id, args.dir, args.format, args.force)
    return EXIT_OK


def _trained(args: argparse.Namespace) -> tuple[Config, str]:
    """A model and its checkpoint: what `--model-dir` says of it, or for 0.7.6's what flags say."""
    from aocr.model import checkpoints, config_file

    if args.charset == AUTO_CHARSET:
        raise UserError("--charset=auto is for training: name a file, or leave it to the model")
    checkpoint = checkpoints.find_checkpoint(args.model_dir, args.checkpoint)
    return config_file.of_trained_model(args.model_dir, _given(args)), checkpoint


def _given(args: argparse.Namespace) -> dict[str, Any]:
    """The fields of `Config` that stand on the command line."""
    numbers = FIT_NUMBERS | DECODER_NUMBERS
    given = {field: getattr(args, field) for field in numbers if getattr(args, field)}
    if getattr(args, "bucket_widths", None):
        given["bucket_widths"] = args.bucket_widths
    if args.color:
        given["channels"] = 3
    if args.use_gru:
        given["use_gru"] = True
    characters = _given_characters(args)
    return given | ({"characters": characters} if characters else {})


def _given_characters(args: argparse.Namespace) -> str | None:
    """The charset of `--full-ascii` or of the file that `--charset` names."""
    if args.full_ascii:
        return FULL_ASCII
    if args.charset in (None, AUTO_CHARSET):
        return None
    from aocr.data.charset_file import read_charset

    return read_charset(args.charset)


COMMANDS = {
    "dataset": _dataset,
    "inspect": _inspect,
    "train": _train,
    "test": _test,
    "predict": _predict,
    "export": _export,
}

if __name__ == "__main__":
    sys.exit(main())
