"""The recipe for new models against 0.7.6's, at the same image size, in one run.

Images of 128x32. A training step is the whole of it, in batches of 65: records of PNG files,
decoding, augmentation where the recipe has it, network, loss, update. Reading is `aocr test`, in
batches of the size that it chooses for the model: the time of each further image, so that its start
does not count. Ratios above 1 say how many times as many images a second the new recipe trains on
and reads.

    python tests/benchmarks/backbones.py [--rounds 5] [--steps 2]
"""

from __future__ import annotations

import functools
import tempfile

import measure

measure.import_tensorflow()

import reading  # noqa: E402
import training_step  # noqa: E402

from aocr.cli.flags.model import AUTO_BUCKETS  # noqa: E402
from aocr.cli.flags.recipes import RECIPES  # noqa: E402
from aocr.config import Config  # noqa: E402
from aocr.evaluation import evaluator  # noqa: E402
from aocr.training.options import TrainingOptions  # noqa: E402

ROUNDS = 5
SIZE = {"max_width": 128, "max_height": 32, "max_prediction": 8}
BATCH_SIZE = 65
FEW, MANY = 256, 1024
"""Images: what the second takes longer than the first is counted."""

NAMES = ("modern", "classic")


def config_of(name: str) -> Config:
    """Returns the model of a recipe; all images have one width, which needs no buckets."""
    fields = {k: v for k, v in RECIPES[name].model.items() if v != AUTO_BUCKETS}
    return Config(**SIZE, **fields)


def options_of(name: str) -> TrainingOptions:
    """Returns the training options of a recipe, in batches of the same size."""
    return TrainingOptions(**{**RECIPES[name].training, "batch_size": BATCH_SIZE})


def seconds_of_an_image(name: str, checkpoint: str, few: str, many: str) -> float:
    """Returns the time that `aocr test` takes for an image, without its start."""

    def test(records: str) -> None:
        evaluation = evaluator.Evaluation(
            config=config_of(name),
            checkpoint=checkpoint,
            files=[records],
            gpu_id=-1,
        )
        evaluator.evaluate(evaluation)

    first = measure.seconds(functools.partial(test, few))
    return (measure.seconds(functools.partial(test, many)) - first) / (MANY - FEW)


def rows(rounds: int = ROUNDS, steps: int = 2) -> list[measure.Row]:
    """Alternates both recipes."""
    with tempfile.TemporaryDirectory() as folder:
        reading.log_into(f"{folder}/aocr.log")
        few, many = f"{folder}/few.tfrecords", f"{folder}/many.tfrecords"
        pairs = measure.draw_words(MANY)
        measure.write_records(few, pairs[:FEW])
        measure.write_records(many, pairs)
        trained = _training_steps(rounds, steps, many)
        checkpoints = [measure.make_checkpoint(f"{folder}/{n}", config_of(n)) for n in NAMES]
        tested = measure.alternate(
            rounds,
            *(
                functools.partial(seconds_of_an_image, name, checkpoint, few, many)
                for name, checkpoint in zip(NAMES, checkpoints, strict=True)
            ),
        )
    show = "{:.2f} ms".format
    in_ms = [[1000 * seconds for seconds in column] for column in tested]
    return [_row("a training step", *trained), _row("aocr test, an image", *in_ms, show=show)]


def _training_steps(rounds: int, steps: int, records: str) -> list[list[float]]:
    runs = [
        training_step.training_step(config_of(name), options_of(name), [records]) for name in NAMES
    ]
    for run in runs:
        measure.seconds(run, 3)
    return measure.alternate(rounds, *(functools.partial(measure.seconds, r, steps) for r in runs))


def _row(what: str, modern: list[float], classic: list[float], **options) -> measure.Row:
    name = f"{what}: classic"
    return measure.compared(name, classic, "modern", modern, "at least 5", **options)


def main() -> None:
    """Prints the table."""
    parser = measure.parser(__doc__, ROUNDS)
    parser.add_argument("--steps", type=int, default=2, help="steps a round")
    args = parser.parse_args()
    measure.print_table(rows(args.rounds, args.steps))


if __name__ == "__main__":
    main()
