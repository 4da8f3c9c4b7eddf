"""Draws requests from an OpenAPI document, and checks answers against it."""

import base64
import json
import urllib.parse
from typing import NamedTuple

from hypothesis import strategies as st
from tiny_model import png

GOOD, CUT = png("a"), png("a")[:100]
FILES = st.one_of(
    st.just(GOOD),
    st.binary(max_size=200).map(lambda data: CUT + data),
    st.binary(max_size=64),
)
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "number": (int, float),
    "integer": int,
    "boolean": bool,
}


class Request(NamedTuple):
    """Holds a request for an operation of the document."""

    method: str
    url: str
    body: bytes | None
    operation: dict


def requests_of(document):
    """Returns a strategy of requests: most fit the document, and some do not."""
    operations = [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return st.sampled_from(operations).flatmap(lambda each: _requests(document, *each))


def _requests(document, method, path, operation):
    values = {
        each["name"]: _parameter_values(document, each["schema"])
        for each in operation["parameters"]
    }
    in_query = [each["name"] for each in operation["parameters"] if each["in"] == "query"]
    return st.builds(
        lambda given, body: _request(method, path, operation, given, in_query, body),
        st.fixed_dictionaries(values),
        _bodies(document, operation),
    )


def _request(method, path, operation, given, in_query, body):
    for name in given.keys() - set(in_query):
        path = path.replace(f"{{{name}}}", urllib.parse.quote(str(given[name]), safe=""))
    query = urllib.parse.urlencode({name: given[name] for name in in_query})
    return Request(method.upper(), f"{path}?{query}" if query else path, body, operation)


def _parameter_values(document, schema):
    usual = [st.just(schema["default"])] * 4 if "default" in schema else [st.integers(0, 4)] * 4
    return st.one_of(*usual, values_of(document, schema))


def _bodies(document, operation):
    if "requestBody" not in operation:
        return st.none()
    ((media_type, content),) = operation["requestBody"]["content"].items()
    fitting = values_of(document, content["schema"])
    if media_type == "application/json":
        fitting = fitting.map(lambda value: json.dumps(value).encode())
    cut = st.tuples(fitting, st.integers(0, 40)).map(lambda pair: pair[0][: -pair[1] or None])
    return st.one_of(fitting, fitting, fitting, cut, st.binary(max_size=64))


def values_of(document, schema, depth=3):
    """Returns a strategy of the values that a schema permits, of the parts that ours uses."""
    schema = _resolved(document, schema)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        kinds = [each for each in schema["anyOf"] if depth or not _is_nested(document, each)]
        return st.one_of(*(values_of(document, each, depth) for each in kinds))
    kind = schema["type"]
    if kind == "object":
        return _objects(document, schema, depth)
    if kind == "array":
        items = values_of(document, schema["items"], max(0, depth - 1))
        same = st.tuples(items, st.integers(1, 3)).map(lambda pair: [pair[0]] * pair[1])
        return same | st.lists(items, min_size=schema.get("minItems", 0), max_size=3)
    if schema.get("contentEncoding") == "base64":
        return FILES.map(lambda data: base64.b64encode(data).decode())
    if schema.get("format") == "binary":
        return FILES
    simple = {
        "string": st.text(min_size=schema.get("minLength", 0), max_size=8),
        "number": st.floats() | st.integers(),
        "integer": st.integers(min_value=schema.get("minimum")),
        "boolean": st.booleans(),
    }
    return simple[kind]


def _is_nested(document, schema):
    resolved = _resolved(document, schema)
    return resolved.get("type") == "array" or "additionalProperties" in resolved


def _objects(document, schema, depth):
    members = {
        name: values_of(document, each, depth)
        for name, each in schema.get("properties", {}).items()
    }
    if "signature_name" in members:
        known = ("", "serving_default", "serving_batch", "serving_pixels")
        members["signature_name"] = st.sampled_from(known) | members["signature_name"]
    required = {name: members.pop(name) for name in schema.get("required", ())}
    more = schema.get("additionalProperties")
    if not more:
        return st.fixed_dictionaries(required, optional=members)
    keys = st.sampled_from(["input", "pixels", "widths"]) | st.text(max_size=4)
    return st.dictionaries(keys, values_of(document, more, max(0, depth - 1)), max_size=3)


def check_answer(document, request, answer):
    """Checks that the document announces the status, the type and the content of an answer."""
    shown = f"{request[:3]}: {answer.status_code} {answer.text[:500]}"
    assert str(answer.status_code) in request.operation["responses"], shown
    content = request.operation["responses"][str(answer.status_code)]["content"]
    media_type = answer.headers["content-type"].partition(";")[0]
    assert media_type in content, shown
    if "schema" in content[media_type]:
        assert conforms(document, content[media_type]["schema"], answer.json()), shown


def conforms(document, schema, value):
    """Returns whether a value is one that a schema permits."""
    schema = _resolved(document, schema)
    if "anyOf" in schema:
        return any(conforms(document, each, value) for each in schema["anyOf"])
    if "type" not in schema:
        return True
    if not isinstance(value, TYPES[schema["type"]]):
        return False
    if schema["type"] == "array":
        return all(conforms(document, schema["items"], each) for each in value)
    if schema["type"] != "object":
        return True
    properties, more = schema.get("properties", {}), schema.get("additionalProperties", {})
    return (
        set(schema.get("required", ())) <= value.keys()
        and all(name in properties or more is not False for name in value)
        and all(
            conforms(document, properties.get(name, more or {}), each)
            for name, each in value.items()
        )
    )


def _resolved(document, schema):
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema
