"""Runs commands as forks of one process that has imported TensorFlow, which takes seconds.

The tests run hundreds of commands. A fork is a process of its own, with its own working directory,
environment, streams and end, and runs the command as `python -m aocr` does, but finds TensorFlow
imported. How commands start, and the messages of the import, are tested with `python -m aocr`.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import NamedTuple

READ_BY_IMPORT = "TF_", "ONEDNN_", "CUDA_", "OMP_", "PYTHON"
"""Begin the names of environment variables that the import of Python or TensorFlow may read."""

_servers: dict[frozenset[tuple[str, str]], CommandServer] = {}
"""The servers of this process, each by the variables that its import has read."""

STREAMS = 2
"""Number of file descriptors that come with a request: stdout and stderr."""

MAX_REQUEST_BYTES = 2**20


class Request(NamedTuple):
    """Holds what a process is started with.

    Attributes:
        arguments: the command and its flags.
        cwd: working directory.
        environment: all environment variables.
    """

    arguments: Sequence[str]
    cwd: str
    environment: dict[str, str]


class CommandServer:
    """Starts the process that forks, and asks it for commands.

    Args:
        environment: of that process.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._address = f"{self._folder.name}/socket"
        self._process = subprocess.Popen(
            [sys.executable, __file__, self._address],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the tests only
        )
        self._process.stdout.readline()  # it listens
        atexit.register(self.close)

    def close(self) -> None:
        """Ends the process."""
        self._process.stdin.close()
        self._process.wait()
        self._folder.cleanup()

    def run(self, request: Request, timeout: float) -> subprocess.CompletedProcess:
        """Runs a command to its end.

        Args:
            request: the command.
            timeout: seconds after which it is killed.

        Raises:
            subprocess.TimeoutExpired: it was killed.
        """
        with (
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as errors,
            socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection,
        ):
            connection.connect(self._address)
            streams = [out.fileno(), errors.fileno()]
            socket.send_fds(connection, [json.dumps(request).encode()], streams)
            process = int(connection.recv(64))
            connection.settimeout(timeout)
            try:
                code = int(connection.recv(64))
            except TimeoutError:
                os.kill(process, signal.SIGKILL)
                raise subprocess.TimeoutExpired(request.arguments, timeout) from None
            return subprocess.CompletedProcess(
                request.arguments, code, _text_of(out), _text_of(errors)
            )


def run_forked(request: Request, timeout: float) -> subprocess.CompletedProcess:
    """Runs a command to its end as a fork; see `CommandServer.run`."""
    read = frozenset(
        (name, value)
        for name, value in request.environment.items()
        if name.startswith(READ_BY_IMPORT)
    )
    if read not in _servers:
        _servers[read] = CommandServer(request.environment)
    return _servers[read].run(request, timeout)


def _text_of(file) -> str:
    """Reads as `subprocess` does with `encoding="utf-8"`: every line end becomes one."""
    file.seek(0)
    return file.read().decode().replace("\r\n", "\n").replace("\r", "\n")


def serve(address: str) -> Request | None:
    """Forks for every request until stdin ends.

    Args:
        address: path of the socket to listen at.

    Returns:
        In a fork its request, and None in the process that listened.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(address)
        listener.listen()
        print("listening", flush=True)
        while True:
            ready, _, _ = select.select([listener, sys.stdin], [], [])
            if sys.stdin in ready:
                return None
            connection, _ = listener.accept()
            with connection:
                if os.fork() == 0:
                    listener.close()
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    return _run_and_report(connection)


def _run_and_report(connection: socket.socket) -> Request:
    """Forks once more, and returns in that fork; this process reports how the fork ends."""
    data, streams, _, _ = socket.recv_fds(connection, MAX_REQUEST_BYTES, STREAMS)
    process = os.fork()
    if process:
        connection.send(str(process).encode())
        _, status = os.waitpid(process, 0)
        connection.send(str(os.waitstatus_to_exitcode(status)).encode())
        os._exit(0)
    request = Request(*json.loads(data))
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in enumerate([nothing, *streams]):
        os.dup2(source, target)
        os.close(source)
    os.chdir(request.cwd)
    os.environ.clear()
    os.environ.update(request.environment)
    return request


def main() -> int:
    """Serves; in a fork, runs its command."""
    from aocr.util.tensorflow_import import import_tensorflow

    import_tensorflow(os.devnull, use_gpu=False)  # what a GPU is told to do outlives no fork
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the forks that report need nobody to wait
    request = serve(sys.argv[1])
    if request is None:
        return 0
    from aocr.__main__ import main as run

    sys.argv = ["aocr", *request.arguments]
    return run()


if __name__ == "__main__":
    sys.exit(main())
