"""Runs a program in a network of its own, where some names of hosts lead to this machine.

As a program, it does the part that is to be done inside: `namespaces.py HOSTS PROGRAM ...`.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys

SET_FLAGS, UP_AND_RUNNING = 0x8914, 0x41
"""SIOCSIFFLAGS, and IFF_UP | IFF_RUNNING, of Linux."""

COMMAND = ("unshare", "--map-root-user", "--mount", "--net")


def missing() -> str:
    """Returns why namespaces cannot be had; empty if they can."""
    if shutil.which(COMMAND[0]) is None:
        return "unshare is not installed"
    done = run(["127.0.0.1 name.test"], ["true"])
    return "" if done.returncode == 0 else f"no namespaces: {done.stderr.strip()}"


def run(hosts: list[str], program: list[str], **options) -> subprocess.CompletedProcess:
    """Runs a program in namespaces of its own.

    Args:
        hosts: the lines of its `/etc/hosts`.
        program: with its arguments.
        options: further arguments of `subprocess.run`.
    """
    command = [*COMMAND, sys.executable, __file__, "\n".join(hosts), *program]
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **options
    )


def enter(hosts: str, program: list[str]) -> None:
    """Raises the loopback interface, replaces `/etc/hosts` and becomes the program."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sH14x", b"lo", UP_AND_RUNNING))
    mount = ["mount", "-t", "tmpfs", "none", "/mnt"]
    subprocess.run(mount, check=True)
    with open("/mnt/hosts", "w", encoding="ascii") as file:
        file.write(f"127.0.0.1 localhost\n{hosts}\n")
    subprocess.run(["mount", "--bind", "/mnt/hosts", "/etc/hosts"], check=True)
    os.execvp(program[0], program)


if __name__ == "__main__":
    enter(sys.argv[1], sys.argv[2:])
