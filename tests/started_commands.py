"""Runs commands as forks of a process that has imported TensorFlow, which takes seconds.

A fork is a process of its own, and does what `python -m aocr` does, except that it finds TensorFlow
imported, uses no GPU, and shares NumPy's global random state and the hashes of strings with other
forks. How commands start is tested with `python -m aocr`.
"""

import atexit
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

READ_BY_IMPORT = "TF_", "ONEDNN_", "CUDA_", "OMP_", "PYTHON"
"""Begin the names of environment variables that the import of Python or TensorFlow may read."""

_starters = {}


class Starter:
    """Starts commands, see `command_starter.py`."""

    def __init__(self, environment):
        self._process = subprocess.Popen(
            [sys.executable, pathlib.Path(__file__).parent / "command_starter.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )

    def ask(self, **request):
        """Sends a request and returns the answer."""
        print(json.dumps(request), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        assert answer, f"the process that starts commands has ended: {self._process.wait()}"
        return json.loads(answer)

    def close(self):
        """Ends the process."""
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()


def run_started(arguments, cwd, environment, timeout):
    """Runs `aocr ARGUMENTS` to its end.

    Args:
        arguments: the command and its flags.
        cwd: working directory.
        environment: all environment variables.
        timeout: seconds after which it is killed.

    Returns:
        The finished process, with what it wrote as text.

    Raises:
        subprocess.TimeoutExpired: it was killed.
    """
    starter = _starter_for(environment)
    with tempfile.TemporaryDirectory() as folder:
        streams = {name: f"{folder}/{name}" for name in ("stdout", "stderr")}
        process = starter.ask(run=arguments, env=environment, cwd=str(cwd), **streams)
        code = starter.ask(wait=process, seconds=timeout)
        if code is None:
            os.kill(process, signal.SIGKILL)
            starter.ask(wait=process, seconds=timeout)
            raise subprocess.TimeoutExpired(arguments, timeout)
        texts = {
            name: pathlib.Path(path).read_text(encoding="utf-8") for name, path in streams.items()
        }
        return subprocess.CompletedProcess(arguments, code, **texts)


def _starter_for(environment):
    """Returns a starter whose import has read the same environment variables."""
    read = {name: each for name, each in environment.items() if name.startswith(READ_BY_IMPORT)}
    key = frozenset(read.items())
    if key not in _starters:
        _starters[key] = Starter(environment)
        atexit.register(_starters[key].close)
    return _starters[key]
