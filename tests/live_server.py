"""Runs a server in a thread of the tests, on a free port of the loopback interface."""

import contextlib
import threading
import time

from aocr.reading.model_source import find_model
from aocr.server.app import Application
from aocr.server.metrics import Metrics
from aocr.server.run import ServerOptions, bind, build_server, load_versions, run_loop, serve_grpc


class LiveServer:
    """Holds a running server.

    Attributes:
        url: its address, without a slash at the end.
        grpc_port: its port for gRPC, or None.
        versions: the versions of its model.
        application: what answers.
    """

    def __init__(self, options: ServerOptions, poll_seconds: float) -> None:
        metrics = Metrics()
        self.versions = load_versions(options, find_model(options.model), metrics, poll_seconds)
        self.versions.watch()
        self.application = Application(self.versions, metrics, options.limits.max_body_bytes)
        self._stack = contextlib.ExitStack()
        self.grpc_port = self._stack.enter_context(serve_grpc(options, self.versions, metrics))
        self._listener = bind(options.host, options.port)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._server = build_server(self.application, options.api_keys)
        self._thread = threading.Thread(
            target=lambda: run_loop(self._server.serve([self._listener])), daemon=True
        )
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def stop(self) -> None:
        """Stops as after a signal."""
        self._server.should_exit = True
        self._thread.join(60)
        self._listener.close()
        self._stack.close()
        self.versions.close()


@contextlib.contextmanager
def live_server(model: str, poll_seconds: float = 3600, **options):
    """Yields a server of a model, which stops at the end."""
    server = LiveServer(ServerOptions(model, **options), poll_seconds)
    try:
        yield server
    finally:
        server.stop()
