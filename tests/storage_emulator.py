"""An emulator of Google Cloud Storage: the part of its JSON API that TensorFlow's client uses.

The client has no setting for another endpoint than `HOSTS`. So this works only where their names
lead to this machine; `namespaces.py` arranges that for one process.

As a program, it is the server: `storage_emulator.py CERTIFICATE KEY BUCKET`.
"""

from __future__ import annotations

import contextlib
import datetime
import http.server
import itertools
import json
import os
import pathlib
import re
import ssl
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, unquote, urlsplit

HOSTS = ("www.googleapis.com", "storage.googleapis.com")
PORT = 443
PAGE = 3
"""Most objects in one page of a list: few, so that small tests have several pages."""

READY = "ready\n"


class Bucket:
    """Holds objects in memory.

    Attributes:
        name: of the bucket.
        objects: content and properties of each object, by name.
        uploads: uploads that have begun: the object's name and what has arrived, by their numbers.
        requests: number of requests by their kinds.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.objects: dict[str, tuple[bytes, dict[str, str]]] = {}
        self.uploads: dict[str, tuple[str, bytearray]] = {}
        self.requests: Counter[str] = Counter()
        self.lock = threading.Lock()
        self._numbers = itertools.count(1)

    def put(self, name: str, content: bytes) -> dict[str, str]:
        """Stores an object as a new generation, and returns its properties."""
        now = datetime.datetime.now(datetime.timezone.utc)
        properties = {
            "name": name,
            "size": str(len(content)),
            "generation": str(next(self._numbers)),
            "updated": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }
        self.objects[name] = content, properties
        return properties

    def begin_upload(self, name: str) -> str:
        """Begins an upload in parts, and returns its number."""
        number = str(next(self._numbers))
        self.uploads[number] = name, bytearray()
        return number

    def page(self, query: dict[str, str]) -> dict:
        """Returns one page of the objects below a prefix."""
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
        entries: dict[str, dict | None] = {}  # the properties of an object; None for a folder
        for name in sorted(name for name in self.objects if name.startswith(prefix)):
            head, cut, _ = name[len(prefix) :].partition(delimiter or "\0")
            is_folder = bool(delimiter and cut)
            key = f"{prefix}{head}{cut}" if is_folder else name
            entries[key] = None if is_folder else self.objects[name][1]
        start = int(query.get("pageToken", 0))
        end = start + min(PAGE, int(query.get("maxResults", PAGE)))
        chosen = list(entries.items())[start:end]
        answer: dict = {
            "items": [properties for _, properties in chosen if properties],
            "prefixes": [name for name, properties in chosen if not properties],
        }
        return answer | ({"nextPageToken": str(end)} if end < len(entries) else {})


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    bucket: Bucket

    def handle_request(self) -> None:
        """Answers a request of any method."""
        url = urlsplit(self.path)
        self.query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        body = self.read_body()
        for kind, method, pattern in ROUTES:
            match = re.fullmatch(pattern, url.path)
            if match and method == self.command:
                names = [unquote(group) for group in match.groups()]
                with self.bucket.lock:
                    self.bucket.requests[kind] += 1
                    known = {self.bucket.name}.issuperset(names[::2])
                    (getattr(self, kind) if known else self.not_found)(names[1::2], body)
                return
        self.answer(501, {"unknown": f"{self.command} {self.path}"})

    do_GET = do_POST = do_PUT = do_DELETE = handle_request  # noqa: N815

    def read_body(self) -> bytes:
        """Returns the body of the request, which may come in chunks."""
        if self.headers["Transfer-Encoding"] != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"] or 0))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def answer(self, status: int, content: dict | bytes = b"", **headers: str) -> None:
        """Sends an answer."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def not_found(self, names: list[str], body: bytes) -> None:
        """Answers that a bucket or an object is not there."""
        self.answer(404, {"error": {"code": 404}})

    def describe_bucket(self, names: list[str], body: bytes) -> None:
        """Answers that the bucket is there."""
        self.answer(200, {"name": self.bucket.name})

    def list_objects(self, names: list[str], body: bytes) -> None:
        """Sends a page of a list."""
        self.answer(200, self.bucket.page(self.query))

    def describe(self, names: list[str], body: bytes) -> None:
        """Sends the properties of an object."""
        if names[0] not in self.bucket.objects:
            return self.not_found(names, body)
        return self.answer(200, self.bucket.objects[names[0]][1])

    def download(self, names: list[str], body: bytes) -> None:
        """Sends a range of an object's content."""
        if names[0] not in self.bucket.objects:
            return self.not_found(names, body)
        content = self.bucket.objects[names[0]][0]
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers["Range"] or "bytes=0-")
        start, last = int(match[1]), int(match[2] or len(content))
        if start >= len(content):
            return self.answer(416)
        part = content[start : last + 1]
        place = f"bytes {start}-{start + len(part) - 1}/{len(content)}"
        return self.answer(206 if self.headers["Range"] else 200, part, Content_Range=place)

    def begin_upload(self, names: list[str], body: bytes) -> None:
        """Stores a small object, or begins an upload in parts."""
        name = self.query["name"]
        if self.query.get("ifGenerationMatch") == "0" and name in self.bucket.objects:
            return self.answer(412, {"error": {"code": 412}})
        if self.query["uploadType"] == "media":
            return self.answer(200, self.bucket.put(name, body))
        number = self.bucket.begin_upload(name)
        return self.answer(200, Location=f"https://{HOSTS[0]}{self.path}&upload_id={number}")

    def upload_part(self, names: list[str], body: bytes) -> None:
        """Takes a part of an upload, or tells how much has arrived."""
        name, arrived = self.bucket.uploads[self.query["upload_id"]]
        first, total = re.fullmatch(
            r"bytes (?:(\d+)-\S+|\*)/(\d+)", self.headers["Content-Range"]
        ).groups()
        if first is not None:
            arrived[int(first) :] = body
        if len(arrived) == int(total):
            return self.answer(200, self.bucket.put(name, bytes(arrived)))
        return self.answer(308, **({"Range": f"bytes=0-{len(arrived) - 1}"} if arrived else {}))

    def rewrite(self, names: list[str], body: bytes) -> None:
        """Copies an object."""
        if names[0] not in self.bucket.objects:
            return self.not_found(names, body)
        self.bucket.put(names[1], self.bucket.objects[names[0]][0])
        return self.answer(200, {"done": True})

    def delete(self, names: list[str], body: bytes) -> None:
        """Removes an object."""
        if self.bucket.objects.pop(names[0], None) is None:
            return self.not_found(names, body)
        return self.answer(204)

    def log_message(self, *args: object) -> None:
        """Logs nothing."""


OBJECT = "/storage/v1/b/([^/]+)/o/([^/]+)"
ROUTES = (
    ("describe_bucket", "GET", "/storage/v1/b/([^/]+)"),
    ("list_objects", "GET", "/storage/v1/b/([^/]+)/o"),
    ("describe", "GET", OBJECT),
    ("delete", "DELETE", OBJECT),
    ("rewrite", "POST", f"{OBJECT}/rewriteTo/b/([^/]+)/o/([^/]+)"),
    ("begin_upload", "POST", "/upload/storage/v1/b/([^/]+)/o"),
    ("upload_part", "PUT", "/upload/storage/v1/b/([^/]+)/o"),
    ("download", "GET", "/([^/]+)/([^/]+)"),
)
"""Kind, which is the method of `Handler`, HTTP method and path of each request."""


def make_certificate(folder: pathlib.Path) -> tuple[str, str]:
    """Makes a certificate for the hosts, and returns its file and that of its key."""
    certificate, key = f"{folder}/certificate.pem", f"{folder}/key.pem"
    names = ",".join(f"DNS:{host}" for host in HOSTS)
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=emulator", "-addext"]
    command += [f"subjectAltName={names}", "-out", certificate, "-keyout", key]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


@contextlib.contextmanager
def emulator(folder: pathlib.Path, bucket: str) -> Iterator[Callable[[], Counter[str]]]:
    """Runs the emulator, with one empty bucket; TensorFlow in this process trusts it.

    It is a process of its own: TensorFlow holds Python's lock during some requests. Yields a
    function that returns the number of requests of each kind since its last call.
    """
    certificate, key = make_certificate(folder)
    os.environ["CURL_CA_BUNDLE"] = certificate
    os.environ["GOOGLE_AUTH_TOKEN_FOR_TESTING"] = "token"
    os.environ["NO_GCE_CHECK"] = "true"
    command = [sys.executable, __file__, certificate, key, bucket]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert process.stdout.readline() == READY

        def take_requests() -> Counter[str]:
            process.stdin.write("\n")
            return Counter(json.loads(process.stdout.readline()))

        try:
            yield take_requests
        finally:
            process.stdin.close()


def serve(certificate: str, key: str, name: str) -> None:
    """Answers until stdin ends; for each of its lines, prints the requests since the one before."""
    bucket = Handler.bucket = Bucket(name)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(READY, end="", flush=True)
    for _ in sys.stdin:
        with bucket.lock:
            print(json.dumps(bucket.requests), flush=True)
            bucket.requests.clear()


if __name__ == "__main__":
    serve(*sys.argv[1:])
