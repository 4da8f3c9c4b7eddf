"""All benchmarks one after the other, each in a process of its own, and one table of them.

    python tests/benchmarks [--rounds N]

It leaves out `input_pipeline.py --memory`, which takes long, `dataset_building.py`, which needs
images, `lexicon.py`, which needs a trained model, `synthesis.py`, whose rates are of the whole
machine, `cluster.py`, whose processes need a core each, and `scale.py`, `storage_requests.py` and
`network.py`, whose numbers are in docs/cloud.md. Each can be run by itself, and its text says what
it measures. They take about twenty minutes on two cores; nothing else should run beside them.
"""

from __future__ import annotations

import argparse

import measure

NAMES = (
    "training_step",
    "reading",
    "backbones",
    "text_lines",
    "bucket_widths",
    "input_pipeline",
    "augmentation",
    "cold_start",
)


def main() -> None:
    """Prints the table, the rows of each as it ends."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, metavar="N", help="of each, in place of its own")
    args = parser.parse_args()
    measure.print_table(
        row
        for name in NAMES
        for row in measure.in_fresh_process(measure.rows_of, name, args.rounds)
    )


if __name__ == "__main__":
    main()
