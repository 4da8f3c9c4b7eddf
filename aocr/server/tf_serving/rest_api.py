"""Answers TensorFlow Serving's REST requests."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import re
import urllib.parse
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

import tensorflow as tf
from google.protobuf import json_format
from starlette.concurrency import run_in_threadpool

from aocr.inference import names
from aocr.model.readings import Reading
from aocr.server.errors import invalid_argument
from aocr.server.models.model_versions import ModelVersions, RequestPath
from aocr.server.models.served_model import (
    ServedModel,
    Tensors,
    count_images,
    is_default,
    outputs_of,
)
from aocr.server.tf_serving.json_input import JsonObject, parse_body
from aocr.server.tf_serving.json_tensors import (
    PredictRequest,
    answer_of,
    signature_name_of,
    tensors_of,
)

SMALL_BODY = 64 * 2**10
"""Number of bytes of a body up to which changing threads would cost more than parsing it."""


class RestApi:
    """Answers requests about one model.

    Args:
        versions: the versions of the model.
    """

    def __init__(self, versions: ModelVersions) -> None:
        self._versions = versions

    def status(self, path: RequestPath) -> bytes:
        """Returns the states of the versions.

        Raises:
            RestError: there is no such version.
        """
        if not path.model:
            raise invalid_argument("Missing model name in request.")
        statuses = [
            {
                "version": str(status.version),
                "state": status.state,
                "status": {
                    "error_code": "UNKNOWN" if status.error else "OK",
                    "error_message": status.error,
                },
            }
            for status in self._versions.statuses(path)
        ]
        return _json({"model_version_status": statuses})

    def metadata(self, path: RequestPath) -> bytes:
        """Returns the signatures of a version.

        Raises:
            RestError: there is no such version.
        """
        if not path.model:
            raise invalid_argument("Missing model name in request.")
        with self._versions.use(path) as served:
            signatures = {name: _as_json(each) for name, each in served.signatures.items()}
            spec = {"name": path.model, "signature_name": "", "version": str(served.version)}
        metadata = {"signature_def": {"signature_def": signatures}}
        return _json({"model_spec": spec, "metadata": metadata})

    async def post(self, path: RequestPath, body: bytes) -> tuple[bytes, int]:
        """Returns the answer to a request for a prediction, and the number of images in it.

        Raises:
            RestError: it cannot be answered.
        """
        with contextlib.ExitStack() as in_use:
            if len(body) <= SMALL_BODY:
                started = self._start(path, body, in_use)
            else:
                started = await run_in_threadpool(self._start, path, body, in_use)
            if started.readings:
                readings = [await asyncio.wrap_future(each) for each in started.readings]
                outputs = outputs_of(readings, started.shape)
            else:
                outputs = await run_in_threadpool(started.run)
            answer = answer_of(outputs, started.rows)
        return answer, started.images

    def _start(self, path: RequestPath, body: bytes, in_use: contextlib.ExitStack) -> _Started:
        """Parses a request, and submits its images if its signature can be batched.

        Args:
            path: names the version.
            body: the body of the request.
            in_use: the context that keeps the version open.
        """
        document = parse_body(body)
        signature = signature_name_of(document) or names.DEFAULT_SIGNATURE
        served = in_use.enter_context(self._versions.use(path))
        if path.verb != "predict":
            raise _wrong_verb(path.verb, served, signature)
        request = _request_of(document, served, signature)
        if is_default(signature, served):
            (images,) = request.tensors.values()
            if images.size:
                readings = served.submit_tensor(images)
                return _Started(request.rows, images.size, images.shape, readings)
        run = functools.partial(served.run_signature, signature, request.tensors)
        return _Started(request.rows, count_images(request.tensors), run=run)


class _Started(NamedTuple):
    """Holds a request whose images are being read, or whose signature is to be run.

    Attributes:
        rows: whether the request has the form of rows.
        images: number of images.
        shape: the shape of the input.
        readings: one for each image, later.
        run: without readings, runs the signature, and returns its outputs.
    """

    rows: bool
    images: int
    shape: tuple[int, ...] = ()
    readings: Sequence[Future[Reading]] = ()
    run: Callable[[], Tensors] = dict


def _request_of(document: JsonObject, served: ServedModel, signature: str) -> PredictRequest:
    """Returns the tensors of a request for a signature."""
    if signature not in served.signatures:
        raise invalid_argument(f'Serving signature name: "{signature}" not found in signature def')
    inputs = served.signatures[signature].inputs
    types = {name: tf.dtypes.as_dtype(inputs[name].dtype) for name in sorted(inputs)}
    return tensors_of(document, types)


def _wrong_verb(verb: str, served: ServedModel, signature: str):
    """Returns the error of a request to classify or regress, which no model of aocr can."""
    if signature not in served.signatures:
        return invalid_argument(f"No signature was found with the name: {signature}")
    method = served.signatures[signature].method_name
    expected = f"tensorflow/serving/{verb}"
    kind = "classification" if verb == "classify" else "regression"
    return invalid_argument(
        f"Expected {kind} signature method_name to be {expected}. Was: {method}"
    )


def _as_json(message: Any) -> dict:
    """Returns a message of protocol buffers with all its fields."""
    for name in ("always_print_fields_with_no_presence", "including_default_value_fields"):
        try:  # the second name is that of protobuf before 5.26
            return json_format.MessageToDict(
                message, preserving_proto_field_name=True, **{name: True}
            )
        except TypeError:
            continue
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1).encode() + b"\n"


_NAME = f"[^{names.NAME_ENDS}]+"

_MODEL = rf"/v1/models/({_NAME})"

_VERSION = rf"(?:/versions/(\d+)|/labels/({_NAME}))?"

_POST = re.compile(f"{_MODEL}{_VERSION}:(classify|regress|predict)", re.IGNORECASE | re.ASCII)

_GET = re.compile(rf"/v1/models(?:/({_NAME}))?{_VERSION}(?:/(metadata))?", re.IGNORECASE | re.ASCII)

_LARGEST_VERSION = 2**63 - 1


def parse_path(method: str, path: str) -> RequestPath:
    """Returns what a path names.

    Args:
        method: the HTTP method.
        path: the path as it was sent, with its percent escapes, without a query.

    Raises:
        RestError: there is no such path for this method.
    """
    pattern = {"POST": _POST, "GET": _GET}.get(method)
    match = pattern.fullmatch(path) if pattern else None
    if not match:
        raise invalid_argument(f"Malformed request: {method} {path}")
    model, version, label, last = (group or "" for group in match.groups())
    if version and int(version[:20]) > _LARGEST_VERSION:
        raise invalid_argument(f"Failed to convert version: {version} to numeric.")
    return RequestPath(
        model=urllib.parse.unquote(model, errors="replace"),
        version=int(version) if version else None,
        label=urllib.parse.unquote(label, errors="replace"),
        verb=last.lower() if method == "POST" else "",
        metadata=bool(last) and method == "GET",
    )
