"""Runs `aocr train` in several processes that TF_CONFIG joins, for tests."""

import json
import re
import signal
import socket
import time

from commands import MODEL, environment
from started_commands import Started

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


class Replica(Started):
    """A process of a job."""

    def __init__(self, starter, arguments, task, folder, log):
        text = task if isinstance(task, str) else json.dumps(task)
        super().__init__(starter, arguments, folder, environment() | {"TF_CONFIG": text}, log)


class Job:
    """Starts the replicas of one job in a folder, and reads what they write to stderr.

    Args:
        starter: see `Starter`.
        folder: working directory of all.
        roles: the roles of the replicas that train, such as `("chief", "worker")`.
        flags: of `aocr train`.
        name: with which the names of the logs begin.
    """

    def __init__(self, starter, folder, roles=("chief", "worker"), flags=(), name="job"):
        self.starter, self.folder, self.flags, self.name = starter, folder, flags, name
        self.cluster = {}
        for role, port in zip(roles, free_ports(len(roles)), strict=True):
            self.cluster.setdefault(role, []).append(f"127.0.0.1:{port}")
        self.replicas = {}

    def start(self, role, index=0, *flags, cwd=None):
        """Starts a replica; flags come after those of the job."""
        task = {"cluster": self.cluster, "task": {"type": role, "index": index}}
        log = self.log_of(role, index)
        log.unlink(missing_ok=True)
        arguments = ["train", "d.tfrecords", *MODEL, *self.flags, f"--log-path={log}.log", *flags]
        replica = Replica(self.starter, arguments, task, cwd or self.folder, log)
        self.replicas[role, index] = replica
        return replica

    def start_all(self, *flags):
        """Starts a replica for each address."""
        for role, addresses in self.cluster.items():
            for index in range(len(addresses)):
                self.start(role, index, *flags)
        return self

    def log_of(self, role, index=0):
        """The file that a replica's stderr goes to."""
        return self.folder / f"{self.name}-{role}-{index}.txt"

    def text(self, role="chief", index=0):
        """What a replica has written to stderr so far."""
        log = self.log_of(role, index)
        return log.read_text(encoding="utf-8") if log.exists() else ""

    def losses(self, role="chief", index=0):
        """The losses of the steps that a replica has logged."""
        found = map(STEP_LOSS.search, self.text(role, index).splitlines())
        return [float(match[2]) for match in found if match]

    def wait(self, seconds=200):
        """Waits for the ends of all, and returns their exit codes in the order of their starts."""
        deadline = time.monotonic() + seconds
        codes = [each.wait(max(0, deadline - time.monotonic())) for each in self.replicas.values()]
        self.kill()
        return codes

    def wait_for(self, words, role="chief", index=0, seconds=200):
        """Waits until a replica has written some words."""
        deadline = time.monotonic() + seconds
        while words not in self.text(role, index):
            assert time.monotonic() < deadline, self.text(role, index)
            assert self.replicas[role, index].wait() is None, self.text(role, index)
            time.sleep(0.02)

    def kill(self):
        """Ends all that still run."""
        for replica in self.replicas.values():
            replica.signal(signal.SIGKILL)
            replica.wait(10)
