"""Lets the replicas of a cluster wait for each other, and notice that one has ended."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence

from aocr.util.errors import UserError

FIRST_SECONDS, LONGEST_SECONDS = 0.02, 1.0
"""Time between two beats: at first, and at most; each is twice as long as the one before."""

END_SECONDS = 15.0
"""Time in which a replica may end by itself once another is lost. Then its process is ended."""


class Beats:
    """Tells the other replicas, until all are ready, that this one lives.

    A thread adds up again and again who is ready and who has failed.

    Args:
        sums: adds up numbers of all replicas.
        names: of the replicas.
        rank: position of this replica among them.
    """

    def __init__(
        self, sums: Callable[[Sequence[int]], list[int]], names: Sequence[str], rank: int
    ) -> None:
        self._sums, self._names, self._rank = sums, names, rank
        self._is_ready = threading.Event()
        self._has_failed = False
        self._error: UserError | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self, failed: bool = False) -> None:
        """Tells the others that this replica is ready, and waits until all are.

        Args:
            failed: whether it is not ready, but ends. Then it does not wait.

        Raises:
            UserError: another replica has failed, or does not answer.
        """
        self._has_failed = failed
        self._is_ready.set()
        self._thread.join(END_SECONDS if failed else None)
        if self._error and not failed:
            raise self._error

    def _run(self) -> None:
        pause = FIRST_SECONDS
        try:
            while not self._beat():
                self._is_ready.wait(pause) if not self._is_ready.is_set() else _sleep(pause)
                pause = min(2 * pause, LONGEST_SECONDS)
        except UserError as error:
            self._error = error
        if self._error and not self._is_ready.wait(END_SECONDS):
            _end_process(self._error)

    def _beat(self) -> bool:
        """Adds up the states of all replicas, and returns whether there is nothing to wait for."""
        count = len(self._names)
        own = [0] * (2 * count)
        is_ready = self._is_ready.is_set()
        own[self._rank] = int(is_ready)
        own[count + self._rank] = int(is_ready and self._has_failed)
        states = self._sums(own)
        failed = [name for name, state in zip(self._names, states[count:], strict=True) if state]
        if failed:
            self._error = UserError(
                f"{', '.join(failed)} has ended with an error: its log says which; correct it, and "
                "start all replicas again"
            )
        return bool(failed) or all(states[:count])


def _sleep(seconds: float) -> None:
    threading.Event().wait(seconds)


def _end_process(error: UserError) -> None:
    """Ends the process, whose main thread is busy with work that nobody needs any more."""
    logging.error(str(error))
    logging.shutdown()
    os._exit(1)
