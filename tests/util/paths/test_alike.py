"""Files of almost the name that is looked for."""

import unicodedata

import pytest

from aocr.util.paths.alike import CASE, ENDING, FORM, HIDDEN, AlikeFinder

NFD = unicodedata.normalize("NFD", "café.png")


@pytest.fixture
def finder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Imgs").mkdir()
    for name in ("a.png", NFD, "b.PNG"):
        (tmp_path / "Imgs" / name).write_bytes(b"")
    return AlikeFinder()


@pytest.mark.parametrize(
    ("path", "found", "differences"),
    [
        ("Imgs/a.png", "Imgs/a.png", []),
        ("./Imgs//a.png", "Imgs/a.png", []),
        ("imgs/A.png", "Imgs/a.png", [CASE]),
        ("Imgs/café.png", f"Imgs/{NFD}", [FORM]),
        ("Imgs/CAFÉ.png", f"Imgs/{NFD}", [CASE, FORM]),
        ("Imgs/a.png\u200b", "Imgs/a.png", [HIDDEN]),
        (" Imgs/a.png", "Imgs/a.png", [HIDDEN]),
        ("Imgs/b.jpg", "Imgs/b.PNG", [ENDING]),
        ("Imgs/b", "Imgs/b.PNG", [ENDING]),
    ],
)
def test_a_name_like_it_is_found(finder, path, found, differences):
    alike = finder.find("", path)
    assert (alike.path, sorted(alike.differences)) == (found, sorted(differences))


@pytest.mark.parametrize("path", ["nosuch.png", "nosuch/a.png", "Imgs", "", "Imgs/a.png/b", "a\0"])
def test_nothing_is_found(finder, path):
    assert finder.find("", path) is None
    assert finder.hint(path) == ""


def test_a_hint_also_reads_backslashes(finder):
    assert finder.hint(r"imgs\a.png") == " (there is Imgs/a.png)"
    assert finder.hint("gs://imgs/a.png") == ""
