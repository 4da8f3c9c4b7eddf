"""Adds `--shards` and `--shard-index`, with which machines share the work of a command."""

from __future__ import annotations

import argparse
import itertools
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from aocr.cli.flags.parser import whole_number
from aocr.data.records.shards import shard_index_problem

MAX_SHARDS = 99_999
"""The number of shards has five digits in a file name."""

MAX_DIGITS = len(str(MAX_SHARDS))

INDEX_VARIABLE = "JOB_COMPLETION_INDEX"
"""The environment variable in which Kubernetes numbers the pods of an indexed job, from 0."""


class ShardChoice(NamedTuple):
    """Holds which part of the work a command does.

    Attributes:
        shards: number of shards.
        shard_index: number of the only shard to work on, from 0; None for all of them.
        is_from_environment: whether the environment variable chooses the shard.
    """

    shards: int
    shard_index: int | None
    is_from_environment: bool = False

    def share(self, items: Iterable[str]) -> Iterator[str]:
        """Yields the items of the chosen shard: shards take them in turn, as in `aocr dataset`."""
        return itertools.islice(items, self.shard_index or 0, None, self.shards)

    def log_environment(self) -> None:
        """Logs which shard the environment variable chooses, if it does."""
        if self.is_from_environment:
            text = "The environment variable %s chooses --shard-index=%i (--shards=%i)."
            logging.info(text, INDEX_VARIABLE, self.shard_index, self.shards)


def add_shard_flags(add: Callable[..., object], shards: str, shard_index: str) -> None:
    """Adds both flags.

    Args:
        add: `add_argument` of a parser or a group.
        shards: the help text of `--shards`.
        shard_index: the help text of `--shard-index`, without its default.
    """
    add("--shards", type=whole_number(1, MAX_SHARDS), metavar="N", help=shards)
    in_range = whole_number(0, MAX_SHARDS - 1)
    text = f"{shard_index} (default: the environment variable {INDEX_VARIABLE}, if it is set)"
    add("--shard-index", type=in_range, metavar="I", help=text)


def shard_problem(args: argparse.Namespace) -> str:
    """Returns what is wrong with the flags or the environment variable; empty if nothing is."""
    if args.shards is None:
        if args.shard_index is None:
            return ""
        return f"--shard-index={args.shard_index} requires --shards: give the number of all shards"
    if not _is_from_environment(args):
        return shard_index_problem(args.shards, args.shard_index)
    text = os.environ[INDEX_VARIABLE]
    if _is_number(text) and int(text) < args.shards:
        return ""
    last = args.shards - 1
    return (
        f"the environment variable {INDEX_VARIABLE}={text!r} is not a number from 0 to {last} "
        f"(--shards={args.shards}): correct it, or give --shard-index"
    )


def shard_choice(args: argparse.Namespace) -> ShardChoice:
    """Returns what flags and environment choose; `shard_problem` must have found nothing."""
    if _is_from_environment(args):
        return ShardChoice(args.shards, int(os.environ[INDEX_VARIABLE]), is_from_environment=True)
    return ShardChoice(args.shards or 1, args.shard_index)


def _is_from_environment(args: argparse.Namespace) -> bool:
    return args.shards is not None and args.shard_index is None and INDEX_VARIABLE in os.environ


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS
