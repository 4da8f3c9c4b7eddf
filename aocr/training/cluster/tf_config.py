"""Reads `TF_CONFIG`, with which a training service tells each replica of a job what it is.

The variable holds JSON: the addresses of all replicas by their role, and which of them this one is.

    {"cluster": {"chief": ["a:2222"], "worker": ["b:2222"]}, "task": {"type": "worker", "index": 0}}

This module does not import TensorFlow.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from aocr.util.errors import UserError

VARIABLE = "TF_CONFIG"

CHIEF, MASTER, WORKER = "chief", "master", "worker"
EVALUATOR, PARAMETER_SERVER = "evaluator", "ps"

CHIEFS = (CHIEF, MASTER)
"""Names of the role of the replica that writes; `master` is the older one."""

TRAINING_ROLES = (*CHIEFS, WORKER)
ROLES = (*TRAINING_ROLES, EVALUATOR, PARAMETER_SERVER)

MAX_PORT = 65_535


class Replica(NamedTuple):
    """Names one process of a job.

    Attributes:
        role: one of `ROLES`.
        number: the number of the process within its role, from 0.
        address: `HOST:PORT`; empty where nobody connects to the process.
    """

    role: str
    number: int
    address: str = ""

    def __str__(self) -> str:
        """Returns the name for messages: "worker 1", or "chief"."""
        return self.role if self.role in CHIEFS else f"{self.role} {self.number}"


class Task(NamedTuple):
    """Says which replica of which job a process is.

    Attributes:
        own: this process.
        replicas: the processes that train, the chief first. Without a chief or a master it is the
            first worker.
        has_evaluator: whether the job lists an evaluator.
        has_parameter_servers: whether the job lists parameter servers, which nothing uses.
    """

    own: Replica
    replicas: tuple[Replica, ...]
    has_evaluator: bool = False
    has_parameter_servers: bool = False

    @property
    def rank(self) -> int:
        """Position of this process among those that train, from 0."""
        return self.replicas.index(self.own)

    @property
    def is_alone(self) -> bool:
        """Whether no other process trains."""
        return self.own.role in TRAINING_ROLES and len(self.replicas) == 1

    @property
    def addresses(self) -> dict[str, list[str]]:
        """The addresses of the processes that train by their role, as TensorFlow takes them."""
        found: dict[str, list[str]] = {}
        for replica in self.replicas:
            found.setdefault(replica.role, []).append(replica.address)
        return found


def read_task(environment: Mapping[str, str]) -> Task | None:
    """Returns the task that `TF_CONFIG` describes; None without the variable or without a cluster.

    Raises:
        UserError: the variable cannot be understood. The message shows the part that is wrong.
    """
    text = environment.get(VARIABLE, "").strip()
    if not text:
        return None
    facts = _parsed(text)
    if not facts.get("cluster") and "task" not in facts:
        return None
    cluster = _cluster(facts.get("cluster") or {})
    own = _own(facts.get("task"), cluster)
    replicas = tuple(
        Replica(role, index, address)
        for role in TRAINING_ROLES
        for index, address in enumerate(cluster.get(role, []))
    )
    if not replicas and own.role not in (EVALUATOR, PARAMETER_SERVER):
        return None  # a job of one replica may have an empty cluster
    return Task(own, replicas, bool(cluster.get(EVALUATOR)), bool(cluster.get(PARAMETER_SERVER)))


def _parsed(text: str) -> dict[str, Any]:
    try:
        facts = json.loads(text)
    except ValueError as error:
        place = getattr(error, "pos", 0)
        shown = text[max(0, place - 20) : place + 20]
        raise _error(f"is not JSON: {error}, in {shown!r}", "correct it, or unset it") from error
    if not isinstance(facts, dict):
        raise _error(f"is {_shown(facts)}, not an object")
    return facts


def _cluster(cluster: Any) -> dict[str, list[str]]:
    """Returns the addresses by role, checked."""
    if not isinstance(cluster, dict):
        raise _error(f"cluster is {_shown(cluster)}, not an object of lists of addresses")
    owners: dict[str, str] = {}
    for role, addresses in cluster.items():
        if role not in ROLES:
            raise _error(f"cluster has the role {_shown(role)}, which is none of {_list(ROLES)}")
        if not isinstance(addresses, list):
            raise _error(f"cluster.{role} is {_shown(addresses)}, not a list of addresses")
        for index, address in enumerate(addresses):
            part = f"cluster.{role}[{index}]"
            _check_address(part, address)
            if owners.setdefault(address, part) != part:
                raise _error(f"{part} is {_shown(address)}, as is {owners[address]}")
    chiefs = [role for role in CHIEFS for _ in cluster.get(role, [])]
    if len(chiefs) > 1:
        raise _error(f"cluster has {len(chiefs)} addresses of {_list(CHIEFS)}, not one")
    return cluster


def _check_address(part: str, address: Any) -> None:
    host, _, port = address.rpartition(":") if isinstance(address, str) else ("", "", "")
    is_port = port.isascii() and port.isdigit() and 0 < int(port) <= MAX_PORT
    if not host or not is_port or any(map(str.isspace, host)):
        raise _error(f"{part} is {_shown(address)}, not HOST:PORT")


def _own(task: Any, cluster: Mapping[str, list[str]]) -> Replica:
    """Returns which replica this process is."""
    if not isinstance(task, dict):
        raise _error(f"task is {_shown(task)}, not an object with a type and an index")
    role, index = task.get("type"), task.get("index", 0)
    if role not in ROLES:
        raise _error(f"task.type is {_shown(role)}, which is none of {_list(ROLES)}")
    if isinstance(index, str) and index.isascii() and index.isdigit():
        index = int(index)
    if type(index) is not int or index < 0:
        raise _error(f"task.index is {_shown(index)}, not a whole number from 0 on")
    addresses = cluster.get(role, [])
    if role in (EVALUATOR, PARAMETER_SERVER):
        return Replica(role, index)
    if cluster and index >= len(addresses):
        count = len(addresses)
        raise _error(f"task.index is {index}, but cluster.{role} has {count} addresses, from 0 on")
    return Replica(role, index, addresses[index] if addresses else "")


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names)


def _error(
    problem: str, cure: str = "correct it, or unset it to train in one process"
) -> UserError:
    return UserError(f"{VARIABLE}: {problem}: {cure}")
