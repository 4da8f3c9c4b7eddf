"""How many requests the commands send to Google Cloud Storage for each image, shard and checkpoint.

The storage is the emulator of the tests, in namespaces; root or user namespaces are needed. A
command runs on few and on more images or shards: the difference of its requests, divided by that
of the images, is what one image costs. It does not matter how fast the emulator is.

    python tests/benchmarks/storage_requests.py
"""

from __future__ import annotations

import pathlib
import sys
import tempfile
from collections import Counter
from collections.abc import Callable

import measure

TESTS = pathlib.Path(__file__).parents[1]
sys.path.append(str(TESTS))

import namespaces  # noqa: E402
import storage_emulator  # noqa: E402

FEW, MANY = 8, 24
FEW_SHARDS, MANY_SHARDS = 2, 6
MODEL = ("--max-width=60", "--max-height=20", "--max-prediction=5", "--backbone=compact")


def requests_of(prepare: Callable[[], None], *command: str) -> Counter[str]:
    """Runs `aocr` on a bucket; returns the numbers of its requests by kind."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        with storage_emulator.emulator(path, "bucket") as take_requests:
            prepare()
            take_requests()
            measure.run(["-m", "aocr", *command, "--log-path=/dev/null"], folder)
            return take_requests()


def put_images(count: int) -> None:
    """Writes images and their annotations."""
    import tensorflow as tf

    lines = []
    for number, word in enumerate(measure.words(count)):
        with tf.io.gfile.GFile(f"gs://bucket/images/{number}.png", "wb") as file:
            file.write(measure.draw(word, (60, 20), 16))
        lines.append(f"images/{number}.png {word}\n")
    with tf.io.gfile.GFile("gs://bucket/list.txt", "wb") as file:
        file.write("".join(lines))


def put_shards(count: int) -> None:
    """Writes shards of a few records."""
    from aocr.data.records.shards import shard_name

    pairs = [(measure.draw(word, (60, 20), 16), word) for word in measure.words(4)]
    for index in range(count):
        measure.write_records(shard_name("gs://bucket/data/w.tfrecords", index, count), pairs)


def differences(run: Callable[[int], Counter[str]], few: int, many: int) -> str:
    """What one image or shard more costs, by kinds of requests."""
    more = run(many) - run(few)
    each = {kind: count / (many - few) for kind, count in sorted(more.items())}
    return f"{sum(each.values()):.1f}: " + ", ".join(f"{n:.1f} {kind}" for kind, n in each.items())


def built(count: int) -> Counter[str]:
    """Builds a dataset of so many images."""
    paths = ("gs://bucket/list.txt", "gs://bucket/w.tfrecords", "--base-dir=gs://bucket")
    return requests_of(lambda: put_images(count), "dataset", *paths)


def trained(shards: int, *flags: str) -> Counter[str]:
    """Trains a step on so many shards, with the model in a local folder."""
    flags = (*MODEL, "--model-dir=model", "--max-steps=1", "--batch-size=4", *flags)
    return requests_of(lambda: put_shards(shards), "train", "gs://bucket/data", *flags)


def saved() -> str:
    """What a checkpoint on the bucket costs; the second run saves two more."""
    flags = ("--model-dir=gs://bucket/model", "--steps-per-checkpoint=1")
    one, three = (trained(FEW_SHARDS, *flags, f"--max-steps={steps}") for steps in (1, 3))
    more = three - one
    return f"{more.total() / 2:.0f}"


def measure_all() -> None:
    """Prints the table."""
    measure.import_tensorflow()
    rows = [
        measure.Row("requests of `dataset` for an image", differences(built, FEW, MANY)),
        measure.Row(
            "requests of `train` for a shard", differences(trained, FEW_SHARDS, MANY_SHARDS)
        ),
        measure.Row("requests of `train` for a checkpoint", saved()),
    ]
    measure.print_table(rows)


def main() -> None:
    """Runs the measurement in namespaces of its own."""
    if "--inside" in sys.argv:
        measure_all()
        return
    hosts = [f"127.0.0.1 {host}" for host in storage_emulator.HOSTS]
    done = namespaces.run(hosts, [sys.executable, __file__, "--inside"])
    print(done.stdout, end="")
    if done.returncode:
        raise SystemExit(done.stderr)


if __name__ == "__main__":
    main()
