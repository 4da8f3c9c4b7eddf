"""Holds the versions of a model: loads a new one while the one before answers requests."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

import tensorflow as tf

from aocr.inference.names import DEFAULT_MODEL_NAME
from aocr.reading.model_source import ModelSource, exported_versions, version_source
from aocr.server.errors import invalid_argument, not_found
from aocr.server.models.served_model import ServedModel
from aocr.util.errors import UserError, first_line


class RequestPath(NamedTuple):
    """Holds what a path names.

    Attributes:
        model: name of the model; empty if it is missing.
        version: number of a version, or None.
        label: label of a version, or empty.
        verb: `predict`, `classify` or `regress` of a POST, else empty.
        metadata: whether a GET asks for the metadata instead of the status.
    """

    model: str
    version: int | None = None
    label: str = ""
    verb: str = ""
    metadata: bool = False


LATEST_LABEL = "latest"
"""The label of the newest version that answers."""

START, LOADING, AVAILABLE, UNLOADING, END = "START", "LOADING", "AVAILABLE", "UNLOADING", "END"
"""The states of a version, named as in TensorFlow Serving."""

POLL_SECONDS = 1.0
"""Time between two looks for a new version."""


class VersionStatus(NamedTuple):
    """Tells the state of a version, and why it could not be loaded, if so."""

    version: int
    state: str
    error: str = ""


class ModelVersions:
    """Loads the newest version of a model, and each newer one as it appears.

    Attributes:
        name: the name of the model, in requests.
    """

    def __init__(
        self,
        name: str,
        source: ModelSource,
        load: Callable[[ModelSource], ServedModel],
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        """Loads a version.

        Args:
            name: the name of the model.
            source: the version to load; if it belongs to a folder of versions, `watch` looks for
                newer ones there.
            load: the function that loads a version.
            poll_seconds: time between two looks.

        Raises:
            UserError: it cannot be loaded.
        """
        self.name, self._source, self._load = name, source, load
        self._poll_seconds = poll_seconds
        self._lock = threading.Lock()
        self._statuses: dict[int, VersionStatus] = {}
        self._current = load(source)
        self._set(source.version, AVAILABLE)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def shown_name(self) -> str:
        """What people are told: what the model is called where it is stored, and in requests."""
        stored = self._source.name
        return stored if self.name in (stored, DEFAULT_MODEL_NAME) else f"{self.name} ({stored})"

    @property
    def current(self) -> ServedModel:
        """The newest version that answers."""
        return self._current

    @contextlib.contextmanager
    def use(self, path: RequestPath) -> Iterator[ServedModel]:
        """Yields the version that a request asks for, which stays open during the block.

        Raises:
            RestError: there is none.
        """
        with contextlib.ExitStack() as stack:
            while True:
                served = self._choose(path)
                try:
                    stack.enter_context(served.usage())
                    break
                except ValueError:  # it was replaced a moment ago
                    continue
            yield served

    def _choose(self, path: RequestPath) -> ServedModel:
        if path.label and (path.model != self.name or path.label != LATEST_LABEL):
            raise invalid_argument(f"Unrecognized servable version label: {path.label}")
        current = self._current
        if path.model != self.name or path.version not in (None, current.version):
            asked = (
                f"Latest({path.model})"
                if path.version is None
                else f"Specific({path.model}, {path.version})"
            )
            raise not_found(f"Servable not found for request: {asked}")
        return current

    def statuses(self, path: RequestPath) -> list[VersionStatus]:
        """Returns the states of the versions that a request asks for, by their numbers.

        Raises:
            RestError: there is none.
        """
        version = path.version
        if path.label:
            version = self._choose(path).version
        if path.model != self.name and version is None:
            raise not_found(f"Could not find any versions of model {path.model}")
        with self._lock:
            found = [self._statuses[number] for number in sorted(self._statuses)]
        found = [each for each in found if version in (None, each.version)]
        if path.model != self.name or not found:
            raise not_found(f"Could not find version {version} of model {path.model}")
        return found

    def watch(self) -> None:
        """Starts to look for new versions, unless the model is not in a folder of versions."""
        if self._source.versions_folder:
            self._thread = threading.Thread(target=self._watch, name="aocr-versions", daemon=True)
            self._thread.start()

    def _watch(self) -> None:
        while not self._stop.wait(self._poll_seconds):
            try:
                self.look()
            except Exception as error:  # the thread must live, and the version before answers
                logging.error("cannot look for new versions: %s", first_line(error))

    def look(self) -> None:
        """Loads the newest version if it is newer, and then closes the one before.

        A version that could not be loaded is not tried again.
        """
        newest = max(exported_versions(self._source.versions_folder), default=0)
        previous = self._current
        if newest <= previous.version or newest in self._statuses:
            return
        self._set(newest, LOADING)
        try:
            served = self._load(version_source(self._source.versions_folder, newest))
        except (UserError, tf.errors.OpError) as error:
            self._set(newest, END, first_line(error))
            logging.error(
                "version %i cannot be loaded, version %i stays: %s",
                newest,
                previous.version,
                first_line(error),
            )
            return
        self._current = served
        self._set(newest, AVAILABLE)
        self._set(previous.version, UNLOADING)
        logging.info("Version %i answers now, instead of version %i.", newest, previous.version)
        previous.usage.close()
        self._set(previous.version, END)

    def close(self) -> None:
        """Stops looking for versions, and closes the model after the running requests."""
        self._stop.set()
        if self._thread:
            self._thread.join()
        self._set(self._current.version, UNLOADING)
        self._current.usage.close()
        self._set(self._current.version, END)

    def _set(self, version: int, state: str, error: str = "") -> None:
        with self._lock:
            self._statuses[version] = VersionStatus(version, state, error)
