"""Agrees on the step after which all replicas stop when a signal arrives at one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


class StopVotes:
    """Lists the reasons to stop that a training loop may act on.

    A process that trains alone acts on its own signals at once. Among several, each step adds up
    who has received one, and all act on the sum after the same step.

    Args:
        signals: names of the signals that this process has received; may grow at any time.
        agreed: whether to act on the sums alone.
    """

    def __init__(self, signals: Sequence[str], agreed: bool = False) -> None:
        self._signals, self._agreed = signals, agreed
        self._is_decided = False

    @property
    def own(self) -> int:
        """1 if this process has received a signal, else 0."""
        return int(bool(self._signals))

    def count(self, votes: int) -> None:
        """Takes the number of processes that had received a signal before the last step."""
        self._is_decided |= votes > 0

    def __iter__(self) -> Iterator[str]:
        """Yields the reasons to stop."""
        if self._is_decided:
            yield self._signals[0] if self._signals else "a signal to another replica"
        elif not self._agreed:
            yield from self._signals

    def __bool__(self) -> bool:
        """Returns whether to stop."""
        return any(True for _ in self)
