"""Runs the server until a signal stops it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any, NamedTuple

import uvicorn

from aocr.data.images.decoder_complaints import hidden_complaints
from aocr.data.images.files import quiet_pillow
from aocr.inference.names import DEFAULT_MODEL_NAME
from aocr.reading.loading import LoadOptions, load_backend
from aocr.reading.model_source import ModelSource, find_model
from aocr.server.app import Application
from aocr.server.limits import MAX_CONNECTIONS, LimitedProtocol
from aocr.server.metrics import Metrics
from aocr.server.models.model_versions import POLL_SECONDS, ModelVersions
from aocr.server.models.served_model import ServedModel, ServingLimits
from aocr.util.errors import UserError
from aocr.util.terminal.signals import STOP_SIGNALS

STOP_SECONDS = 30
"""Time in which requests are answered after the signal to stop."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class ServerOptions(NamedTuple):
    """Says how to serve a model.

    Attributes:
        model: path or name of the model.
        load: how to load it.
        name: the name of the model, in requests.
        host: name or address to listen on.
        port: 0 takes a free one.
        grpc_port: port for gRPC; 0 takes a free one, None is for HTTP only.
        limits: what a request may hold.
        api_keys: the keys that clients may send; nothing lets all clients in.
    """

    model: str
    load: LoadOptions = LoadOptions()
    name: str = DEFAULT_MODEL_NAME
    host: str = "127.0.0.1"
    port: int = 0
    grpc_port: int | None = None
    limits: ServingLimits = ServingLimits()
    api_keys: Sequence[str] = ()


@hidden_complaints()
def serve(options: ServerOptions) -> None:
    """Serves a model until SIGINT or SIGTERM; then answers the accepted requests, and returns.

    Raises:
        UserError: the model cannot be loaded, or an address is not free.
    """
    with bind(options.host, options.port) as listener, quiet_pillow():
        metrics = Metrics()
        source = find_model(options.model)
        versions = load_versions(options, source, metrics)
        try:
            versions.watch()
            application = Application(versions, metrics, options.limits.max_body_bytes)
            with serve_grpc(options, versions, metrics):
                _log_start(options, source, listener)
                run_loop(_run(application, options.api_keys, listener))
        finally:
            versions.close()
    logging.info("Stopped.")


def run_loop(main: Coroutine[Any, Any, None]) -> None:
    """Runs a coroutine in an event loop: in that of uvloop, which costs less, where it exists."""
    try:
        import uvloop
    except ModuleNotFoundError:  # there is none for Windows
        asyncio.run(main)
    else:
        uvloop.run(main)


@contextlib.contextmanager
def serve_grpc(
    options: ServerOptions, versions: ModelVersions, metrics: Metrics
) -> Iterator[int | None]:
    """Answers gRPC during the block, if it is asked for; yields the port.

    Raises:
        UserError: the address is not free, or the package of the protocol is not installed.
    """
    if options.grpc_port is None:
        yield None
        return
    try:
        from aocr.server.tf_serving.grpc_api import GrpcOptions, GrpcServer
    except ModuleNotFoundError as error:
        if error.name not in ("grpc", "tensorflow_serving"):
            raise
        raise UserError("--grpc-port needs an extra: pip install 'aocr[grpc]'") from error
    bind(options.host, options.grpc_port, "--grpc-port").close()  # gRPC would not tell the reason
    most = options.limits.max_body_bytes
    server = GrpcServer(
        GrpcOptions(options.host, options.grpc_port, most, options.api_keys), versions, metrics
    )
    logging.info("Answering gRPC at %s, port %i.", options.host, server.port)
    try:
        yield server.port
    finally:
        server.stop(STOP_SECONDS)


def load_versions(
    options: ServerOptions,
    source: ModelSource,
    metrics: Metrics,
    poll_seconds: float = POLL_SECONDS,
) -> ModelVersions:
    """Loads a model for a server.

    Raises:
        UserError: it cannot be loaded.
    """

    def load(version: ModelSource) -> ServedModel:
        backend = load_backend(version, options.load)
        return ServedModel(backend, version.version, options.limits, metrics)

    versions = ModelVersions(options.name, source, load, poll_seconds)
    metrics.watch_queue(lambda: versions.current.waiting)
    return versions


class Server(uvicorn.Server):
    """Runs an application; leaves the signals alone, which uvicorn would handle and raise again."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Does nothing."""
        yield


def build_server(application: Application, api_keys: Sequence[str] = ()) -> Server:
    """Returns the server of an application, which does not run yet."""
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    config = uvicorn.Config(
        application.build(api_keys),
        http=LimitedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    return Server(config)


async def _run(application: Application, api_keys: Sequence[str], listener: socket.socket) -> None:
    """Runs the server in this thread until a signal arrives; a second one does not wait."""
    server = build_server(application, api_keys)

    def stop() -> None:
        server.force_exit = application.is_stopping
        application.is_stopping = server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop)
    await server.serve([listener])


def bind(host: str, port: int, flag: str = "--port") -> socket.socket:
    """Returns a socket with the address, which does not listen yet.

    Args:
        host: name or address.
        port: 0 takes a free one.
        flag: the flag of the command that chooses the port.

    Raises:
        UserError: the address cannot be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(
            f"cannot listen on {host}, port {port}: {reason}: choose another --host or {flag}"
        ) from error
    return listener


def _log_start(options: ServerOptions, source: ModelSource, listener: socket.socket) -> None:
    host = f"[{options.host}]" if ":" in options.host else options.host
    port = listener.getsockname()[1]
    if options.host not in LOOPBACK and not options.api_keys:
        logging.warning(
            "Other machines can reach this server, and it asks for no key: see --api-key-file."
        )
    address = f"http://{host}:{port}/ (process {os.getpid()})"
    names = options.model, source.version, options.name
    logging.info("Serving %s, version %i, as %r at %s", *names, address)
