"""Counts who uses something that must be closed, so that closing waits for them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Usage:
    """Lets threads use a resource until it is closed, which happens when nobody uses it.

    Args:
        name: the name of the resource, for the error message.
        release: closes the resource; called once.
    """

    def __init__(self, name: str, release: Callable[[], None]) -> None:
        self._name, self._release = name, release
        self._changed = threading.Condition()
        self._users = 0
        self._closing = self._closed = False

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Keeps the resource open during the block.

        Raises:
            ValueError: it is closed, or about to be.
        """
        with self._changed:
            if self._closing:
                raise ValueError(f"{self._name} is closed")
            self._users += 1
        try:
            yield
        finally:
            with self._changed:
                self._users -= 1
                self._changed.notify_all()

    def close(self) -> None:
        """Refuses further users, waits for the present ones, and releases the resource."""
        with self._changed:
            first, self._closing = not self._closing, True
            self._changed.wait_for(lambda: self._closed or (first and not self._users))
        if first:
            try:
                self._release()
            finally:
                with self._changed:
                    self._closed = True
                    self._changed.notify_all()
