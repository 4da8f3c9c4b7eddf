"""The CPU time of a training step with `--rectify=tps` against one without, in one run.

Both are whole steps of the recipe for new models: records of PNG files, decoding, augmentation,
network, loss, update, for 32 images of 128x32.

    python tests/benchmarks/rectification.py [--rounds 7] [--steps 3]
"""

from __future__ import annotations

import dataclasses
import functools
import tempfile
import time
from collections.abc import Callable

import measure

measure.import_tensorflow()

import backbones  # noqa: E402
import training_step  # noqa: E402

ROUNDS = 7
BATCH_SIZE = 32


def cpu_seconds(run: Callable[[], object], times: int) -> float:
    """Returns the mean CPU time of a call, over all threads of this process."""
    started = time.process_time()
    for _ in range(times):
        run()
    return (time.process_time() - started) / times


def rows(rounds: int = ROUNDS, steps: int = 3) -> list[measure.Row]:
    """Alternates both steps."""
    plain = backbones.config_of("modern")
    options = dataclasses.replace(backbones.options_of("modern"), batch_size=BATCH_SIZE)
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/words.tfrecords"
        measure.write_records(path, measure.draw_words(BATCH_SIZE * (2 + rounds * steps)))
        runs = [
            training_step.training_step(config, options, [path])
            for config in (dataclasses.replace(plain, rectify="tps"), plain)
        ]
        for run in runs:
            measure.seconds(run, 2)
        timed = (functools.partial(cpu_seconds, run, steps) for run in runs)
        rectifying, without = measure.alternate(rounds, *timed)
    what = "a training step with --rectify=tps"
    return [measure.compared(what, rectifying, "without", without, "")]


def main() -> None:
    """Prints the table."""
    parser = measure.parser(__doc__, ROUNDS)
    parser.add_argument("--steps", type=int, default=3, help="steps a round")
    args = parser.parse_args()
    measure.print_table(rows(args.rounds, args.steps))


if __name__ == "__main__":
    main()
