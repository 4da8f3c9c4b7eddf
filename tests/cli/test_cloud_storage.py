"""Every stage on `gs://`, with TensorFlow's own client, against an emulator of the storage."""

import pathlib
import shutil
import sys

import namespaces
import pytest
import storage_emulator
import tensorflow as tf
from commands import environment

COMMANDS = pathlib.Path(__file__).with_name("cloud_storage_commands.py")


def reason_to_skip():
    if "gs" not in tf.io.gfile.get_registered_schemes():
        return "this TensorFlow has no gs:// built in"
    if shutil.which("openssl") is None:
        return "openssl is not installed"
    return namespaces.missing()


def test_commands_on_google_cloud_storage(tmp_path):
    reason = reason_to_skip()
    if reason:
        pytest.skip(reason)
    pytest_run = [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", "-x"]
    program = [*pytest_run, f"--basetemp={tmp_path}/run", str(COMMANDS)]
    environment_without_proxies = {
        name: value for name, value in environment().items() if "proxy" not in name.lower()
    }
    hosts = [f"127.0.0.1 {host}" for host in storage_emulator.HOSTS]
    root = COMMANDS.parents[2]
    done = namespaces.run(hosts, program, cwd=root, env=environment_without_proxies, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout
