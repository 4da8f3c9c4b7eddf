"""Keeps two training runs from writing into one model directory."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import pathlib
import posixpath
import socket
from collections.abc import Iterator
from typing import NamedTuple

import tensorflow as tf

from aocr.util.errors import UserError, first_line

FILE_NAME = "training.lock"


class Owner(NamedTuple):
    """Identifies the process that trains in a directory.

    Attributes:
        host: name of its machine.
        process: its id there.
        since: when it began, ISO 8601.
        identity: what else tells it from a later process with the same id, see `_identity`.
    """

    host: str
    process: int
    since: str
    identity: str = ""


@contextlib.contextmanager
def training_lock(model_dir: str) -> Iterator[None]:
    """Holds a model directory for one training run.

    The lock is a file. One that a dead process of this machine left is taken over.

    Raises:
        UserError: another process trains in the directory, or the lock cannot be written.
    """
    path = posixpath.join(model_dir, FILE_NAME)
    try:
        tf.io.gfile.makedirs(model_dir)
        _acquire(path)
    except (OSError, tf.errors.OpError) as error:
        raise UserError(f"cannot write {path}: {first_line(error)}") from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError, tf.errors.OpError):
            tf.io.gfile.remove(path)


def _acquire(path: str) -> None:
    """Writes the lock file, unless a living process holds it."""
    owner = _read(path)
    if owner and _may_live(owner):
        raise UserError(
            f"process {owner.process} on {owner.host} has been training in "
            f"{posixpath.dirname(path)} since {owner.since}: wait for it, stop it, or name another "
            f"--model-dir; if it no longer runs, remove {path}"
        )
    if owner:
        tf.io.gfile.remove(path)
    content = json.dumps(_this_process()._asdict(), indent=2) + "\n"
    if "://" in path:
        with tf.io.gfile.GFile(path, "w") as remote:
            remote.write(content)
        return
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(content)
    except FileExistsError:  # another process was faster
        _acquire(path)


def _this_process() -> Owner:
    now = datetime.datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    return Owner(socket.gethostname(), os.getpid(), now, _identity(os.getpid()))


def _read(path: str) -> Owner | None:
    """Returns who holds the lock; None where nobody does."""
    if not tf.io.gfile.exists(path):
        return None
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            return Owner(**json.loads(file.read().decode()))
    except tf.errors.NotFoundError:
        return None
    except (ValueError, TypeError):
        return Owner("an unknown machine", 0, "an unknown time")


def _may_live(owner: Owner) -> bool:
    """Returns whether a process may still run; of another machine nobody can know."""
    if owner.host != socket.gethostname():
        return True
    try:
        os.kill(owner.process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _identity(owner.process) == owner.identity


def _identity(process: int) -> str:
    """Returns the time at which Linux started a process, in ticks since boot; empty elsewhere."""
    try:
        stat = pathlib.Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]
