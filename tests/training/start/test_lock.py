"""One training a model directory: the second is refused, a dead one's lock is taken over."""

import json
import os
import re
import socket
import subprocess
import sys

import pytest

from aocr.training.start import lock
from aocr.training.start.lock import FILE_NAME, training_lock
from aocr.util.errors import UserError


def write_lock(folder, **changed):
    owner = {"host": socket.gethostname(), "process": os.getpid(), "since": "noon", "identity": ""}
    (folder / FILE_NAME).write_text(json.dumps(owner | changed))


def dead_process():
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.wait()
    return process.pid


def test_the_lock_goes_when_training_ends(tmp_path):
    with training_lock(str(tmp_path / "new")):
        assert (tmp_path / "new" / FILE_NAME).exists()
    assert os.listdir(tmp_path / "new") == []


def test_the_lock_goes_when_training_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), training_lock(str(tmp_path)):
        raise ZeroDivisionError
    assert os.listdir(tmp_path) == []


def test_a_second_training_is_refused_and_the_first_named(tmp_path):
    host = re.escape(socket.gethostname())
    told = rf"process {os.getpid()} on {host} has been training in .* since 2"
    with training_lock(str(tmp_path)):
        with pytest.raises(UserError, match=told), training_lock(str(tmp_path)):
            pytest.fail("two trainings began")
        assert (tmp_path / FILE_NAME).exists()


def test_the_lock_of_a_dead_process_is_taken_over(tmp_path):
    write_lock(tmp_path, process=dead_process())
    with training_lock(str(tmp_path)):
        assert json.loads((tmp_path / FILE_NAME).read_text())["process"] == os.getpid()


def test_a_later_process_with_the_same_id_is_another(tmp_path):
    write_lock(tmp_path, identity="1")
    with training_lock(str(tmp_path)):
        pass


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(lock, "PATIENCE_SECONDS", 0.4)
    monkeypatch.setattr(lock, "HEARTBEAT_SECONDS", 0.05)


def test_a_living_process_of_another_machine_is_named(tmp_path, impatient, monkeypatch):
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(socket, "gethostname", lambda: "elsewhere")
        first = training_lock(str(tmp_path))
        first.__enter__()
    with pytest.raises(UserError, match=f"on elsewhere .* remove {tmp_path}/{FILE_NAME}"):
        training_lock(str(tmp_path)).__enter__()
    first.__exit__(None, None, None)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("content", [None, "garbage"])
def test_a_lock_without_a_sign_of_life_is_taken_over(tmp_path, impatient, content, caplog):
    write_lock(tmp_path, host="elsewhere", process=1)
    if content:
        (tmp_path / FILE_NAME).write_text(content)
    with training_lock(str(tmp_path)):
        assert json.loads((tmp_path / FILE_NAME).read_text())["process"] == os.getpid()
    assert "Taking over" in caplog.text


def test_a_directory_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=f"cannot write {tmp_path}/file/model/{FILE_NAME}: "):
        training_lock(f"{tmp_path}/file/model").__enter__()


def test_a_remote_directory_is_locked_too():
    with (
        training_lock("ram://locked"),
        pytest.raises(UserError, match="training in ram://locked"),
        training_lock("ram://locked"),
    ):
        pytest.fail("two trainings began")
