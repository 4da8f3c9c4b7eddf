"""Reads labelled word images with other tools that ship weights, and with a model of aocr.

Each tool reads one image after the other on one thread, in a process of its own. A text counts as
read if its letters and digits are those of the label, whatever their case; everything else is left
out of both. The time is CPU time an image, after the first ten.

The other tools are installed from the package registry into an environment of their own, which
aocr does not need:

    python -m venv peers && peers/bin/pip install rapidocr-onnxruntime==1.4.4 ddddocr==1.6.1
    python tests/benchmarks/peers.py ANNOTATIONS --peers-python peers/bin/python [--first 1000]
        [--model-dir latin]

ANNOTATIONS has a path, relative to its folder, and a label on each line.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

WARM_UP = 10
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"), "1")

Read = Callable[[str], str]
"""Returns the text in an image file."""


def rapidocr() -> Read:
    """Loads RapidOCR's recognition alone: PP-OCRv4 mobile."""
    import cv2
    from rapidocr_onnxruntime import RapidOCR

    engine = RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)

    def read(path: str) -> str:
        found, _ = engine(cv2.imread(path), use_det=False, use_cls=False, use_rec=True)
        return "".join(line[0] for line in found or ())

    return read


def ddddocr() -> Read:
    """Loads ddddocr."""
    import ddddocr
    import onnxruntime

    make_session = onnxruntime.InferenceSession

    def on_one_thread(*arguments, **keywords) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        return make_session(*arguments, **keywords | {"sess_options": options})

    onnxruntime.InferenceSession = on_one_thread
    engine = ddddocr.DdddOcr(show_ad=False)
    return lambda path: engine.classification(pathlib.Path(path).read_bytes())


PEERS = {"rapidocr": rapidocr, "ddddocr": ddddocr}


def pairs(annotations: pathlib.Path, first: int | None) -> list[tuple[str, str]]:
    """Returns the paths and labels of an annotation file."""
    lines = annotations.read_text(encoding="utf-8").splitlines()[:first]
    split = (line.rsplit(maxsplit=1) for line in lines)
    return [(os.path.join(annotations.parent, path), label) for path, label in split]


def counted_characters(text: str) -> str:
    """Returns the letters and digits of a text in lower case."""
    return "".join(filter(str.isalnum, text)).lower()


def texts_of_peer(name: str, paths: list[str]) -> Iterator[tuple[str, float]]:
    """Yields what a tool reads in each image, and the CPU seconds it took."""
    read = PEERS[name]()
    for path in paths[:WARM_UP]:
        read(path)
    for path in paths:
        started = time.process_time()
        text = read(path)
        yield text, time.process_time() - started


def run_peer(python: str, name: str, paths: list[str]) -> list[tuple[str, float]]:
    """Runs `texts_of_peer` with the Python that has the tool."""
    command = [python, os.path.abspath(__file__), "--as-peer", name]
    done = subprocess.run(
        command,
        input="\n".join(paths),
        env=os.environ | THREADS,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-2000:]}")
    return [(text, seconds) for text, seconds in map(json.loads, done.stdout.splitlines())]


def run_aocr(model_dir: str, paths: list[str]) -> list[tuple[str, float]]:
    """Reads with `aocr predict`, in batches, on one thread; its start does not count."""
    texts, all_of_it = _predict(model_dir, paths)
    _, start = _predict(model_dir, paths[:WARM_UP])
    seconds = (all_of_it - start) / max(1, len(paths) - WARM_UP)
    return [(text, seconds) for text in texts]


def _predict(model_dir: str, paths: list[str]) -> tuple[list[str], float]:
    """Returns the texts, and the CPU seconds of the process."""
    started = _cpu_of_children()
    done = subprocess.run(
        [sys.executable, "-m", "aocr", "predict", "--json", f"--model-dir={model_dir}"],
        input="\n".join(paths) + "\n",
        env=os.environ | THREADS | {"CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    seconds = _cpu_of_children() - started
    rows = list(map(json.loads, done.stdout.splitlines()))
    if len(rows) != len(paths):
        raise SystemExit(f"aocr predict failed:\n{done.stderr[-2000:]}")
    return [row.get("text", "") for row in rows], seconds


def _cpu_of_children() -> float:
    """Returns the user and system time of all processes that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def row(name: str, labels: list[str], found: list[tuple[str, float]]) -> str:
    """Returns a row of the table."""
    right = sum(
        counted_characters(text) == counted_characters(label)
        for (text, _), label in zip(found, labels, strict=True)
    )
    milliseconds = 1000 * sum(seconds for _, seconds in found) / len(found)
    share = 100 * right / len(found)
    return f"| {name} | {right} of {len(found)} | {share:.1f} % | {milliseconds:.1f} ms |"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("annotations", nargs="?", type=pathlib.Path)
    parser.add_argument("--peers-python", help="Python of the environment with the other tools")
    parser.add_argument("--first", type=int, help="number of images; all if left out")
    parser.add_argument("--model-dir", default="latin", help="(default: %(default)s)")
    parser.add_argument("--as-peer", choices=PEERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.as_peer:
        for answer in texts_of_peer(options.as_peer, sys.stdin.read().splitlines()):
            print(json.dumps(answer), flush=True)
        return
    paths, labels = zip(*pairs(options.annotations, options.first), strict=True)
    print("| tool | read | share | CPU time an image |\n|---|---|---|---|")
    print(row("aocr", labels, run_aocr(options.model_dir, list(paths))), flush=True)
    if options.peers_python:
        for name in PEERS:
            print(row(name, labels, run_peer(options.peers_python, name, list(paths))), flush=True)


if __name__ == "__main__":
    main()
