"""Training on lines of text, 2240x45 pixels and about 165 characters: start, steps, memory.

Each number is of a real `aocr train` in a folder of its own: the seconds from its start to its
line `Step 1:`, the median of its later steps, its peak memory. Then the same at half the width,
where images are shrunk, and at half the length, labels cut in half: steps, and peak memory above
that of an idle `import tensorflow`, should grow no faster than the lines. Last the nodes of the
training graph, which should not depend on the length at all.

    python tests/benchmarks/text_lines.py [--rounds 3] [--steps 3] [--dataset FILE]
"""

from __future__ import annotations

import os
import re
import statistics
import tempfile
from typing import NamedTuple

import measure

ROUNDS = 3
LINES = 200
WIDTH, HEIGHT, LENGTH = 2240, 45, 165
LONGEST = 170
CHARACTERS = "abcdefghijklmnopqrstuvwxyz    ,."


class Training(NamedTuple):
    """What a run of `aocr train` took: seconds, and bytes."""

    start: float
    step: float
    peak: int


def write_lines(path: str) -> None:
    """Records of lines of text."""
    measure.import_tensorflow()
    texts = measure.words(LINES, LENGTH, CHARACTERS)
    pairs = [(measure.draw(text, (WIDTH, HEIGHT), 26), text) for text in texts]
    measure.write_records(path, pairs)


def halve_labels(path: str, output: str) -> None:
    """Writes the same records with the first half of each label."""
    measure.import_tensorflow()
    import tensorflow as tf

    from aocr.data.records import schema

    pairs = []
    for serialized in tf.compat.v1.io.tf_record_iterator(path):
        feature = tf.train.Example.FromString(serialized).features.feature
        image, label = (feature[name].bytes_list.value[0] for name in ("image", "label"))
        text = schema.text_of(label)
        pairs.append((image, text[: len(text) // 2]))
    measure.write_records(output, pairs)


def count_nodes(longest: int) -> int:
    """Nodes of the training graph for lines of so many characters, those of loops included."""
    measure.import_tensorflow()
    from aocr.charset import FULL_ASCII
    from aocr.config import Config
    from aocr.data.batches.epochs import Records
    from aocr.training.graph import build_train_graph
    from aocr.training.options import TrainingOptions
    from aocr.training.start.step_plan import StepPlan

    config = Config(WIDTH, HEIGHT, longest, FULL_ASCII)
    no_records = Records(["none"], [1], [], [0], batch_size=1)
    model = build_train_graph(config, TrainingOptions(), no_records, StepPlan(0, 0, 1))
    definition = model.graph.as_graph_def()
    return len(definition.node) + sum(len(f.node_def) for f in definition.library.function)


def train(dataset: str, width: int, longest: int, steps: int) -> Training:
    """Runs `aocr train`."""
    flags = (
        f"--max-width={width}",
        f"--max-height={HEIGHT}",
        f"--max-prediction={longest}",
        "--full-ascii",
        "--batch-size=8",
        f"--max-steps={steps}",
    )
    with tempfile.TemporaryDirectory() as folder:
        done = measure.run(["-m", "aocr", "train", dataset, *flags], folder)
    found = [(came, re.search(r"Step \d+: ([\d.]+)s", line)) for came, line in done.lines]
    taken = [(came, float(match[1])) for came, match in found if match]
    later = statistics.median(seconds for _, seconds in taken[1:])
    return Training(taken[0][0], later, done.peak)


def idle_peak() -> int:
    """Peak memory of a Python that imports TensorFlow and ends."""
    with tempfile.TemporaryDirectory() as folder:
        return measure.run(["-c", "import tensorflow"], folder).peak


def rows(rounds: int = ROUNDS, steps: int = 3, dataset: str = "") -> list[measure.Row]:
    """Alternates whole lines, half the width, and half the length.

    Args:
        rounds: of all three.
        steps: of each in a round.
        dataset: records to train on in place of generated ones.
    """
    with tempfile.TemporaryDirectory() as folder:
        whole, halved = f"{folder}/lines.tfrecords", f"{folder}/half.tfrecords"
        if dataset:
            whole = os.path.abspath(dataset)  # training runs in another folder
        else:
            measure.in_fresh_process(write_lines, whole)
        measure.in_fresh_process(halve_labels, whole, halved)
        idle = idle_peak()
        full, narrow, short = measure.alternate(
            rounds,
            lambda: train(whole, WIDTH, LONGEST, steps),
            lambda: train(whole, WIDTH // 2, LONGEST, steps),
            lambda: train(halved, WIDTH, LONGEST // 2, steps),
        )
    return [
        *_absolute_rows(full),
        *_ratio_rows(full, narrow, "half the width", idle),
        *_ratio_rows(full, short, "half the length", idle),
        _node_row(),
    ]


def _absolute_rows(full: list[Training]) -> list[measure.Row]:
    start, step, peak = (statistics.median(column) for column in zip(*full, strict=True))
    what = "text lines: "
    return [
        measure.Row(what + "start to `Step 1:`", f"{start:.1f} s", target="at most 20 s"),
        measure.Row(what + "a later step, batch of 8", f"{step:.2f} s"),
        measure.Row(what + "peak memory", _gib(peak), target="at most 4 GiB"),
    ]


def _ratio_rows(
    full: list[Training], half: list[Training], name: str, idle: int
) -> list[measure.Row]:
    steps = [[run.step for run in runs] for runs in (full, half)]
    peaks = [[float(run.peak - idle) for run in runs] for runs in (full, half)]
    step, memory = "text lines: a step", "text lines: peak memory above TensorFlow's"
    return [
        measure.compared(step, steps[0], name, steps[1], "at most 2", show="{:.2f} s".format),
        measure.compared(memory, peaks[0], name, peaks[1], "at most 2", show=_gib),
    ]


def _node_row() -> measure.Row:
    many, few = (measure.in_fresh_process(count_nodes, longest) for longest in (LONGEST, 8))
    return measure.Row(
        f"nodes of the training graph, {LONGEST} characters",
        str(many),
        f"8 characters: {few}",
        many / few,
        "1",
    )


def _gib(count: float) -> str:
    return f"{count / measure.GIB:.2f} GiB"


def main() -> None:
    """Prints the table."""
    parser = measure.parser(__doc__, ROUNDS)
    parser.add_argument("--steps", type=int, default=3, help="steps of a run, at least 2")
    parser.add_argument("--dataset", default="", metavar="FILE", help="TFRecords of text lines")
    args = parser.parse_args()
    measure.print_table(rows(args.rounds, args.steps, args.dataset))


if __name__ == "__main__":
    main()
