"""Defines what a training run asks of the replicas that train one model together.

`Replicas` is a process that trains alone, on one device or several GPUs. `cluster.Cluster` is one
of several. The model and the input pipeline do not know which of both they are part of.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import tensorflow as tf

from aocr.data.batches.sharing import Share
from aocr.util.session import session_options


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


T = TypeVar("T")


class Replicas:
    """Trains alone: whatever replicas agree on or add up is its own.

    Attributes:
        names: the names of all processes that train.
        rank: position of this process among them, from 0. That with rank 0 is the chief.

    Args:
        towers: the devices of this process that share each batch, as TensorFlow names them within a
            process, such as "GPU:0"; none for one device, which the session chooses.
    """

    names: Sequence[str] = ("this process",)
    rank = 0

    def __init__(self, towers: Sequence[str] = ()) -> None:
        self.towers = tuple(towers)

    @property
    def is_chief(self) -> bool:
        """Whether this process writes checkpoints, summaries and reports."""
        return self.rank == 0

    @property
    def processes(self) -> int:
        """Number of processes that train."""
        return len(self.names)

    @property
    def count(self) -> int:
        """Number of replicas: towers of all processes."""
        return self.processes * max(1, len(self.towers))

    @property
    def share(self) -> Share:
        """The part of each batch that this process trains on."""
        return Share(self.rank, self.processes)

    def together(self, work: Callable[[], T]) -> T:
        """Does this replica's part of something, and waits until all have done theirs.

        Raises:
            UserError: another replica could not do its part, or no longer answers.
        """
        return work()

    def gather(self, text: str) -> list[str]:
        """Returns a text of each process, in the order of their ranks."""
        return [text]

    def sums(self, numbers: Sequence[int]) -> list[int]:
        """Adds up numbers of all processes."""
        return list(numbers)

    def from_chief(self, numbers: Sequence[int]) -> list[int]:
        """Returns the chief's numbers. Each process gives as many."""
        return self.sums([number if self.is_chief else 0 for number in numbers])

    def number_of_chief(self, number: int) -> int:
        """Returns the chief's number."""
        return self.from_chief([number])[0]

    def device(self) -> contextlib.AbstractContextManager[Any]:
        """Places what is built in the block on the devices of this process."""
        return contextlib.nullcontext()

    def sum_of_processes(self, vector: tf.Tensor) -> tf.Tensor:
        """Creates the operation that adds up a float32 vector over all processes."""
        return vector

    def open_session(
        self, graph: tf.Graph, gpu_id: int, *, bfloat16: bool = False
    ) -> tf.compat.v1.Session:
        """Opens the session that trains, see `util.session`."""
        options = session_options(self.session_gpu(gpu_id), bfloat16=bfloat16)
        return tf.compat.v1.Session(graph=graph, config=options)

    def session_gpu(self, gpu_id: int) -> int | None:
        """Returns the GPU of the session; None for all."""
        return None if self.towers else gpu_id

    def share_variables(self, session: tf.compat.v1.Session) -> None:
        """Gives the variables of all processes the values that they have in the chief's session."""

    def votes(self, signals: Sequence[str]) -> StopVotes:
        """Returns how the replicas agree on the step after which they stop.

        Args:
            signals: names of the stop signals that this process has received; may grow at any time.
        """
        return StopVotes(signals)

    def losses_explained(self) -> contextlib.AbstractContextManager[Any]:
        """Turns errors of a step into one that says which replica no longer answers."""
        return contextlib.nullcontext()


ALONE = Replicas()
"""One process on one device, as without `TF_CONFIG`."""
