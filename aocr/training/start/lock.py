"""Keeps two training runs from writing into one model directory."""

from __future__ import annotations

import contextlib
import datetime
import json
import logging
import os
import pathlib
import posixpath
import socket
import threading
import time
from collections.abc import Iterator
from typing import NamedTuple

import tensorflow as tf

from aocr.util.errors import UserError, first_line
from aocr.util.paths.checks import is_remote
from aocr.util.paths.files import write_atomically

FILE_NAME, VALIDATION = "training.lock", "validation.lock"

HEARTBEAT_SECONDS = 10.0
"""Time between two signs of life that a run writes into its lock."""

PATIENCE_SECONDS = 35.0
"""Time without a sign of life after which a process of another machine counts as dead."""


class Owner(NamedTuple):
    """Identifies the process that trains in a directory.

    Attributes:
        host: name of its machine.
        process: its id there.
        since: when it began, ISO 8601.
        identity: the text that distinguishes it from a later process with the same id, see
            `_identity`.
        beats: signs of life so far.
    """

    host: str
    process: int
    since: str
    identity: str = ""
    beats: int = 0


@contextlib.contextmanager
def training_lock(model_dir: str, file_name: str = FILE_NAME) -> Iterator[None]:
    """Holds a model directory for one training run.

    The lock is a file. The lock of a dead process is taken over: at once if the process ran on this
    machine, otherwise when it has shown no sign of life for `PATIENCE_SECONDS`. A directory created
    for the lock is removed with it if the run fails before it writes there.

    Args:
        model_dir: the directory.
        file_name: name of the lock: `FILE_NAME`, or `VALIDATION` to validate beside the training.

    Raises:
        UserError: another process trains in the directory, or the lock cannot be written.
    """
    path = posixpath.join(model_dir, file_name)
    owner = _this_process()
    try:
        is_new = not tf.io.gfile.exists(model_dir)
        tf.io.gfile.makedirs(model_dir)
        _acquire(path, owner)
    except (OSError, tf.errors.OpError) as error:
        raise UserError(f"cannot write {path}: {first_line(error)}") from error
    ended = threading.Event()
    thread = threading.Thread(target=_beat, args=(path, owner, ended), daemon=True)
    thread.start()
    complete = False
    try:
        yield
        complete = True
    finally:
        ended.set()
        thread.join()
        with contextlib.suppress(OSError, tf.errors.OpError):
            tf.io.gfile.remove(path)
            if is_new and not complete and not is_remote(path):
                os.rmdir(model_dir)  # fails if there is something in it


def sign_of_life(model_dir: str) -> str:
    """Returns a text that changes while a training runs in a directory; empty if none does."""
    owner = _read(posixpath.join(model_dir, FILE_NAME))
    return str(owner or "")


def _acquire(path: str, us: Owner) -> None:
    """Writes the lock file, unless a living process holds it."""
    owner = _read(path)
    if owner and _lives(owner, path):
        raise UserError(
            f"process {owner.process} on {owner.host} has been {_work_of(path)} in "
            f"{posixpath.dirname(path)} since {owner.since}: wait for it, stop it, or name another "
            f"--model-dir; if it no longer runs, remove {path}"
        )
    if owner:
        logging.warning("Taking over %s, which a dead process on %s left.", path, owner.host)
        tf.io.gfile.remove(path)
    if is_remote(path):
        _write(path, us)
        return
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(_to_json(us))
    except FileExistsError:  # another process was faster
        _acquire(path, us)


def _work_of(path: str) -> str:
    return "validating" if posixpath.basename(path) == VALIDATION else "training"


def _beat(path: str, owner: Owner, ended: threading.Event) -> None:
    """Writes signs of life until the run has ended."""
    while not ended.wait(HEARTBEAT_SECONDS):
        owner = owner._replace(beats=owner.beats + 1)
        with contextlib.suppress(OSError, tf.errors.OpError):  # a full disk must not end training
            _write(path, owner)


def _write(path: str, owner: Owner) -> None:
    write_atomically(path, _to_json(owner).encode())


def _to_json(owner: Owner) -> str:
    return json.dumps(owner._asdict(), indent=2) + "\n"


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
        return Owner("an unknown machine", 0, "an unknown time")  # half written, or not ours


def _lives(owner: Owner, path: str) -> bool:
    """Returns whether the process that holds a lock still runs."""
    if owner.host != socket.gethostname():
        return _shows_life(owner, path)
    try:
        os.kill(owner.process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _identity(owner.process) == owner.identity


def _shows_life(owner: Owner, path: str) -> bool:
    """Waits for a sign of life of a process on another machine."""
    logging.info(
        "Waiting up to %.0f s for a sign of life of process %i on %s, which holds %s.",
        PATIENCE_SECONDS,
        owner.process,
        owner.host,
        path,
    )
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        time.sleep(PATIENCE_SECONDS / 20)
        now = _read(path)
        if now != owner:
            return now is not None
    return False


def _identity(process: int) -> str:
    """Returns the time at which Linux started a process, in ticks since boot; empty elsewhere."""
    try:
        stat = pathlib.Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]
