"""From JSON to tensors and back: the cases of TensorFlow Serving's own tests, in our own words.

They are those of `json_tensor_test.cc` in tensorflow/serving, moved to the types that signatures
of ours have, or kept where they cost nothing. Of one kind we answer otherwise: JSON that is nested
deeper than `MAX_DEPTH` is refused.
"""

import base64
import json
import math

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from aocr.server.errors import RestError, error_of
from aocr.server.tf_serving.json_input import MAX_DEPTH, SHOWN_CHARACTERS, decode_base64, parse_body
from aocr.server.tf_serving.json_tensors import answer_of, decimal, signature_name_of, tensors_of

STRING, FLOAT, DOUBLE = {"input": tf.string}, {"input": tf.float32}, {"input": tf.float64}
INT, BOOL = {"input": tf.int32}, {"input": tf.bool}
PIXELS = {"pixels": tf.float32, "widths": tf.int32}
HELLO, WORLD = {"b64": "aGVsbG8="}, {"b64": "d29ybGQ="}


def parsed(text, types=STRING):
    return tensors_of(parse_body(text.encode()), types)


def tensors(document, types=STRING):
    return parsed(json.dumps(document), types)


GOOD = [
    ({"instances": [HELLO, WORLD]}, STRING, [b"hello", b"world"], True),
    ({"instances": [[HELLO], [WORLD]]}, STRING, [[b"hello"], [b"world"]], True),
    ({"instances": [{"input": HELLO}, {"input": WORLD}]}, STRING, [b"hello", b"world"], True),
    ({"instances": [{"input": [[HELLO], [WORLD]]}]}, STRING, [[[b"hello"], [b"world"]]], True),
    ({"instances": ["a", "é"]}, STRING, [b"a", "é".encode()], True),
    ({"inputs": HELLO}, STRING, b"hello", False),
    ({"inputs": "text"}, STRING, b"text", False),
    ({"inputs": [HELLO]}, STRING, [b"hello"], False),
    ({"inputs": {"input": HELLO}}, STRING, b"hello", False),
    ({"inputs": {"input": [HELLO, WORLD]}}, STRING, [b"hello", b"world"], False),
    ({"inputs": {"input": HELLO, "more": 1}}, STRING, b"hello", False),
    ({"inputs": []}, STRING, [], False),
    ({"inputs": {"b64": ""}}, STRING, b"", False),
    ({"instances": [[1, 2], [3, 4], [5, 6]]}, INT, [[1, 2], [3, 4], [5, 6]], True),
    ({"inputs": [[[1, 2], [3, 4]]]}, INT, [[[1, 2], [3, 4]]], False),
    ({"instances": [1, 2.0, 5.003, 0.0]}, FLOAT, [1, 2, np.float32(5.003), 0], True),
    ({"instances": [1.0, 2, 0.662]}, DOUBLE, [1, 2, 0.662], True),
    ({"instances": [1435774380]}, FLOAT, [np.float32(1435774380)], True),
    ({"instances": [1.7976931348623157e308, -1.7e308]}, FLOAT, [math.inf, -math.inf], True),
    ({"instances": [2.2250738585072014e-308]}, FLOAT, [0], True),
    ({"instances": [True, False]}, BOOL, [True, False], True),
]


@pytest.mark.parametrize(("document", "types", "expected", "rows"), GOOD, ids=str)
def test_requests_to_tensors(document, types, expected, rows):
    found = tensors(document, types)
    assert found.rows is rows
    assert list(found.tensors) == ["input"]
    assert found.tensors["input"].tolist() == expected
    assert found.tensors["input"].dtype == types["input"].as_numpy_dtype


def test_several_named_tensors_in_both_forms():
    document = {"pixels": [[1, 2.5]], "widths": 7}
    rows = tensors({"instances": [document, document]}, PIXELS)
    assert rows.tensors["pixels"].shape == (2, 1, 2)
    assert rows.tensors["widths"].tolist() == [7, 7]
    columns = tensors({"inputs": {"pixels": [[1, 2.5]], "widths": [7]}}, PIXELS)
    assert columns.tensors["pixels"].tolist() == [[1, 2.5]]
    assert columns.tensors["widths"].tolist() == [7]


def test_numbers_that_are_not_finite():
    found = parsed('{"instances": [NaN, Infinity, -Infinity]}', FLOAT)
    assert np.array_equal(found.tensors["input"], [math.nan, math.inf, -math.inf], equal_nan=True)


BAD = [
    ({"instances": [HELLO], "inputs": HELLO}, STRING, "Not formatted correctly expecting only one"),
    ({"instances": HELLO}, STRING, "Expecting 'instances' to be an list/array"),
    ({"instances": "x"}, STRING, "Expecting 'instances' to be an list/array"),
    ({"instances": []}, STRING, "No values in 'instances' array"),
    ({"signature_name": "x"}, STRING, "Missing 'inputs' or 'instances' key"),
    ({}, STRING, "Missing 'inputs' or 'instances' key"),
    ({"inputs": {"wrong": HELLO}}, STRING, "Missing named input: input in 'inputs' object."),
    ({"inputs": {}}, STRING, "Missing named input: input"),
    ({"inputs": {"b64": 5}}, STRING, "Missing named input: input"),
    ({"inputs": {"input": {"b64": 5}}}, STRING, "not formatted correctly for base64 data"),
    ({"inputs": {"input": {"b64": "x", "y": 1}}}, STRING, "not formatted correctly for base64"),
    ({"inputs": {"input": {}}}, STRING, "not formatted correctly for base64"),
    ({"inputs": {"b64": "?"}}, STRING, "Unable to base64 decode"),
    ({"instances": [{"b64": "?"}]}, STRING, "element: 0 of 'instances' list.*Unable to base64"),
    ({"inputs": 5}, STRING, "JSON Value: 5 Type: Number is not of expected type: string"),
    ({"inputs": None}, STRING, "Type: Null is not of expected type"),
    ({"inputs": [True]}, STRING, "Type: True is not of expected type"),
    ({"instances": [{"wrong": HELLO}]}, STRING, "element: 0 key: wrong of.*named input: wrong"),
    ({"instances": [{"input": HELLO, "x": 1}]}, STRING, "does not have named input: x"),
    ({"instances": [{}]}, STRING, "keys must be equal to: input"),
    ({"instances": [["a"], {"input": ["b"]}]}, STRING, "Expecting value/list but got object at"),
    ({"instances": [{"input": "a"}, "b"]}, STRING, "Expecting object but got list at item 1"),
    ({"instances": [{"input": "a"}, HELLO]}, STRING, "Expecting object but got list at item 1"),
    ({"instances": [["a"], ["b", "c"]]}, STRING, "Expecting tensor size: 1 but got: 2"),
    ({"instances": ["a", ["b"]]}, STRING, r"Expecting shape \[\] but got: \[1\]"),
    ({"instances": [[1, 2], [3, 4], [5, 6, 7]]}, INT, "Expecting tensor size: 2 but got: 3"),
    ({"instances": [[1, 2], [3, 4], [[5, 6]]]}, INT, r"Expecting shape \[2\] but got: \[1,2\]"),
    ({"instances": [[1, 2], ["a", "b"]]}, INT, "not of expected type: int32"),
    ({"instances": ["x", "y"]}, FLOAT, "not of expected type: float"),
    ({"instances": [True]}, FLOAT, "not of expected type: float"),
    ({"instances": [HELLO]}, FLOAT, "not of expected type: float"),
    ({"instances": [1.5]}, INT, "not of expected type: int32"),
    ({"instances": [2**31]}, INT, "not of expected type: int32"),
    ({"instances": [1]}, BOOL, "not of expected type: bool"),
    ({"inputs": [["a"], "b"]}, STRING, "found at incorrect level: 2"),
    ({"inputs": ["a", ["b"]]}, STRING, "Encountered list at unexpected level: 1 expected < 1"),
    ({"inputs": [["a"], ["b", "c"]]}, STRING, "unexpected size: 2 at level: 1 expected size: 1"),
    ({"inputs": [1]}, PIXELS, "inputs is a plain value/list"),
    ({"instances": [1]}, PIXELS, "instances is a plain list"),
    ({"instances": [{"pixels": [1]}]}, PIXELS, "keys must be equal to: pixels,widths"),
]


@pytest.mark.parametrize(("document", "types", "message"), BAD, ids=str)
def test_requests_that_are_refused(document, types, message):
    with pytest.raises(RestError, match=message) as caught:
        tensors(document, types)
    assert caught.value.status == 400


def test_a_type_that_json_cannot_hold_is_not_implemented():
    with pytest.raises(RestError, match="to type: complex64") as caught:
        tensors({"inputs": [1]}, {"input": tf.complex64})
    assert caught.value.status == 501


@pytest.mark.parametrize("name", [5, ["x"], None, {}])
def test_the_name_of_a_signature_is_a_string(name):
    document = parse_body(json.dumps({"signature_name": name}).encode())
    with pytest.raises(RestError, match="'signature_name' key must be a string value"):
        signature_name_of(document)


def test_the_name_of_a_signature_may_be_left_out():
    assert signature_name_of(parse_body(b"{}")) == ""
    assert signature_name_of(parse_body(b'{"signature_name": "a"}')) == "a"


NOT_JSON = [
    (b"", "JSON Parse error: The document is empty"),
    (b" \n", "JSON Parse error: The document is empty"),
    (b"instances = [1, 2]", "JSON Parse error: Invalid value"),
    (b'{"instances": [1,}', "JSON Parse error"),
    (b'{"instances": [1', "JSON Parse error"),
    (b"{'instances': [1]}", "JSON Parse error"),
    (b'{"inputs": "\xff"}', "JSON Parse error: Invalid encoding"),
    (b'{"inputs": ' + b"1" * 5000 + b"}", "JSON Parse error"),
    (b"[1]", r"JSON Value: \[1\] Is not object"),
    (b'"x"', 'JSON Value: "x" Is not object'),
    (b"[" * (MAX_DEPTH + 1), "more than 64 nested"),
    (b'{"x":' + b"[" * 500_000 + b"]" * 500_000 + b"}", "more than 64 nested"),
]


@pytest.mark.parametrize(("body", "message"), NOT_JSON, ids=range(len(NOT_JSON)))
def test_bodies_that_are_not_objects(body, message):
    with pytest.raises(RestError, match=message) as caught:
        parse_body(body)
    assert caught.value.status == 400


def test_a_lone_surrogate_is_not_text():
    with pytest.raises(RestError, match="surrogate pair"):
        parsed('{"inputs": "\\ud800"}')


def test_what_serving_tolerates_in_json():
    assert parse_body(b'{"a": 1} trailing') == {"a": 1}
    assert parse_body(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}
    assert parse_body(b'{"a": 1, "a": 2}') == {"a": 1}
    twice = parsed('{"inputs": {"input": "x", "input": 5}}')
    assert twice.tensors["input"].tolist() == b"x"
    with pytest.raises(RestError, match="not formatted correctly for base64"):
        parsed('{"inputs": {"input": {"b64": "", "b64": ""}}}')


def test_brackets_in_strings_are_not_nested():
    assert parse_body(json.dumps({"a": "[{" * 999 + '"\\'}).encode())["a"].startswith("[{[{")


@given(st.binary(), st.booleans())
def test_base64_with_and_without_padding(data, padded):
    text = base64.b64encode(data).decode()
    assert decode_base64(text if padded else text.rstrip("=")) == data
    assert decode_base64(" \n".join(text)) == data


@pytest.mark.parametrize("text", ["a", "a===", "aaaa=", "aa=", "aa===", "a-_a", "é", "a=aa"])
def test_what_is_not_base64(text):
    with pytest.raises(RestError, match="Unable to base64 decode"):
        decode_base64(text)


def test_errors_show_the_beginning_of_large_values():
    with pytest.raises(RestError) as caught:
        tensors({"instances": {"x": "y" * 10_000}})
    assert len(str(caught.value)) < SHOWN_CHARACTERS + 100


TEXTS = np.array([b"AB", 'é"\n'.encode()], object)
PROBABILITIES = np.array([0.5, 0.9876543210123456])

ANSWERS = [
    (
        {"output": TEXTS, "probability": PROBABILITIES},
        {"output": ["AB", 'é"\n'], "probability": [0.5, 0.9876543210123456]},
        [
            {"output": "AB", "probability": 0.5},
            {"output": 'é"\n', "probability": 0.9876543210123456},
        ],
    ),
    ({"output": TEXTS}, ["AB", 'é"\n'], ["AB", 'é"\n']),
    ({"x": np.array([[1, 2], [3, 4]])}, [[1, 2], [3, 4]], [[1, 2], [3, 4]]),
    (
        {"x_bytes": np.array([[b"hello"], [b"world"]], object)},
        [[HELLO], [WORLD]],
        [[HELLO], [WORLD]],
    ),
    ({"x": np.array([True, False])}, [True, False], [True, False]),
    ({"x": np.zeros([0, 2]), "y": np.zeros([0])}, {"x": [], "y": []}, []),
]


@pytest.mark.parametrize(("outputs", "columns", "rows"), ANSWERS, ids=range(len(ANSWERS)))
def test_tensors_to_answers(outputs, columns, rows):
    assert json.loads(answer_of(outputs, rows=False)) == {"outputs": columns}
    assert json.loads(answer_of(outputs, rows=True)) == {"predictions": rows}


def test_scalars_are_columns_but_not_rows():
    outputs = {"output": TEXTS[0:1].reshape([]), "probability": PROBABILITIES[0:1].reshape([])}
    expected = {"outputs": {"output": "AB", "probability": 0.5}}
    assert json.loads(answer_of(outputs, rows=False)) == expected
    with pytest.raises(RestError, match="Tensor name: output has no shape information"):
        answer_of(outputs, rows=True)


def test_outputs_that_are_no_answer():
    with pytest.raises(RestError, match="empty tensor map"):
        answer_of({}, rows=True)
    with pytest.raises(RestError, match="y has inconsistent batch size: 1 expecting: 2"):
        answer_of({"x": np.zeros([2]), "y": np.zeros([1])}, rows=True)


NUMBERS = [
    *((np.float32(9e6), "9e+06"), (np.float32(999999), "999999.0"), (np.float32(0.5), "0.5")),
    *((np.float32(0.0003), "0.0003"), (np.float32(3e-5), "3e-05"), (np.float32(3), "3.0")),
    *((np.float32(555557.5), "555557.5"), (np.float32("nan"), "NaN"), (math.inf, "Infinity")),
    *((-math.inf, "-Infinity"), (0.98, "0.98"), (1.0, "1.0"), (0.1 + 0.2, "0.30000000000000004")),
]


@pytest.mark.parametrize(("value", "expected"), NUMBERS, ids=str)
def test_numbers_in_answers(value, expected):
    assert decimal(value) == expected


@given(st.floats(width=32))
def test_numbers_in_answers_are_exact(value):
    single = np.float32(value)
    assert np.array_equal(np.float32(decimal(single)), single, equal_nan=True)
    assert np.array_equal(float(decimal(value)), value, equal_nan=True)


def test_an_answer_and_an_error_have_the_form_of_serving():
    scalar = {"output": np.array(b"AB", object), "probability": np.array(0.5)}
    assert answer_of(scalar, rows=False).decode() == (
        '{\n    "outputs": {\n        "output": "AB",\n        "probability": 0.5\n    }\n}'
    )
    vector = {"output": TEXTS[:1], "probability": PROBABILITIES[:1]}
    assert answer_of(vector, rows=True).decode() == (
        '{\n    "predictions": [\n        {\n            "output": "AB",\n'
        '            "probability": 0.5\n        }\n    ]\n}'
    )
    assert error_of(RestError(400, 'a "b"')).decode() == '{\n    "error": "a \\"b\\""\n}'
