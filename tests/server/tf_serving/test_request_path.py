"""The paths of TensorFlow Serving's REST: those of its own tests that a model of ours can be asked.

From tensorflow/serving, `http_rest_api_handler_test.cc` and `http_rest_api_util_test.cc`, in our
own words.
"""

import pytest

from aocr.server.access import is_api_path
from aocr.server.errors import RestError
from aocr.server.models.model_versions import RequestPath
from aocr.server.tf_serving.rest_api import parse_path

RESERVED = "modelname%21%23%24%25%26%27%28%29%2A%2B%2C%2F%3A%3B%3D%3F%40%5B%5D"
PLAIN = "modelname!#$%&'()*+,/:;=?@[]"
LABEL, PLAIN_LABEL = RESERVED.replace("modelname", "x"), PLAIN.replace("modelname", "x")

GOOD = [
    ("GET", f"/v1/models/{RESERVED}", RequestPath(PLAIN)),
    ("GET", "/v1/models", RequestPath("")),
    ("GET", "/v1/models/m", RequestPath("m")),
    ("GET", "/v1/models/m/versions/99", RequestPath("m", version=99)),
    ("GET", "/v1/models/m/labels/latest", RequestPath("m", label="latest")),
    ("GET", f"/v1/models/m/labels/{LABEL}", RequestPath("m", label=PLAIN_LABEL)),
    ("GET", "/v1/models/m/metadata", RequestPath("m", metadata=True)),
    ("GET", "/v1/models/m/versions/1/metadata", RequestPath("m", version=1, metadata=True)),
    ("GET", "/v1/models/m/labels/l/metadata", RequestPath("m", label="l", metadata=True)),
    (
        "GET",
        f"/v1/models/{RESERVED}/labels/{LABEL}/metadata",
        RequestPath(PLAIN, label=PLAIN_LABEL, metadata=True),
    ),
    ("POST", f"/v1/models/{RESERVED}:predict", RequestPath(PLAIN, verb="predict")),
    ("POST", "/v1/models/m/versions/99:predict", RequestPath("m", version=99, verb="predict")),
    ("POST", "/v1/models/m/labels/l:predict", RequestPath("m", label="l", verb="predict")),
    ("POST", "/v1/models/m:classify", RequestPath("m", verb="classify")),
    ("POST", "/v1/models/m:regress", RequestPath("m", verb="regress")),
    ("POST", "/V1/Models/m:PREDICT", RequestPath("m", verb="predict")),
]

MALFORMED = [
    ("GET", "/v1/foo"),
    ("POST", "/v1/foo"),
    ("GET", "/v1/models/debug/name"),
    ("POST", "/v1/models"),
    ("GET", "/v1/models/foo:predict"),
    ("GET", "/v1/models/foo/version/50:predict"),
    ("POST", "/v1/models/foo/version/50:regress"),
    ("POST", "/v1/models/foo/versions/HELLO:regress"),
    ("POST", "/v1/models/foo/versions/some_label:regress"),
    ("POST", "/v1/models/foo/metadata"),
    ("POST", "/v1/models/foo/label/some_label:regress"),
    ("POST", "/v1/models/foo/versions/50/labels/some_label:regress"),
    ("POST", "/v1/models/foo:generate"),
    ("POST", "/v1/models/foo:predict/"),
    ("PUT", "/v1/models/foo:predict"),
    ("HEAD", "/v1/models/foo"),
    ("DELETE", "/v1/models/foo"),
]


@pytest.mark.parametrize(("method", "path", "expected"), GOOD)
def test_paths_that_name_something(method, path, expected):
    assert parse_path(method, path) == expected


@pytest.mark.parametrize(("method", "path"), MALFORMED)
def test_paths_that_are_malformed(method, path):
    with pytest.raises(RestError) as caught:
        parse_path(method, path)
    assert (caught.value.status, str(caught.value)) == (400, f"Malformed request: {method} {path}")


@pytest.mark.parametrize("version", [2**63, 2**64 - 1, 10**400])
def test_a_version_that_is_too_large_is_not_a_number(version):
    path = f"/v1/models/foo/versions/{version}:predict"
    with pytest.raises(RestError, match="Failed to convert version") as caught:
        parse_path("POST", path)
    assert caught.value.status == 400
    assert parse_path("GET", f"/v1/models/m/versions/{2**63 - 1}").version == 2**63 - 1


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/v1/models", True), ("/V1/x", True), ("/statuspage", False), ("/", False), ("/v1", False)],
)
def test_paths_of_the_api(path, expected):
    assert is_api_path(path) is expected
