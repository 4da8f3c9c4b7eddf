"""Draws images in several processes, in order, with memory that does not grow with their number.

The processes import neither TensorFlow nor anything that does.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import threading
import traceback
from collections.abc import Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import NamedTuple

from aocr.synthesis.drawing.image import Drawn, Plan, draw_image
from aocr.util.errors import UserError
from aocr.util.terminal import signals

CHUNK = 16
"""Images that a process draws and sends at a time."""


class _Worker(NamedTuple):
    process: BaseProcess
    results: Connection


class DrawingError(Exception):
    """Reports an unexpected error of a process, with its traceback."""


@contextlib.contextmanager
def drawing(plan: Plan, count: int, processes: int) -> Iterator[Iterator[Drawn]]:
    """Yields an iterator over the images 0 to `count - 1`. No process outlives the block.

    A process waits with a chunk until it is taken. Chunks go round: with two processes, the first
    draws every other chunk.

    Args:
        plan: what to draw.
        count: number of images.
        processes: number of processes; with 1, this process draws.

    Raises:
        UserError: while iterating: an image cannot be drawn.
        DrawingError: while iterating: an unexpected error.
    """
    processes = min(processes, -(-count // CHUNK))
    if processes == 1:
        yield (draw_image(plan, index) for index in range(count))
        return
    with contextlib.ExitStack() as stack:
        workers = []
        with _without_interrupts():
            for number in range(processes):
                workers.append(_start(plan, range(number * CHUNK, count, processes * CHUNK), count))
                stack.callback(_end, workers[-1])
        yield _collect(workers, count)


def _collect(workers: list[_Worker], count: int) -> Iterator[Drawn]:
    for number in range(-(-count // CHUNK)):
        worker = workers[number % len(workers)]
        try:
            chunk = worker.results.recv()
        except (EOFError, OSError):
            worker.process.join(1)
            raise UserError(
                f"a process that draws images has ended (exit code {worker.process.exitcode}): is "
                "the memory full? Give fewer --processes"
            ) from None
        if isinstance(chunk, Exception):
            raise chunk
        yield from chunk


def _start(plan: Plan, starts: range, count: int) -> _Worker:
    """Starts a process anew, not as a copy of this one, whose threads it would lack."""
    context = multiprocessing.get_context("spawn")
    results, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(plan, starts, count, sender), daemon=True)
    process.start()
    sender.close()  # so that the end of the process is the end of the pipe
    return _Worker(process, results)


def _work(plan: Plan, starts: range, count: int, sender: Connection) -> None:
    """Draws the chunks that begin at some indices. Ends without a word when nobody reads them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for start in starts:
            sender.send([draw_image(plan, i) for i in range(start, min(start + CHUNK, count))])
    except (BrokenPipeError, ConnectionResetError):
        return
    except UserError as error:
        sender.send(error)
    except Exception as error:
        sender.send(DrawingError(f"{error}\n{traceback.format_exc()}"))


def _end(worker: _Worker) -> None:
    worker.results.close()
    worker.process.kill()
    worker.process.join()


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Holds back stop signals until the block ends; processes that start in it never get SIGINT.

    A process whose start is interrupted would end with a traceback. A terminal sends Ctrl-C to all
    processes, but only the first one is to react and to end the others.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Python handles signals in the main thread alone
        return
    received: list[int] = []
    try:
        with signals.handled_by(lambda number, _: received.append(number)), _sigint_blocked():
            yield
    finally:
        for number in received[:1]:
            signal.raise_signal(number)


@contextlib.contextmanager
def _sigint_blocked() -> Iterator[None]:
    """Blocks SIGINT in this thread, and in processes that start meanwhile, where systems can."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # it would unblock SIGINT if it were started inside
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
