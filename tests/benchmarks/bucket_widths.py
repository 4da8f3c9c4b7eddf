"""Images a second of training with `--bucket-widths` against fixed padding, over a whole pass.

Words of one to fourteen characters, 32 pixels high and as wide as they are, are trained at
`--max-width=256 --max-height=32`, once with all padded to 256 pixels and once in buckets. With
`--dataset` other records, and with `--max-width`, `--max-height` and `--widths` other sizes.

    python tests/benchmarks/bucket_widths.py [--dataset FILE --max-width N --max-height N]
"""

from __future__ import annotations

import argparse
import functools
import io
import pathlib
import tempfile
import time

from aocr.util import log

log.import_tensorflow("/dev/null")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from PIL import Image, ImageDraw, ImageFont  # noqa: E402

from aocr.defaults import Config, TrainingOptions  # noqa: E402
from aocr.flag_types import widths  # noqa: E402
from aocr.model import image, session  # noqa: E402
from aocr.model.graph import build_train_graph  # noqa: E402
from aocr.model.plan import Plan  # noqa: E402
from aocr.util import records  # noqa: E402
from aocr.util.data_gen import batches_a_pass  # noqa: E402
from aocr.util.survey import survey  # noqa: E402

WARM_UP_STEPS = 2
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def write_words(path: str, pairs: int) -> None:
    """TFRecords of words whose lengths are spread as in running text, in grey PNG files."""
    generator, font = np.random.default_rng(0), ImageFont.load_default(22)
    with tf.io.TFRecordWriter(path) as writer:
        for length in np.clip(generator.poisson(4, pairs) + 1, 1, 14):
            label = "".join(generator.choice(list(LETTERS), length))
            picture = Image.new("L", (int(font.getlength(label)) + 8, 32), 255)
            ImageDraw.Draw(picture).text((4, 16), label, 0, font, anchor="lm")
            file = io.BytesIO()
            picture.save(file, "PNG")
            writer.write(records.serialize(file.getvalue(), label))


def images_a_second(config: Config, dataset: str) -> float:
    """Of a pass over the records, after two steps that count for nothing."""
    options = TrainingOptions(seed=1)
    found = survey(
        [dataset], config, functools.partial(image.measure, config=config), session.open_on_cpu
    )
    left_out, usable = found.untrainable(drop_wide=False), found.trainable(drop_wide=False)
    steps = batches_a_pass(usable, config.widths, options.batch_size)
    model = build_train_graph(config, options, [dataset], left_out, Plan(1, 0, steps))
    with session.open_on_cpu(model.graph) as opened:
        with model.graph.as_default():
            opened.run(tf.compat.v1.global_variables_initializer())
        opened.run(model.start)
        for _ in range(WARM_UP_STEPS):
            opened.run(model.update.step)
        opened.run(model.start)
        started = time.perf_counter()
        for _ in range(steps):
            opened.run((model.update.step, model.loss))
        return usable.total() / (time.perf_counter() - started)


def main() -> None:
    """Measures both and prints their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", help="records to train on in place of generated ones")
    parser.add_argument("--pairs", type=int, default=650, help="words to generate")
    parser.add_argument("--max-width", type=int, default=256)
    parser.add_argument("--max-height", type=int, default=32)
    parser.add_argument("--widths", type=widths, default=(48, 80, 112, 160))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        dataset = args.dataset or str(pathlib.Path(folder) / "words.tfrecords")
        if not args.dataset:
            write_words(dataset, args.pairs)
        sizes = {"max_width": args.max_width, "max_height": args.max_height, "max_prediction": 14}
        fixed = images_a_second(Config(**sizes), dataset)
        bucketed = images_a_second(Config(**sizes, bucket_widths=args.widths), dataset)
    print(f"fixed padding: {fixed:.1f} images/s; buckets {args.widths}: {bucketed:.1f} images/s")
    print(f"ratio: {bucketed / fixed:.2f}")


if __name__ == "__main__":
    main()
