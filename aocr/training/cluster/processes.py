"""Trains one model in several processes: the one place that knows how they talk to each other.

Each process runs a server of TensorFlow (`tf.distribute.Server`) and has a session of its own, with
variables of its own. They meet in collective operations alone: sums over all processes, computed by
TensorFlow's runtime. docs/distributed.md says why these are used directly.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

from aocr.training.cluster import collectives
from aocr.training.cluster.replicas import Replicas, StopVotes
from aocr.training.cluster.tf_config import Replica, Task
from aocr.util.errors import UserError, first_line
from aocr.util.session import session_options

PROBE_SECONDS = 2.0
"""Time in which a process that runs answers."""


def await_peers(task: Task, timeout: int) -> None:
    """Waits until the servers of all processes answer.

    Args:
        task: the processes.
        timeout: the longest time in seconds.

    Raises:
        UserError: one does not within the time.
    """
    deadline = time.monotonic() + timeout
    missing = silent(task)
    if missing:
        logging.info("Waiting up to %i s for %s.", timeout, shown(missing))
    while missing:
        if time.monotonic() > deadline:
            raise UserError(
                f"{shown(missing)} did not answer within --cluster-timeout={timeout} seconds: "
                "start all replicas that TF_CONFIG names, or give them more time"
            )
        missing = silent(task)
    logging.info("%s: all %i replicas answer.", str(task.own).capitalize(), len(task.replicas))


def silent(task: Task) -> list[Replica]:
    """Returns the other processes whose servers do not answer."""
    others = [each for each in task.replicas if each != task.own]
    with ThreadPoolExecutor(max_workers=len(others)) as pool:
        answers = pool.map(_answers, others)
        return [each for each, answer in zip(others, answers, strict=True) if not answer]


def _answers(replica: Replica) -> bool:
    """Returns whether the server of a process answers."""
    options = tf.compat.v1.ConfigProto(operation_timeout_in_ms=int(1000 * PROBE_SECONDS))
    options.device_filters.append(device_of(replica))
    target = f"grpc://{replica.address}"
    try:
        with tf.compat.v1.Session(target, tf.Graph(), options) as session:
            return bool(session.list_devices())
    except tf.errors.OpError:
        return False


def device_of(replica: Replica) -> str:
    """Returns the name that TensorFlow gives to the devices of a process."""
    return f"/job:{replica.role}/replica:0/task:{replica.number}"


def shown(replicas: Sequence[Replica]) -> str:
    """Returns names with addresses: "worker 0 (host:2222), worker 1 (host:2223)"."""
    return ", ".join(f"{each} ({each.address})" for each in replicas)


T = TypeVar("T")

GRACE_SECONDS = 2.0
"""Time after a broken connection in which a process that caused it ends."""

RESTART = "start all replicas with the same command again to continue from the last checkpoint"

CLOSE_SECONDS = 1.0
"""Time in which a session closes if all processes answer."""

_LOST = (
    tf.errors.UnavailableError,
    tf.errors.DeadlineExceededError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
)
"""Errors of a session that only other processes cause."""


class _Session(tf.compat.v1.Session):
    """Closes without waiting for processes that do not answer, which would take ten seconds."""

    def close(self) -> None:
        """Closes the session, or leaves that to a thread if it takes long."""
        if sys.is_finalizing():  # no thread starts any more
            return
        thread = threading.Thread(target=super().close, daemon=True)
        thread.start()
        thread.join(CLOSE_SECONDS)


class Cluster(Replicas):
    """Is one of the processes that train together; see `connect`.

    Args:
        task: the job, and which of its processes this is.
        server: the server of this process.
        timeout: seconds that the others may keep this process waiting.
        towers: the devices of this process, as `Replicas` takes them.
    """

    def __init__(
        self, task: Task, server: tf.distribute.Server, timeout: int, towers: Sequence[str] = ()
    ) -> None:
        super().__init__(towers)
        self.names, self.rank = tuple(map(str, task.replicas)), task.rank
        self._task, self._server, self._timeout = task, server, timeout
        with tf.Graph().as_default() as graph, self.device():
            self._numbers = tf.compat.v1.placeholder(tf.int64, [collectives.NUMBERS])
            self._sum = collectives.sum_over(
                self._numbers, self._group, collectives.Instance.NUMBERS
            )
        self._session = self._new_session(graph, _of_cluster(tf.compat.v1.ConfigProto(), task))

    @property
    def _group(self) -> collectives.Group:
        return collectives.Group(self.processes, self._timeout)

    def _new_session(
        self, graph: tf.Graph, options: tf.compat.v1.ConfigProto
    ) -> tf.compat.v1.Session:
        return _Session(self._server.target, graph, options)

    def together(self, work: Callable[[], T]) -> T:
        """Does this replica's part of something, and waits until all have done theirs.

        The replicas tell each other that they live meanwhile, however long it takes.

        Raises:
            UserError: another replica could not do its part, or no longer answers.
        """
        beats = collectives.Beats(self.sums, self.names, self.rank)
        try:
            result = work()
        except BaseException:
            beats.end(failed=True)
            raise
        beats.end()
        return result

    def gather(self, text: str) -> list[str]:
        """Returns a text of each process, in the order of their ranks."""
        own = list(text.encode())
        lengths = self.sums([len(own) * (rank == self.rank) for rank in range(self.processes)])
        return [
            bytes(self.sums(own if rank == self.rank else [0] * length)).decode()
            for rank, length in enumerate(lengths)
        ]

    def sums(self, numbers: Sequence[int]) -> list[int]:
        """Adds up numbers of all processes."""
        found: list[int] = []
        for begin in range(0, len(numbers), collectives.NUMBERS):
            part = np.array(numbers[begin : begin + collectives.NUMBERS], np.int64)
            padded = np.pad(part, [0, collectives.NUMBERS - len(part)])
            with self.losses_explained():
                added = self._session.run(self._sum, {self._numbers: padded})
            found += added[: len(part)].tolist()
        return found

    def device(self) -> contextlib.AbstractContextManager[Any]:
        """Places what is built in the block on the devices of this process."""
        return tf.device(device_of(self._task.own))

    def sum_of_processes(self, vector: tf.Tensor) -> tf.Tensor:
        """Creates the operation that adds up a float32 vector over all processes."""
        return collectives.sum_over(vector, self._group, collectives.Instance.STEP)

    def open_session(
        self, graph: tf.Graph, gpu_id: int, *, bfloat16: bool = False
    ) -> tf.compat.v1.Session:
        """Opens the session that trains, on the server of this process."""
        options = session_options(self.session_gpu(gpu_id), bfloat16=bfloat16)
        return self._new_session(graph, _of_cluster(options, self._task))

    def share_variables(self, session: tf.compat.v1.Session) -> None:
        """Gives the variables of all processes the values that they have in the chief's session."""
        with session.graph.as_default(), self.device():
            variables = tf.compat.v1.global_variables()
            shared = collectives.values_of_chief(variables, self._group, self.is_chief)
        with self.losses_explained():
            session.run(shared)

    def votes(self, signals: Sequence[str]) -> StopVotes:
        """Returns how the replicas agree on the step after which they stop."""
        return StopVotes(signals, agreed=True)

    def close(self) -> None:
        """Closes the session of the process itself."""
        self._session.close()

    def part(self) -> None:
        """Parts with the other processes: none ends before all have what they wait for."""
        with contextlib.suppress(tf.errors.OpError, UserError):
            self._session.run(self._sum, {self._numbers: np.zeros(collectives.NUMBERS, np.int64)})

    @contextlib.contextmanager
    def losses_explained(self) -> Iterator[None]:
        """Turns errors of a step into one that says which replica no longer answers.

        Raises:
            UserError: one does not, or did not take its part in time.
        """
        try:
            yield
        except _LOST as error:
            time.sleep(GRACE_SECONDS)
            raise UserError(f"{self._loss(error)}: {RESTART}") from error

    def _loss(self, error: tf.errors.OpError) -> str:
        """Returns what has become of the other processes."""
        missing = silent(self._task)
        if missing:
            return f"{shown(missing)} no longer {'answers' if len(missing) == 1 else 'answer'}"
        if isinstance(error, tf.errors.DeadlineExceededError):
            return f"a replica did not take its part within --cluster-timeout={self._timeout} s"
        return f"the connection to another replica broke ({first_line(error)})"


@contextlib.contextmanager
def connect(task: Task, gpu_id: int, timeout: int, towers: Sequence[str] = ()) -> Iterator[Cluster]:
    """Starts the server of this process, and waits until those of all others answer.

    Args:
        task: the job, and which of its processes this is.
        gpu_id: index of the GPU; negative for the CPU.
        timeout: seconds that the others may keep this process waiting.
        towers: the devices of this process, as `Replicas` takes them.

    Raises:
        UserError: the port of this process is taken, or another process does not come.
    """
    options = _of_cluster(session_options(None if towers else gpu_id), task)
    try:
        server = tf.distribute.Server(
            task.addresses, task.own.role, task.own.number, protocol="grpc", config=options
        )
    except tf.errors.OpError as error:
        port = task.own.address.rpartition(":")[2]
        raise UserError(
            f"cannot listen on port {port}, which TF_CONFIG gives to {task.own}: does another "
            f"process use it? ({first_line(error)})"
        ) from error
    await_peers(task, timeout)
    cluster = Cluster(task, server, timeout, towers)
    try:
        yield cluster
        cluster.part()
    finally:
        cluster.close()


def _of_cluster(options: tf.compat.v1.ConfigProto, task: Task) -> tf.compat.v1.ConfigProto:
    """Returns options for a session of a process: it sees its own devices and the leader's."""
    leader = device_of(task.replicas[0])
    options.experimental.collective_group_leader = leader
    del options.device_filters[:]
    options.device_filters.extend(dict.fromkeys([device_of(task.own), leader]))
    return options
