"""One table of inputs, read by all clients of an export: the answers are those of the model."""

import base64
import json
import subprocess
import sys

import grpc
import httpx
import numpy as np
import pytest
import tensorflow as tf
from contract_cases import CASES, MAX_PIXELS
from grpc_requests import request_of
from helpers import columns
from live_server import live_server
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

from aocr.exports.formats import tflite
from aocr.inference.signatures import Images, add_signatures, session_of
from aocr.model import config_file
from aocr.reading.checkpoint_backend import CheckpointBackend
from aocr.server.models.served_model import ServingLimits

PREDICT = "/v1/models/aocr:predict"
KEYS = ("output", "probability")


class RefusedError(Exception):
    """Says that a client got an error instead of an answer."""


@pytest.fixture(scope="module")
def live(tiny):
    """Yields the model itself as a `ServingSession`, which all exports must agree with."""
    config = config_file.read(tiny.model_dir)
    backend = CheckpointBackend(config, tiny.checkpoint, gpu_id=-1)
    model = backend.model
    signatures = add_signatures(model, config)
    yield session_of(backend.session, model, signatures)
    backend.close()


@pytest.fixture(scope="module")
def expected(live):
    """Returns a function that tells what the model reads from each image of a case, one by one."""

    def read(case):
        images = case.images if isinstance(case.images, list) else [case.images]
        return [live.predict(image) for image in images]

    return read


def refusing(run):
    """Returns a function that raises `RefusedError` instead of TensorFlow's errors."""

    def call(case):
        try:
            return run(case)
        except (tf.errors.OpError, KeyError) as error:
            raise RefusedError(str(error)) from error

    return call


@pytest.fixture(scope="module")
def by_session(tiny):
    """Yields a client that runs `serving_default` in a session."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        loaded = tf.compat.v1.saved_model.load(session, ["serve"], tiny.saved_model)
        signature = loaded.signature_def["serving_default"]
        inputs = {key: info.name for key, info in signature.inputs.items()}
        fetches = [signature.outputs[key].name for key in KEYS]
        yield refusing(lambda case: session.run(fetches, {inputs[case.key]: case.images}))


@pytest.fixture(scope="module")
def by_names(tiny):
    """Yields a client that imports the frozen graph and knows the names of its tensors."""
    with open(f"{tiny.frozen_graph}/frozen_graph.pb", "rb") as file:
        graph_def = tf.compat.v1.GraphDef.FromString(file.read())
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
    names = {"input": "input_image_as_bytes:0"}
    with tf.compat.v1.Session(graph=graph) as session:
        yield refusing(
            lambda case: session.run(
                ["prediction:0", "probability:0"], {names[case.key]: case.images}
            )
        )


@pytest.fixture(scope="module")
def server(tiny):
    """Yields a running `aocr serve`."""
    limits = ServingLimits(max_pixels=MAX_PIXELS)
    with live_server(tiny.saved_model, limits=limits, grpc_port=0) as server:
        yield server


@pytest.fixture(scope="module")
def http(server):
    """Yields a client of `aocr serve`."""
    with httpx.Client(base_url=server.url, timeout=120) as client:
        yield client


@pytest.fixture(scope="module")
def by_grpc(server):
    """Yields a client of the gRPC of `aocr serve`."""
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        stub = PredictionServiceStub(channel)

        def call(case):
            try:
                outputs = stub.Predict(request_of(case.images, case.key), timeout=120).outputs
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.INVALID_ARGUMENT:
                    raise
                raise RefusedError(error.details()) from error
            return [tf.make_ndarray(outputs[key]) for key in KEYS]

        yield call


def ask(http, document):
    """Returns the answer to a JSON document; raises RefusedError with the error of the server."""
    answer = http.post(PREDICT, json=document)
    found = answer.json()
    if answer.status_code != 200:
        assert (answer.status_code, list(found)) == (400, ["error"])
        assert "\n" not in found["error"]
        raise RefusedError(found["error"])
    (values,) = found.values()
    return values


def json_of(case):
    """Returns the images of a case as JSON."""
    if case.json is not None:
        return case.json
    if isinstance(case.images, list):
        return [{"b64": base64.b64encode(image).decode()} for image in case.images]
    return {"b64": base64.b64encode(case.images).decode()}


@pytest.fixture(scope="module")
def by_columns(http):
    """Returns a client that posts columns."""

    def call(case):
        outputs = ask(http, {"inputs": {case.key: json_of(case)}})
        return [outputs[key] for key in KEYS]

    return call


@pytest.fixture(scope="module")
def by_rows(http):
    """Returns a client that posts rows; an answer to a single one is made a scalar."""

    def call(case):
        many = isinstance(case.images, list)
        values = json_of(case) if many else [json_of(case)]
        rows = ask(http, {"instances": [{case.key: value} for value in values]})
        columns = [[row[key] for row in rows] for key in KEYS]
        return columns if many else [values[0] for values in columns]

    return call


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("client", ["by_session", "by_names", "by_columns", "by_rows", "by_grpc"])
def test_all_clients_get_what_the_model_reads(request, expected, client, name):
    case = CASES[name]
    is_server = client in ("by_columns", "by_rows", "by_grpc")
    call = request.getfixturevalue(client)
    if not (case.server_reads if is_server else case.is_read):
        with pytest.raises(RefusedError) as refused:
            call(case)
        if is_server and client != "by_grpc":  # which sends no JSON
            assert case.error in str(refused.value)
        return
    texts, probabilities = call(case)
    is_scalar = not isinstance(case.images, list)
    if client == "by_names":  # gives scalars for a list of one, as 0.7.6
        is_scalar = is_scalar or len(case.images) == 1
    count = () if is_scalar else (len(case.images),)
    assert np.shape(texts) == np.shape(probabilities) == count
    check(np.ravel(texts), np.ravel(probabilities), expected(case))


def check(texts, probabilities, readings):
    """Compares texts, as bytes or strings, and probabilities with what the model read."""
    as_text = [text.decode() if isinstance(text, bytes) else text for text in texts]
    assert as_text == [text for text, _ in readings]
    np.testing.assert_allclose(probabilities, [each for _, each in readings], rtol=1e-5)


CLI = """
import json, os, sys
from tensorflow.python.tools.saved_model_cli import main
codes = []
for arguments in json.load(sys.stdin):
    child = os.fork()
    if not child:
        sys.argv[1:] = arguments
        main()
        os._exit(0)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(json.dumps(codes))
"""
"""Runs `saved_model_cli` with each of several lists of arguments; prints their exit codes.

Each run is a process, as its flags are set once; all of them share one import of TensorFlow, which
takes seconds.
"""


def expression_of(images):
    """Returns an image or several as Python code without semicolons, which separate inputs."""
    if isinstance(images, list):
        return f"[{', '.join(map(expression_of, images))}]"
    return "b'" + "".join(f"\\x{byte:02x}" for byte in images) + "'"


@pytest.fixture(scope="module")
def by_cli(tiny, tmp_path_factory):
    """Returns a function that runs `saved_model_cli` on several inputs, by their names.

    It returns what it found for each, or None instead of an error.
    """
    folder = tmp_path_factory.mktemp("cli")

    def call(given):
        where = ["--dir", tiny.saved_model, "--tag_set=serve", "--signature_def=serving_default"]
        runs = [
            [
                "run",
                *where,
                f"--input_exprs={key}={expression_of(images)}",
                f"--outdir={folder}/{name}",
            ]
            for name, (key, images) in given.items()
        ]
        command = [sys.executable, "-c", CLI]
        done = subprocess.run(
            command, input=json.dumps(runs), capture_output=True, text=True, check=True
        )
        codes = json.loads(done.stdout.splitlines()[-1])
        return {
            name: [np.load(f"{folder}/{name}/{key}.npy", allow_pickle=True) for key in KEYS]
            if code == 0
            else None
            for name, code in zip(given, codes, strict=True)
        }

    return call


def test_saved_model_cli_gets_what_the_model_reads(by_cli, expected):
    """All images are in one list, and not one run for each case, which would take a second."""
    readable = [case for case in CASES.values() if case.is_read]
    images = [i for c in readable for i in (c.images if isinstance(c.images, list) else [c.images])]
    bad = ["one corrupt of three", "wrong key"]
    given = {"all": ("input", images), "scalar": ("input", CASES["scalar"].images)}
    found = by_cli(given | {name: (CASES[name].key, CASES[name].images) for name in bad})
    check(*found["all"], [reading for case in readable for reading in expected(case)])
    texts, probabilities = found["scalar"]
    assert texts.shape == probabilities.shape == ()
    check([texts[()]], [probabilities], expected(CASES["scalar"]))
    assert [found[name] for name in bad] == [None, None]


def test_tflite_reads_the_pixels_of_the_cases_alike(tiny, live, expected, tmp_path):
    config_file.write(str(tmp_path), config_file.read(tiny.model_dir))
    tflite.write(live, str(tmp_path))
    (read,) = tflite.FORMAT.load(str(tmp_path)).readers().values()
    for case in CASES.values():
        if case.is_read:
            images = case.images if isinstance(case.images, list) else [case.images]
            texts, found = columns(read(Images(images, live.prepare(images))))
            readings = expected(case)
            assert texts == [text for text, _ in readings]
            probabilities = [each for _, each in readings]
            np.testing.assert_allclose(found, probabilities, rtol=1e-5)
