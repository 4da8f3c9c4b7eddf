"""A process that imports TensorFlow once, and forks a process for each command to run.

Requests come on stdin, one JSON object a line: `{"run": [arguments], "env": {...}, "cwd": FOLDER,
"stdin": FILE, "stdout": FILE, "stderr": FILE}` is answered by the id of the new process, `{"wait":
id, "seconds": N}` by its exit code, or by null if it does not end in the time.
"""

import contextlib
import importlib
import json
import os
import signal
import sys
import time

IMPORTED = (
    *("cli.command", "cli.commands.train", "cli.commands.predict", "training.trainer"),
    *("training.cluster.processes", "training.validation.evaluator", "reading.export_backend"),
    *("exports.export", "data.building.builder", "inspection.inspector", "report.outputs"),
)
"""Modules that bring in most of aocr, which the forks then find imported."""


def run(request):
    """Becomes `aocr ARGUMENTS` with an environment, a working directory and streams of its own."""
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    os.dup2(os.open(request["stdin"], os.O_RDONLY), 0)
    sys.stdin = os.fdopen(0, encoding="utf-8", errors="surrogateescape", closefd=False)
    for target, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(request[name], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666), target)
    from aocr.__main__ import main

    sys.exit(main(request["run"]))


def wait(process, seconds):
    """Returns the exit code, negative for a signal; None if it does not end in the time."""
    deadline = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            return None
        time.sleep(0.01)


def answer_requests():
    """Answers until stdin ends, and then kills what still runs."""
    running = set()
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            answer = wait(request["wait"], request["seconds"])
            if answer is not None:
                running.remove(request["wait"])
        else:
            answer = os.fork()
            if not answer:
                run(request)
            running.add(answer)
        print(json.dumps(answer), flush=True)
    for process in running:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def main():
    """Imports what commands need, and starts them."""
    del sys.path[0]  # the folder of the tests, which no command sees
    from aocr.util.terminal.tensorflow_import import import_tensorflow

    import_tensorflow(os.devnull, use_gpu=False)  # CUDA does not survive a fork
    for name in IMPORTED:
        importlib.import_module(f"aocr.{name}")
    answer_requests()


if __name__ == "__main__":
    main()
