"""A process that imports aocr and TensorFlow once, and forks a process for each command to run.

Commands come on stdin, one JSON object a line: `{"run": [arguments], "env": {...}, "cwd": FOLDER,
"stderr": FILE}` is answered by the id of the new process, `{"wait": id, "seconds": N}` by its exit
code, or by null if it does not end in the time.
"""

import json
import os
import sys
import time


def run(command):
    """Becomes `python -m aocr` with its own environment, folder and stderr."""
    os.environ.update(command["env"])
    os.chdir(command["cwd"])
    stderr = os.open(command["stderr"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.dup2(stderr, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    from aocr.__main__ import main

    try:
        code = main(command["run"])
    except SystemExit as end:
        code = end.code
    sys.exit(code)


def poll(process, seconds):
    """The exit code of a process, negative for a signal; None if it does not end in the time."""
    deadline = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            return None
        time.sleep(0.02)


def main():
    """Answers commands until stdin ends."""
    from aocr.util.tensorflow_import import import_tensorflow

    import_tensorflow(os.devnull, use_gpu=False)
    import aocr.cli.train
    import aocr.training.cluster
    import aocr.training.evaluator
    import aocr.training.trainer  # noqa: F401

    for line in sys.stdin:
        command = json.loads(line)
        if "wait" in command:
            answer = poll(command["wait"], command["seconds"])
        else:
            answer = os.fork()
            if not answer:
                run(command)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
