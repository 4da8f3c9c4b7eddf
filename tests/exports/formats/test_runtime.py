"""A runtime that ends its process, or fails, is named, and the command goes on."""

import pytest

from aocr.exports.formats.runtime import Runtime
from aocr.util.errors import UserError


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("import os\ndef open_model(content): os.abort()", r"ended its process \(SIGABRT\)"),
        ("def open_model(content): raise ValueError(content)", "fails: b'model'"),
    ],
)
def test_a_runtime_that_ends_is_named(tmp_path, monkeypatch, program, told):
    (tmp_path / "bad_runtime.py").write_text(program)
    monkeypatch.syspath_prepend(tmp_path)
    runtime = Runtime("A runtime", "bad_runtime", b"model")
    with pytest.raises(UserError, match=f"A runtime cannot run the export, and {told}: nothing is"):
        runtime.run({})
    runtime.close()
