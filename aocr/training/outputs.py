"""Lets the chief of a cluster write what a training leaves, while the others wait for it."""

from __future__ import annotations

from typing import Protocol

from aocr.training.cluster.replicas import Replicas
from aocr.training.step import StepResult


class Saver(Protocol):
    """Saves the model."""

    def save(self, step: int) -> None:
        """Saves a checkpoint, unless the last one is of the same step."""


class Stopper(Protocol):
    """Validates the model."""

    def validate(self, step: int) -> bool:
        """Validates the newest checkpoint, and returns whether training should stop."""


class Events(Protocol):
    """Receives curves."""

    def __enter__(self) -> Events:
        """Returns itself."""

    def __exit__(self, *error: object) -> None:
        """Closes what is written to."""

    def add_step(self, result: StepResult) -> None:
        """Adds the numbers of a training step."""

    def flush(self) -> None:
        """Writes everything added so far."""


class SharedSaver:
    """Lets the chief save while the others wait.

    Args:
        replicas: of the cluster.
        own: saves; None on all but the chief.
    """

    def __init__(self, replicas: Replicas, own: Saver | None) -> None:
        self._replicas, self._own = replicas, own

    def save(self, step: int) -> None:
        """Saves a checkpoint, unless the last one is of the same step."""
        self._replicas.together(lambda: self._own.save(step) if self._own else None)


class SharedStopper:
    """Lets the chief validate while the others wait, and all stop when it says so.

    Args:
        replicas: of the cluster.
        own: validates; None on all but the chief.
    """

    def __init__(self, replicas: Replicas, own: Stopper | None) -> None:
        self._replicas, self._own = replicas, own

    def validate(self, step: int) -> bool:
        """Validates the newest checkpoint, and returns whether training should stop."""
        stops = self._replicas.together(lambda: self._own.validate(step) if self._own else False)
        return bool(self._replicas.from_chief([int(stops)])[0])


class NoEvents:
    """Drops the curves of all replicas but the chief."""

    def __enter__(self) -> NoEvents:
        """Returns itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Does nothing."""

    def add_step(self, result: StepResult) -> None:
        """Drops the numbers of a training step."""

    def flush(self) -> None:
        """Does nothing."""
