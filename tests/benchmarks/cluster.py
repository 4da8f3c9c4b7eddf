"""How the step of 1, 2 and 4 processes that TF_CONFIG joins splits into computing and the sum.

Each process trains on its part of a batch, and all add up their gradients. Three times are
measured in turn, in all processes at once: of a step; of the same step without the sum over
processes; and of the sum alone, of a vector as long as that of the step. The first process prints
its times. All processes run on the cores that this one may use.

    python tests/benchmarks/cluster.py [--rounds 3] [--steps 3] [--processes 1 2 4]
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import measure

ROUNDS = 3
MODELS = ("classic", "modern")


def one_replica(args: argparse.Namespace) -> None:
    """Takes part in the measurement as one of the processes; the first prints its times."""
    measure.import_tensorflow()
    from aocr.training.cluster.processes import connect
    from aocr.training.cluster.replicas import ALONE
    from aocr.training.cluster.tf_config import read_task

    task = read_task(os.environ)
    if task is None or task.is_alone:
        times = _times(args, ALONE)
    else:
        with connect(task, -1, 120) as replicas:
            times = _times(args, replicas)
    print(json.dumps(times), flush=True)


def _times(args: argparse.Namespace, replicas: Any) -> dict[str, float]:
    """Returns the medians in seconds, and the size of the vector in bytes."""
    import tensorflow as tf

    from aocr.cli.flags.recipes import RECIPES
    from aocr.config import Config
    from aocr.training.cluster import collectives
    from aocr.training.graph import build_train_graph
    from aocr.training.options import TrainingOptions
    from aocr.training.start.step_plan import StepPlan

    recipe = RECIPES[args.model]
    model = {**recipe.model, "bucket_widths": ()}
    config, plan = Config(max_width=128, max_height=32, **model), StepPlan(0, 0, 1)
    training = {**recipe.training, "batch_size": args.batch_size * replicas.processes}
    options = TrainingOptions(**{**training, "augment": "none", "max_minutes": None})
    records = measure.records_of([args.dataset], args.batch_size, config)
    runs: list[Callable[[], object]] = []
    for coupled in (True, False):
        own = replicas if coupled else _Uncoupled(replicas)
        made = build_train_graph(
            config,
            dataclasses.replace(options, batch_size=args.batch_size),
            records,
            plan,
            replicas=own,
        )
        session = replicas.open_session(made.graph, -1)
        with made.graph.as_default():
            session.run(tf.compat.v1.global_variables_initializer())
            weights = tf.compat.v1.trainable_variables()
        session.run(made.start)
        runs.append(lambda s=session, m=made: s.run((m.update.step, m.loss)))  # type: ignore[misc]
    size = sum(variable.shape.num_elements() for variable in weights)
    with tf.Graph().as_default() as graph, replicas.device():
        vector = tf.ones([size])
        if replicas.processes > 1:
            group = collectives.Group(replicas.processes, 120)
            vector = collectives.sum_over(vector, group, collectives.Instance.VARIABLES)
        total = tf.reduce_sum(vector)
    session = replicas.open_session(graph, -1)
    runs.append(lambda: session.run(total))
    for run in runs:
        measure.seconds(run, 2)
    results: list[list[float]] = [[] for _ in runs]
    for _ in range(args.rounds):
        for run, found in zip(runs, results, strict=True):
            replicas.sums([0])  # all begin at once
            found.append(measure.seconds(run, args.steps))
    step, alone, added = map(statistics.median, results)
    return {"step": step, "computing": alone, "sum": added, "bytes": 4 * size}


class _Uncoupled:
    """Is a replica of a cluster that keeps its own gradients."""

    def __init__(self, replicas: Any) -> None:
        self._replicas = replicas

    def __getattr__(self, name: str) -> Any:
        return getattr(self._replicas, name)

    def sum_of_processes(self, vector: Any) -> Any:
        return vector


def measure_job(args: argparse.Namespace, model: str, processes: int, dataset: str) -> dict:
    """Starts the processes, and returns the times of the first."""
    cluster = {"worker": [f"127.0.0.1:{port}" for port in _free_ports(processes)]}
    started = []
    for index in range(processes):
        task = {"cluster": cluster, "task": {"type": "worker", "index": index}}
        command = [sys.executable, __file__, f"--model={model}", f"--dataset={dataset}"]
        command += [f"--rounds={args.rounds}", f"--steps={args.steps}"]
        started.append(
            subprocess.Popen(
                [*command, f"--batch-size={args.batch_size}"],
                env=measure.environment() | {"TF_CONFIG": json.dumps(task)},
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    outputs = [process.communicate()[0] for process in started]
    return json.loads(outputs[0].splitlines()[-1])


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def main() -> None:
    """Prints a table, or measures as one of the processes."""
    parser = measure.parser(__doc__, ROUNDS)
    parser.add_argument("--steps", type=int, default=3, help="steps a round")
    parser.add_argument("--batch-size", type=int, default=16, help="images a process and step")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--model", choices=MODELS, help=argparse.SUPPRESS)
    parser.add_argument("--dataset", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.model:
        one_replica(args)
        return
    print("| model | processes | a step | computing | the sum alone | bytes of the sum |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        dataset = f"{folder}/words.tfrecords"
        measure.write_records(dataset, measure.draw_words(64))
        for model in MODELS:
            for processes in args.processes:
                found = measure_job(args, model, processes, dataset)
                times = [f"{found[name]:.3f} s" for name in ("step", "computing", "sum")]
                row = [model, str(processes), *times, f"{found['bytes']:,}"]
                print("|", " | ".join(row), "|", flush=True)


if __name__ == "__main__":
    main()
