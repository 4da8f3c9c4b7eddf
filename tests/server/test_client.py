"""`aocr predict --server`: against a server of ours, and against answers that others give."""

import contextlib
import http.server
import json
import re
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from commands import environment
from live_server import live_server
from tiny_model import picture, png

import aocr
from aocr.cli.command import build_parser
from aocr.reading import remote
from aocr.reading.remote import RefusedError, RestClient, predict_url
from aocr.util.errors import UserError

NAMES = "abcde"


@pytest.fixture(scope="module")
def server(tiny):
    with live_server(tiny.saved_model, api_keys=["secret"]) as running:
        yield running


@pytest.fixture
def folder(tmp_path):
    for name in NAMES:
        (tmp_path / f"{name}.png").write_bytes(png(name))
    picture("a").save(tmp_path / "f.tiff")
    (tmp_path / "g.png").write_bytes(png("b")[:-60])
    (tmp_path / "key").write_text("\nsecret\n")
    return tmp_path


def test_images_are_read_without_tensorflow(server, folder, tiny):
    program = """
import sys
sys.modules["tensorflow"] = None
from aocr.__main__ import main
sys.exit(main())
"""
    with aocr.load(tiny.saved_model) as reader:
        images = [str(folder / f"{name}.png") for name in NAMES]
        expected = reader.read([*images, str(folder / "f.tiff")])
    limit = sum(sorted(reading.probability for reading in expected)[2:4]) / 2  # three are below
    flags = ["--json", "--batch-size=3", f"--api-key-file={folder}/key"]
    flags += [f"--server={server.url}", f"--min-probability={limit}"]
    done = subprocess.run(
        [sys.executable, "-c", program, "predict", *flags, "."],
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert done.returncode == 1, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    for row, reading in zip(found[:6], expected, strict=True):
        assert list(row) == ["path", "text", "probability", "uncertain"]
        assert row["text"] == reading.text
        assert row["probability"] == pytest.approx(reading.probability, rel=1e-4)
        assert row["uncertain"] == (reading.probability < limit)
    assert found[6]["path"] == "./g.png"
    assert found[6]["error"].startswith("the server refuses it: ")
    assert re.search(r"Below --min-probability=\S+: 3 of 6 texts\.\n", done.stderr)
    assert "2 files have no image's suffix: left out: aocr.log, key\n" in done.stderr


def predict(*arguments):
    args = build_parser().parse_args(["predict", *map(str, arguments)])
    return args.task(args).run()


@pytest.mark.parametrize("flag", ["--lexicon=words", "--pattern=A", "--top=2", "--beam-width=3"])
def test_the_model_of_a_server_decides_which_texts_are_looked_for(flag, capsys):
    with pytest.raises(SystemExit) as stopped:
        predict("a.png", "--server=http://localhost:1", flag)
    assert stopped.value.code == 2
    name = flag.partition("=")[0]
    assert f"{name} cannot be chosen with --server" in capsys.readouterr().err


def test_a_server_that_wants_a_key_says_so(server, folder):
    with pytest.raises(UserError, match=r"answers 401: .*name a file .* --api-key-file"):
        predict(folder / "a.png", f"--server={server.url}")


def test_a_model_that_is_not_there(server, folder):
    url = f"{server.url}/v1/models/other"
    with pytest.raises(UserError, match=r"404: Servable not found .*other.*: name the model"):
        predict(folder / "a.png", f"--server={url}", f"--api-key-file={folder}/key")


def test_a_server_that_is_not_there(folder):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(UserError, match=r"cannot reach .*refused.*is the server running\?"):
            predict(folder / "a.png", f"--server={url}")


def test_a_server_that_is_silent():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        client = RestClient(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.2)
        with pytest.raises(UserError, match=r"silent for 0\.2 s|within 0\.2 s"):
            client.read([b"x"])


def test_an_answer_that_is_announced_too_large_is_not_awaited():
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{"
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            connection, _ = server.accept()
            with connection:
                connection.recv(10_000)
                connection.sendall(head)
                # closing with bytes unread would reset the connection
                while connection.recv(10_000):
                    pass

        with ThreadPoolExecutor(1) as threads:
            threads.submit(answer)
            client = RestClient(f"http://127.0.0.1:{server.getsockname()[1]}")
            with pytest.raises(UserError, match="announces an answer of 99999999999 bytes"):
                client.read([b"x"])


@contextlib.contextmanager
def answering(*answers):
    """Yields a client of a server that gives these answers, and the requests that it gets."""
    left, requests = list(answers), []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            status, body = left.pop(0)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield RestClient(f"http://127.0.0.1:{server.server_port}"), requests
        server.shutdown()


def outputs(texts, probabilities):
    return {"outputs": {"output": texts, "probability": probabilities}}


def test_an_export_of_aocr_076_answers_one_image_with_scalars():
    with answering((200, outputs("AB", 0.5))) as (client, requests):
        (reading,) = client.read([b"x"])
        assert (reading.text, reading.probability) == ("AB", 0.5)
    (request,) = requests
    assert request == {"signature_name": "serving_default", "inputs": {"input": [{"b64": "eA=="}]}}


STRANGE = [
    b"<html>",
    {"predictions": []},
    {"outputs": ["AB"]},
    outputs(["AB"], []),
    outputs(["A"], ["x"]),
]


@pytest.mark.parametrize("body", STRANGE, ids=str)
def test_answers_that_are_not_those_of_an_export(body):
    with answering((200, body)) as (client, _), pytest.raises(UserError, match="does not answer"):
        client.read([b"x"])


def test_too_few_answers():
    expected = pytest.raises(UserError, match="1 texts to 2 images")
    with answering((200, outputs(["A"], [1.0]))) as (client, _), expected:
        client.read([b"x", b"y"])


@pytest.mark.parametrize(
    ("status", "error"), [(400, RefusedError), (413, RefusedError), (500, UserError)]
)
def test_errors_of_a_server(status, error):
    expected = pytest.raises(error, match="one line")
    with answering((status, {"error": "one\nline"})) as (client, _), expected:
        client.read([b"x"])


def test_a_refused_batch_is_sent_one_by_one(folder):
    paths = [str(folder / f"{name}.png") for name in "abc"]
    refusal = (400, {"error": "bad image"})
    good = (200, outputs(["A"], [1.0]))
    with answering(refusal, good, refusal, good) as (client, requests):
        found = list(remote.predict(client, [*paths, "nosuch.png"], 8))
    assert [len(request["inputs"]["input"]) for request in requests] == [3, 1, 1, 1]
    assert [each.failure for _, each in found] == [
        *("", "the server refuses it: bad image", "", "no such file"),
    ]
    assert [path for path, _ in found] == [*paths, "nosuch.png"]


def test_requests_are_not_larger_than_servers_accept(folder, monkeypatch):
    monkeypatch.setattr(remote, "MAX_REQUEST_BYTES", 2 * len(png("a")) + 20)
    paths = [str(folder / f"{name}.png") for name in "abcde"]
    answers = [(200, outputs(["A"] * n, [1.0] * n)) for n in (2, 2, 1)]
    with answering(*answers) as (client, requests):
        assert len(list(remote.predict(client, paths, 8))) == 5
    assert [len(request["inputs"]["input"]) for request in requests] == [2, 2, 1]


URLS = {
    "http://h": "http://h/v1/models/aocr:predict",
    "https://h:8501/": "https://h:8501/v1/models/aocr:predict",
    "http://h/v1/models/x": "http://h/v1/models/x:predict",
    "http://h/v1/models/x/versions/2/": "http://h/v1/models/x/versions/2:predict",
    "http://h/v1/models/x:predict": "http://h/v1/models/x:predict",
    "http://[::1]:1/proxy/v1/models/x": "http://[::1]:1/proxy/v1/models/x:predict",
}


@pytest.mark.parametrize("url", URLS)
def test_urls(url):
    assert predict_url(url) == URLS[url]


@pytest.mark.parametrize("url", ["h:8501", "localhost", "ftp://h", "http://", "http://h:x", "/x"])
def test_what_is_not_a_url(url):
    with pytest.raises(UserError, match="is not a URL"):
        predict_url(url)


@pytest.mark.parametrize("flags", [["--server=http://h", "--checkpoint=1"], ["--api-key-file=x"]])
def test_flags_that_contradict_each_other(flags, capsys):
    with pytest.raises(SystemExit):
        build_parser().parse_args(["predict", *flags])
    assert "--server" in capsys.readouterr().err
