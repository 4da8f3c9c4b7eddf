"""Commands from a cold start: `aocr --help`, and `aocr predict` of one image.

Each is a real process. `--help` stands beside a Python that does nothing, and `predict`, with a
checkpoint of random weights, beside one that imports TensorFlow with the same settings. They
alternate, after one of each that is not counted and reads the files into the page cache.

    python tests/benchmarks/cold_start.py [--rounds 7]
"""

from __future__ import annotations

import functools
import pathlib
import tempfile

import measure

ROUNDS = 7


def make_checkpoint(folder: str) -> None:
    """A model directory of random weights."""
    measure.import_tensorflow()
    measure.make_checkpoint(folder)


def seconds(command: list[str], folder: str) -> float:
    """How long a Python with these arguments takes."""
    return measure.run(command, folder).seconds


def rows(rounds: int = ROUNDS) -> list[measure.Row]:
    """Alternates all four."""
    with tempfile.TemporaryDirectory() as folder:
        measure.in_fresh_process(make_checkpoint, f"{folder}/checkpoints")
        [(png, _)] = measure.draw_words(1)
        pathlib.Path(folder, "word.png").write_bytes(png)
        commands = (
            ["-m", "aocr", "--help"],
            ["-c", "pass"],
            ["-m", "aocr", "predict", "word.png"],
            ["-c", "import tensorflow"],
        )
        runs = [functools.partial(seconds, command, folder) for command in commands]
        measure.alternate(1, *runs)
        help_, nothing, predict, tensorflow = measure.alternate(rounds, *runs)
    name = "import tensorflow"
    return [
        measure.compared("aocr --help", help_, "python -c pass", nothing, "at most 0.3 s"),
        measure.compared("aocr predict of one image", predict, name, tensorflow, "at most 1.3"),
    ]


def main() -> None:
    """Prints the table."""
    measure.print_table(rows(measure.parser(__doc__, ROUNDS).parse_args().rounds))


if __name__ == "__main__":
    main()
