"""Images a second of training with `--bucket-widths` against fixed padding, over whole passes.

Words of one to fourteen capitals, 32 pixels high and as wide as they are, are trained at
`--max-width=256 --max-height=32`: once all padded to 256 pixels, once in buckets. With `--dataset`
other records, and with `--max-width`, `--max-height` and `--widths` other sizes.

    python tests/benchmarks/bucket_widths.py [--rounds 1] [--dataset FILE --max-width N ...]
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable

import measure

measure.import_tensorflow()

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from PIL import ImageFont  # noqa: E402

from aocr.cli.flags.parser import value_type  # noqa: E402
from aocr.config import Config  # noqa: E402
from aocr.data.batches.epochs import batches_per_epoch  # noqa: E402
from aocr.data.dataset_scan import scan  # noqa: E402
from aocr.training.graph import build_train_graph  # noqa: E402
from aocr.training.options import TrainingOptions  # noqa: E402
from aocr.training.start.step_plan import StepPlan  # noqa: E402
from aocr.util.options import permitted_values  # noqa: E402
from aocr.util.session import open_on_cpu  # noqa: E402

ROUNDS = 1
PAIRS = 520
WIDTHS = (48, 80, 112, 160)
SIZES = {"max_width": 256, "max_height": 32, "max_prediction": 14}
FONT = 22
WARM_UP_STEPS = 2


def draw_words() -> list[tuple[bytes, str]]:
    """Words whose lengths are spread as in running text, in pictures as wide as they need."""
    font, lengths = ImageFont.load_default(FONT), np.random.default_rng(0).poisson(4, PAIRS) + 1
    labels = [word[:length] for word, length in zip(measure.words(PAIRS, 14), lengths, strict=True)]
    return [
        (measure.draw(label, (int(font.getlength(label)) + 8, 32), FONT), label) for label in labels
    ]


def a_pass(config: Config, dataset: str) -> Callable[[], float]:
    """Trains on each record once, to call: images a second."""
    options = TrainingOptions(seed=1)
    found = scan([dataset], config)
    records = measure.records_of([dataset], options.batch_size, config)
    usable = found.trainable(drop_wide=False)
    steps = batches_per_epoch(usable, config.widths, options.batch_size)
    model = build_train_graph(config, options, records, StepPlan(1, 0, steps))
    opened = open_on_cpu(model.graph)
    with model.graph.as_default():
        opened.run(tf.compat.v1.global_variables_initializer())

    def train() -> float:
        for count in (WARM_UP_STEPS, steps):
            opened.run(model.start)
            run = functools.partial(opened.run, (model.update.step, model.loss))
            taken = count * measure.seconds(run, count)
        return usable.total() / taken

    return train


def rows(
    rounds: int = ROUNDS, dataset: str = "", sizes: dict[str, int] | None = None, buckets=WIDTHS
) -> list[measure.Row]:
    """Alternates a pass in buckets and a pass with fixed padding."""
    with tempfile.TemporaryDirectory() as folder:
        if not dataset:
            dataset = f"{folder}/words.tfrecords"
            measure.write_records(dataset, draw_words())
        configs = (Config(**(sizes or SIZES), bucket_widths=b) for b in (buckets, ()))
        bucketed, fixed = measure.alternate(rounds, *(a_pass(c, dataset) for c in configs))
    name, show = "fixed padding", "{:.1f} images/s".format
    return [
        measure.compared("training in buckets", bucketed, name, fixed, "at least 1.5", show=show)
    ]


def main() -> None:
    """Prints the table."""
    parser = measure.parser(__doc__, ROUNDS)
    parser.add_argument("--dataset", default="", metavar="FILE", help="TFRecords to train on")
    for name, value in SIZES.items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=value)
    widths = value_type(permitted_values(Config, "bucket_widths"))
    parser.add_argument("--widths", type=widths, default=WIDTHS)
    args = parser.parse_args()
    sizes = {name: getattr(args, name) for name in SIZES}
    measure.print_table(rows(args.rounds, args.dataset, sizes, args.widths))


if __name__ == "__main__":
    main()
