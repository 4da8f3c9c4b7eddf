"""Describes the API as an OpenAPI document, which the server answers with at `/openapi.json`.

The framework does not know the paths of the REST, which `parse_path` takes apart: the document is
kept by hand, and tests/server/test_openapi.py compares it with what is answered.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from aocr import __version__

JSON, TEXT, HTML, FILE = "application/json", "text/plain", "text/html", "application/octet-stream"

Schema = dict[str, Any]

STATUSES = {
    200: "the answer",
    400: "the request is wrong: what is wrong with it",
    401: "the key is missing or unknown (--api-key-file)",
    404: "there is no such model or version",
    413: "the request is larger than --max-body-mb",
    503: "too many images wait, or the server stops: try again later",
}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: str, /, **properties: Schema) -> Schema:
    """Returns the schema of an object, given the names of the required properties in one string."""
    return {"type": "object", "required": required.split(), "properties": properties}


def _list_of(items: Schema, **limits: int) -> Schema:
    return {"type": "array", "items": items, **limits}


STRING, NUMBER, TRUTH = {"type": "string"}, {"type": "number"}, {"type": "boolean"}

SCHEMAS: dict[str, Schema] = {
    "Error": _object("error", error=STRING),
    "Health": _object("status", status=STRING, model=STRING, version=STRING),
    "Reading": _object(
        "text probability characters model version milliseconds",
        text=STRING,
        probability=NUMBER,
        characters=_list_of(_ref("Character")),
        model=STRING,
        version=STRING,
        milliseconds=NUMBER,
    ),
    "Character": _object(
        "character", character=STRING, probability=NUMBER, attention=_list_of(NUMBER)
    ),
    "Bytes": {
        **_object("b64", b64={"type": "string", "contentEncoding": "base64"}),
        "additionalProperties": False,
    },
    "Tensor": {
        "anyOf": [_ref("Bytes"), STRING, NUMBER, TRUTH, _list_of(_ref("Tensor"))],
        "description": "an encoded image, a number, or nested lists of them",
    },
    "Tensors": {"type": "object", "additionalProperties": _ref("Tensor")},
    "TensorOrTensors": {"anyOf": [_ref("Tensor"), _ref("Tensors")]},
    "Columns": _object("inputs", signature_name=STRING, inputs=_ref("TensorOrTensors")),
    "Rows": _object(
        "instances",
        signature_name=STRING,
        instances=_list_of(_ref("TensorOrTensors"), minItems=1),
    ),
    "PredictRequest": {"anyOf": [_ref("Columns"), _ref("Rows")]},
    "PredictAnswer": {
        "anyOf": [
            _object("outputs", outputs=_ref("TensorOrTensors")),
            _object("predictions", predictions=_list_of(_ref("TensorOrTensors"))),
        ]
    },
    "Status": _object(
        "model_version_status",
        model_version_status=_list_of(
            _object(
                "version state status",
                version=STRING,
                state=STRING,
                status=_object("error_code error_message", error_code=STRING, error_message=STRING),
            )
        ),
    ),
    "Metadata": _object("model_spec metadata", model_spec={"type": "object"}, metadata={}),
}


class Endpoint(NamedTuple):
    """Describes what one method of a path does.

    Attributes:
        method: the HTTP method, in lower case.
        path: with the names of its parameters in braces.
        summary: what it does.
        answer: media type of the answer.
        schema: name of the schema of an answer in JSON.
        errors: the statuses of its errors, besides 401 of all endpoints that need a key.
        body: media type of the body of the request, or empty.
        body_schema: the schema of the body.
        is_open: whether it needs no key.
    """

    method: str
    path: str
    summary: str
    answer: str = JSON
    schema: str = ""
    errors: tuple[int, ...] = ()
    body: str = ""
    body_schema: Schema = {}  # noqa: RUF012
    is_open: bool = False


OF_MODEL = (
    "/v1/models/{model}",
    "/v1/models/{model}/versions/{version}",
    "/v1/models/{model}/labels/{label}",
)
BODY_ERRORS = (400, 413, 503)


def endpoints() -> list[Endpoint]:
    """Returns all endpoints."""
    found = [
        Endpoint("get", "/", "The page for people", HTML, is_open=True),
        Endpoint("get", "/healthz", "Whether the process lives", schema="Health", is_open=True),
        Endpoint(
            "get",
            "/readyz",
            "Whether requests are accepted",
            schema="Health",
            errors=(503,),
            is_open=True,
        ),
        Endpoint("get", "/metrics", "Metrics for Prometheus", TEXT),
        Endpoint("get", "/openapi.json", "This document"),
        Endpoint(
            "post",
            "/read",
            "Reads an image file of any format",
            schema="Reading",
            errors=BODY_ERRORS,
            body=FILE,
            body_schema={"type": "string", "format": "binary"},
        ),
    ]
    for path in OF_MODEL:
        known = (400, 404)
        found += [
            Endpoint("get", path, "The states of versions", schema="Status", errors=known),
            Endpoint("get", f"{path}/metadata", "The signatures", schema="Metadata", errors=known),
            Endpoint(
                "post",
                f"{path}:predict",
                "Reads images, or runs another signature",
                schema="PredictAnswer",
                errors=(404, *BODY_ERRORS),
                body=JSON,
                body_schema=_ref("PredictRequest"),
            ),
        ]
    return found


def document(model: str) -> dict[str, Any]:
    """Returns the document.

    Args:
        model: name of the model in requests.
    """
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints():
        paths.setdefault(endpoint.path, {})[endpoint.method] = _operation(endpoint, model)
    return {
        "openapi": "3.1.0",
        "info": {"title": "aocr serve", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def _operation(endpoint: Endpoint, model: str) -> dict[str, Any]:
    errors = endpoint.errors if endpoint.is_open else (*endpoint.errors, 401)
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "parameters": _parameters(endpoint, model),
        "responses": {
            "200": _response(200, endpoint.answer, endpoint.schema),
            **{str(status): _response(status, JSON, "Error") for status in sorted(errors)},
        },
        "security": [{}] if endpoint.is_open else [{"bearer": []}, {"key": []}, {}],
    }
    if endpoint.path == "/readyz":
        operation["responses"]["503"] = _response(503, JSON, "Health")
    if endpoint.body:
        content = {endpoint.body: {"schema": endpoint.body_schema}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _parameters(endpoint: Endpoint, model: str) -> list[dict[str, Any]]:
    """Returns the parameters of the path and of the query."""
    schemas: dict[str, Schema] = {
        "model": {"type": "string", "minLength": 1, "default": model},
        "version": {"type": "integer", "minimum": 0},
        "label": {"type": "string", "minLength": 1, "default": "latest"},
    }
    found = [
        {"name": name, "in": "path", "required": True, "schema": schema}
        for name, schema in schemas.items()
        if f"{{{name}}}" in endpoint.path
    ]
    if endpoint.path == "/read":
        schema = {"type": "string", "enum": ["0", "1"], "default": "0"}
        found.append({"name": "attention", "in": "query", "required": False, "schema": schema})
    return found


def _response(status: int, media_type: str, schema: str) -> dict[str, Any]:
    content = {"schema": _ref(schema)} if schema else {}
    return {"description": STATUSES[status], "content": {media_type: content}}
