"""`aocr serve` in a process of its own: it starts, answers, and stops after what it accepted."""

import base64
import re
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from commands import environment
from tiny_model import png

from aocr.cli.command import build_parser
from aocr.util.errors import UserError

READY = re.compile(r"Serving .*, version 3, as 'words' at (http://127\.0\.0\.1:\d+)/ ")


@pytest.mark.parametrize("number", [signal.SIGTERM])
def test_accepted_requests_are_answered_after_a_signal(tiny, tmp_path, number):
    flags = ["--port=0", "--model-name=words", "--batch-timeout-ms=2000", "--max-batch=8"]
    command = [sys.executable, "-m", "aocr", "serve", tiny.versions, *flags, "--gpu-id=-1"]
    with (
        subprocess.Popen(
            command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, env=environment()
        ) as process,
        ThreadPoolExecutor(2) as threads,
    ):
        lines = []
        for line in process.stderr:
            lines.append(line)
            if match := READY.search(line):
                break
        assert match, lines
        with httpx.Client(base_url=match[1], timeout=120) as client:
            request = {"inputs": {"input": {"b64": base64.b64encode(png("a")).decode()}}}
            path = "/v1/models/words:predict"
            running = [threads.submit(client.post, path, json=request) for _ in range(2)]
            while "aocr_waiting_images 2.0" not in client.get("/metrics").text:
                assert not any(each.done() for each in running)
            process.send_signal(number)
            assert [each.result().status_code for each in running] == [200, 200]
        rest = process.stderr.read()
    assert process.returncode == 0, rest
    assert "Stopped." in rest
    assert "Traceback" not in rest
    assert '"status": 200' in rest
    assert "Serving" in (tmp_path / "aocr.log").read_text()


def run(*arguments):
    args = build_parser().parse_args(["serve", *map(str, arguments)])
    return args.task(args).run()


@pytest.mark.parametrize("name", ["a/b", "a:b", "a\n", ""])
def test_a_name_that_no_path_can_hold_is_refused(name, capsys):
    with pytest.raises(SystemExit, match="2"):
        run("m", f"--model-name={name}")
    assert "argument --model-name" in capsys.readouterr().err


def test_http_and_grpc_need_ports_of_their_own(capsys):
    with pytest.raises(SystemExit, match="2"):
        run("m", "--port=8500", "--grpc-port=8500")
    assert "--port and --grpc-port are both 8500" in capsys.readouterr().err


def test_a_port_that_is_taken_is_one_clear_line(tiny):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port}: Address already in use: choose another"):
            run(tiny.saved_model, f"--port={port}")


def test_a_host_that_is_not_this_one_is_one_clear_line(tiny):
    with pytest.raises(UserError, match="cannot listen on no-such-host"):
        run(tiny.saved_model, "--host=no-such-host.invalid")


@pytest.mark.parametrize("content", ["", "\n \n", "schlüssel"])
def test_a_file_without_a_key_lets_nobody_in(tiny, tmp_path, content):
    (tmp_path / "keys").write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match="must hold keys of ASCII characters"):
        run(tiny.saved_model, f"--api-key-file={tmp_path}/keys")
    with pytest.raises(UserError, match="cannot read --api-key-file"):
        run(tiny.saved_model, f"--api-key-file={tmp_path}/nosuch")


def test_without_the_extra_the_command_says_what_to_install(tiny, monkeypatch):
    monkeypatch.delitem(sys.modules, "aocr.server.run", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(UserError, match=r"needs uvicorn: install the extra: .*aocr\[serve\]"):
        run(tiny.saved_model)
