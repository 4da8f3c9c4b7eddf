"""Requests of TensorFlow Serving's REST, and the errors that its server answers with."""

import base64
import json

from tiny_model import png

MODEL = "/v1/models/aocr"


def b64(data):
    return {"b64": base64.b64encode(data).decode()}


A, B = b64(png("a")), b64(png("b"))


def predict(client, document, path=f"{MODEL}:predict"):
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return client.post(path, content=content)


DOCUMENTS = [
    {"inputs": {"input": A}},
    {"inputs": A},
    {"inputs": {"input": [A, B]}},
    {"inputs": [[A], [B]]},
    {"instances": [A]},
    {"instances": [{"input": A}, {"input": B}]},
]


ERRORS = [
    ("POST", f"{MODEL}:predict", "", 400, "JSON Parse error: The document is empty"),
    ("POST", f"{MODEL}:predict", "instances = [1, 2]", 400, "JSON Parse error: Invalid value"),
    ("POST", f"{MODEL}:predict", '{"instances": [5]}', 400, "not of expected type: string"),
    ("POST", f"{MODEL}:predict", '{"signature_name": 100}', 400, "must be a string value"),
    ("POST", f"{MODEL}:predict", '{"signature_name": "x", "inputs": 1}', 400, 'name: "x" not'),
    ("POST", f"{MODEL}:predict", '{"inputs": {"wrong": "x"}}', 400, "Missing named input: input"),
    ("POST", f"{MODEL}:predict", '{"inputs": 1, "instances": []}', 400, "Not formatted correctly"),
    ("POST", f"{MODEL}:predict", '{"inputs": {"b64": "?"}}', 400, "Unable to base64 decode"),
    ("POST", f"{MODEL}:predict", "[" * 100_000, 400, "nested"),
    ("POST", f"{MODEL}:predict", f'{{"inputs": {"[" * 33}"x"{"]" * 33}}}', 400, "16 nested lists"),
    ("POST", "/v1/models/foo:predict", '{"instances": [1]}', 404, "for request: Latest(foo)"),
    ("POST", "/v1/models/foo/versions/50:predict", "{}", 404, "Specific(foo, 50)"),
    ("POST", f"{MODEL}/versions/99:predict", '{"instances": [1]}', 404, "Specific(aocr, 99)"),
    ("POST", "/v1/models/foo:predict", "not JSON", 400, "JSON Parse error"),
    ("POST", f"{MODEL}/labels/x:predict", '{"instances": ["x"]}', 400, "servable version label: x"),
    ("POST", f"{MODEL}:classify", '{"examples": [{}]}', 400, "Expected classification signature"),
    ("POST", f"{MODEL}:regress", '{"examples": [{}]}', 400, "Expected regression signature"),
    ("GET", "/v1/foo", "", 400, "Malformed request: GET /v1/foo"),
    ("POST", "/v1/models", "", 400, "Malformed request: POST /v1/models"),
    ("PUT", f"{MODEL}:predict", "{}", 400, "Malformed request: PUT"),
    ("GET", f"{MODEL}:predict", "", 400, "Malformed request: GET"),
    ("GET", "/v1/models", "", 400, "Missing model name"),
    ("GET", "/v1/models/foo", "", 404, "Could not find any versions of model foo"),
    ("GET", f"{MODEL}/versions/9", "", 404, "Could not find version 9 of model aocr"),
    ("GET", f"{MODEL}/labels/x", "", 400, "Unrecognized servable version label: x"),
    ("GET", "/v1/models/foo/metadata", "", 404, "Servable not found for request: Latest(foo)"),
    ("GET", "/nothing", "", 404, "there is no /nothing"),
    ("GET", "/v1/models/%0A0", "", 404, "Could not find any versions of model"),
    ("GET", "/etc/passwd", "", 404, "there is no"),
    ("GET", "/../../etc/passwd", "", 404, "there is no"),
]
"""Methods, paths, bodies, and the status and a part of the message of the answer."""
