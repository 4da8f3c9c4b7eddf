"""Runs `aocr train` in several processes that TF_CONFIG joins, for tests."""

import json
import re
import socket
import subprocess
import sys
import time

from commands import MODEL, environment

STEP_LOSS = re.compile(r"Step (\d+): .* loss: (\S+),")


def free_ports(count):
    """Returns ports of this machine that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Job:
    """Starts the replicas of one job in a folder, and reads what they write to stderr.

    Args:
        folder: working directory of all.
        roles: the roles of the replicas that train, such as `("chief", "worker")`.
        flags: of `aocr train`.
    """

    def __init__(self, folder, roles=("chief", "worker"), flags=()):
        self.folder, self.flags = folder, flags
        self.ports = free_ports(len(roles))
        self.cluster = {}
        for role, port in zip(roles, self.ports, strict=True):
            self.cluster.setdefault(role, []).append(f"127.0.0.1:{port}")
        self.processes = {}

    def start(self, role, index=0, *flags, cwd=None, clear=True):
        """Starts a replica; flags come after those of the job."""
        task = {"cluster": self.cluster, "task": {"type": role, "index": index}}
        path = self.log_of(role, index)
        arguments = ["train", "d.tfrecords", *MODEL, *self.flags, f"--log-path={path}.log", *flags]
        with open(path, "w" if clear else "a", encoding="utf-8") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "aocr", *arguments],
                cwd=cwd or self.folder,
                env=environment() | {"TF_CONFIG": json.dumps(task)},
                stderr=log,
            )
        self.processes[role, index] = process
        return process

    def start_all(self, *flags):
        """Starts a replica for each address."""
        for role, addresses in self.cluster.items():
            for index in range(len(addresses)):
                self.start(role, index, *flags)
        return self

    def log_of(self, role, index=0):
        """The file that a replica's stderr goes to."""
        return self.folder / f"{role}-{index}.txt"

    def text(self, role, index=0):
        """What a replica has written to stderr so far."""
        return self.log_of(role, index).read_text(encoding="utf-8")

    def losses(self, role, index=0):
        """The losses of the steps that a replica has logged."""
        return [
            float(m[2]) for m in map(STEP_LOSS.search, self.text(role, index).splitlines()) if m
        ]

    def wait(self, seconds=120):
        """Waits for the ends of all, and returns their exit codes by role and index."""
        deadline = time.monotonic() + seconds
        try:
            return {
                name: process.wait(max(0.1, deadline - time.monotonic()))
                for name, process in self.processes.items()
            }
        finally:
            self.kill()

    def wait_for(self, words, role="chief", index=0, seconds=60):
        """Waits until a replica has written some words."""
        deadline = time.monotonic() + seconds
        while words not in self.text(role, index):
            assert time.monotonic() < deadline, self.text(role, index)
            assert self.processes[role, index].poll() is None, self.text(role, index)
            time.sleep(0.02)

    def kill(self):
        """Ends all that still run."""
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
            process.wait()
