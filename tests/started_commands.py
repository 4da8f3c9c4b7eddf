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


class Started:
    """A process that goes on while a test does.

    Args:
        starter: starts it.
        arguments: the command and its flags.
        folder: working directory.
        environment: all environment variables.
        log: file that stdout and stderr go to.
    """

    def __init__(self, starter, arguments, folder, environment, log):
        self._starter = starter
        streams = {"stdin": os.devnull, "stdout": str(log), "stderr": str(log)}
        self.pid = starter.ask(run=arguments, env=environment, cwd=str(folder), **streams)
        self.code = None

    def wait(self, seconds=0.0):
        """Returns the exit code, negative for a signal; None if it does not end in the time."""
        if self.code is None:
            self.code = self._starter.ask(wait=self.pid, seconds=seconds)
        return self.code

    def signal(self, number):
        """Sends a signal."""
        if self.wait() is None:
            os.kill(self.pid, number)


def run_started(arguments, cwd, environment, stdin, timeout):
    """Runs `aocr ARGUMENTS` to its end.

    Args:
        arguments: the command and its flags.
        cwd: working directory.
        environment: all environment variables.
        stdin: text for the standard input.
        timeout: seconds after which it is killed.

    Returns:
        The finished process, with what it wrote as text.

    Raises:
        subprocess.TimeoutExpired: it was killed.
    """
    starter = starter_for(environment)
    with tempfile.TemporaryDirectory() as folder:
        streams = {name: f"{folder}/{name}" for name in ("stdin", "stdout", "stderr")}
        given, *written = map(pathlib.Path, streams.values())
        given.write_text(stdin, encoding="utf-8", errors="surrogateescape")
        process = starter.ask(run=arguments, env=environment, cwd=str(cwd), **streams)
        code = starter.ask(wait=process, seconds=timeout)
        if code is None:
            os.kill(process, signal.SIGKILL)
            starter.ask(wait=process, seconds=timeout)
            raise subprocess.TimeoutExpired(arguments, timeout)
        texts = [path.read_text(encoding="utf-8") for path in written]
        return subprocess.CompletedProcess(arguments, code, *texts)


def starter_for(environment):
    """Returns a starter whose import has read the same environment variables."""
    read = {name: each for name, each in environment.items() if name.startswith(READ_BY_IMPORT)}
    key = frozenset(read.items())
    if key not in _starters:
        _starters[key] = Starter(environment)
        atexit.register(_starters[key].close)
    return _starters[key]
