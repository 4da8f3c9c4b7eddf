"""The flags of `aocr train`."""

from __future__ import annotations

from aocr.cli.flag_types import SHOW_DEFAULT, fraction, natural, number, positive_int, widths
from aocr.config import LEARNING_RATES, SCHEDULES, TrainingOptions


def add_training_flags(add) -> None:
    """Adds what `train` alone takes."""
    defaults = TrainingOptions
    number(add, "--batch-size", defaults.batch_size, "images a step")
    number(add, "--num-epoch", defaults.num_epoch, "passes over the data in this run")
    text = "end at this global step, however many runs it takes"
    add("--max-steps", type=positive_int, metavar="N", help=text)
    text = "make the order of records, dropout and fresh weights a function of N and the step"
    add("--seed", type=natural, metavar="N", help=text)
    text = (
        "widths that batches are cut to, pixels at a height of 32, multiples of 4, as in 48,64,96; "
        "padding does not count then (default: none, as 0.7.6)"
    )
    add("--bucket-widths", type=widths, metavar="N,N", help=text)
    add("--drop-wide", action="store_true", help="leave out images wider than --max-width")
    text = f"arithmetic of convolutions and matrix products {SHOW_DEFAULT}"
    add("--precision", choices=("float32", "bfloat16"), default="float32", help=text)
    add("--force-precision", action="store_true", help="take bfloat16 even where it is slower")
    add("--no-resume", action="store_true", help="new weights even where checkpoints exist")
    text = "begin with the weights of another model, whose charset may differ"
    add("--init-from", metavar="DIR", help=text)
    number(add, "--steps-per-checkpoint", defaults.steps_per_checkpoint, "save every N steps")
    number(add, "--keep-checkpoints", defaults.keep_checkpoints, "keep the last N checkpoints")
    _add_validation_flags(add)
    _add_optimizer_flags(add)


def _add_validation_flags(add) -> None:
    text = "TFRecords to measure on while training; the best checkpoint is kept; may be repeated"
    add("--validation", action="append", metavar="DATASET", help=text)
    text = "validate every N steps (default: at each checkpoint)"
    add("--validation-interval", type=positive_int, metavar="N", help=text)
    text = "end after N validations without a gain"
    add("--patience", type=positive_int, metavar="N", help=text)


def _add_optimizer_flags(add) -> None:
    defaults = TrainingOptions
    text = f"what updates the weights {SHOW_DEFAULT}"
    add("--optimizer", choices=tuple(LEARNING_RATES), default=defaults.optimizer, help=text)
    add(
        "--learning-rate-schedule",
        choices=SCHEDULES,
        default=defaults.learning_rate_schedule,
        help=f"how the rate falls until --max-steps, or the end of the run {SHOW_DEFAULT}",
    )
    text = "steps in which the rate rises"
    number(add, "--warmup-steps", defaults.warmup_steps, text, natural)
    text = (
        "share of itself that a weight loses a step, times the rate (default: adamw 0.01, else 0)"
    )
    add("--weight-decay", type=fraction, metavar="N", help=text)
    number(add, "--dropout", defaults.dropout, "share of the features dropped", fraction)
    text = "share of a moving average of batch norm that a step keeps"
    number(add, "--bn-momentum", defaults.bn_momentum, text, fraction)
