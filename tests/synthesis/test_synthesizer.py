"""`aocr synth` from flags to files, in this process."""

import re

import pytest
from hostile_runs import run_in_process
from PIL import Image

from aocr.data.records import files, schema
from aocr.synthesis.fonts import letterforms, shaping

COMMON = ("--fonts=builtin", "--processes=1")


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    """Returns a function that runs `aocr synth` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: run_in_process(["synth", *arguments, *COMMON], tmp_path, capfd)


def labels_of(*names):
    return [schema.text_of(row.label) for row in files.read(list(names))]


def test_words_in_shards_with_what_is_left_out(run, tmp_path):
    (tmp_path / "w.txt").write_text("one\ntwo\n漢字\nthree 漢\n\n" + "x" * 201, encoding="utf-8")
    outcome = run("o.tfrecords", "--words=w.txt", "--count=5", "--shards=2", "--sheet=s.png")
    assert outcome.code == 0
    names = ["o-00000-of-00002.tfrecords", "o-00001-of-00002.tfrecords"]
    assert outcome.new_files == [*names, "s.png"]
    assert [len(labels_of(name)) for name in names] == [3, 2]
    assert set(labels_of(*names)) == {"one", "two"}
    assert "No font has 2 characters; no image shows them:" in outcome.stderr
    assert "漢  U+6F22 CJK UNIFIED IDEOGRAPH-6F22" in outcome.stderr
    assert "2 texts with characters that no single font has: 漢字, three 漢" in outcome.stderr
    assert "1 text longer than 200 characters" in outcome.stderr


def test_a_folder_is_what_aocr_dataset_reads(run, tmp_path, capfd):
    outcome = run("o/", "--pattern=[a-c]{3}", "--count=12", "--format=png")
    assert outcome.code == 0
    command = outcome.stderr.splitlines()[-1].split("aocr ")[1].split()
    lines = (tmp_path / "o/annotations.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines] == [f"images/{n:02}.png" for n in range(12)]
    built = run_in_process([*command, "--strict"], tmp_path, capfd)
    assert built.code == 0
    assert labels_of("dataset.tfrecords") == [line.split()[1] for line in lines]


def test_labels_in_upper_case_and_random_characters(run, tmp_path):
    (tmp_path / "c.txt").write_text("ab漢\n", encoding="utf-8")
    outcome = run("o", "--charset=c.txt", "--lengths=2-4", "--count=30", "--force-uppercase")
    labels = labels_of("o")
    assert outcome.code == 0
    assert set("".join(labels)) == {"A", "B"}
    assert {len(label) for label in labels} == {2, 3, 4}
    assert "No font has 1 character;" in outcome.stderr


def test_a_dataset_gives_lengths_characters_and_sizes(run, tmp_path):
    assert run("real", "--pattern=[A-D]{5}", "--count=40", "--heights=40").code == 0
    (tmp_path / "w.txt").write_text("ABCDA\nABC\nEEEEE\nDDDDD\n")
    assert run("like", "--like", "real", "--count=30", "--style=document").code == 0
    assert {len(label) for label in labels_of("like")} == {5}
    assert set("".join(labels_of("like"))) <= set("ABCD")
    outcome = run("words", "--like=real", "--words=w.txt", "--count=20")
    assert set(labels_of("words")) == {"ABCDA", "DDDDD"}
    assert "1 text with characters that the labels of --like lack: EEEEE" in outcome.stderr


def test_running_text_and_balance(run, tmp_path):
    (tmp_path / "t.txt").write_text("so it was said and it was so\n" * 30 + "quiz\n")
    outcome = run("o", "--text=t.txt", "--lengths=10", "--count=60", "--balance")
    labels = labels_of("o")
    assert all(len(label) <= 10 for label in labels)
    assert any(" " in label for label in labels)
    assert any("quiz" in label for label in labels)
    said = r"rarest character is ([\d.]+)% of all drawn, instead of ([\d.]+)%"
    shares = re.search(said, outcome.stderr)
    assert float(shares[1]) > 100 / 4 / 12 * 0.9 > 5 * float(shares[2])


def test_words_longer_than_all_lengths_are_cut(run, tmp_path):
    line = "bcdfghq" * 50
    (tmp_path / "t.txt").write_text(f"{line} ab ab\n", encoding="utf-8")
    outcome = run("o", "--text=t.txt", "--lengths=4-6", "--count=80")
    labels = [label for label in labels_of("o") if "a" not in label]
    assert {len(label) for label in labels} == {4, 5, 6}
    assert all(label in line for label in labels)
    assert "--text: 2 words are longer than 6 characters" in outcome.stderr


def test_comments_of_word_lists_are_left_out(run, tmp_path):
    (tmp_path / "w.txt").write_text("# chosen by hand\n#\n#1\n#tag\none # two\n")
    outcome = run("o", "--words=w.txt", "--count=9")
    assert set(labels_of("o")) == {"#1", "#tag", "one # two"}
    assert "Left out: 2 texts in lines that begin with '# ', which are comments" in outcome.stderr
    (tmp_path / "c.txt").write_text("# one\n#\n")
    assert run("p", "--words=c.txt").errors == ["--words=c.txt: it holds no text, only comments"]


def test_fonts_are_not_used_for_what_they_do_not_draw(run, tmp_path, monkeypatch):
    (tmp_path / "w.txt").write_text("AB\nab\n")
    tests = {letterforms.CAPITALS: str.islower}
    monkeypatch.setattr(letterforms, "_judge", lambda file: tests)
    outcome = run("o", "--words=w.txt", "--count=4", "--log-path=o.log")
    assert set(labels_of("o")) == {"AB"}
    assert "Not used: small letters drawn as capitals, in 1 font: builtin" in outcome.stderr
    assert (
        "Not used: builtin: small letters drawn as capitals: ab" in (tmp_path / "o.log").read_text()
    )


def test_damaged_backgrounds_are_named(run, tmp_path):
    (tmp_path / "b").mkdir()
    Image.effect_noise((90, 60), 50).save(tmp_path / "b/good.png")
    whole = (tmp_path / "b/good.png").read_bytes()
    for name in ("bad", "worse"):
        (tmp_path / f"b/{name}.png").write_bytes(whole[: len(whole) // 2])
    outcome = run("o", "--pattern=A{9}", "--backgrounds=b", "--count=200")
    assert outcome.code == 0
    assert "2 images could not be decoded, others were drawn on: b/bad.png (" in outcome.stderr


def test_right_to_left_text_needs_raqm(run, tmp_path, monkeypatch):
    (tmp_path / "w.txt").write_text("שלום\n", encoding="utf-8")
    monkeypatch.setattr(shaping.features, "check", lambda name: False)
    outcome = run("o", "--words=w.txt")
    assert outcome.code == 1
    assert outcome.errors == [
        "Pillow cannot draw right-to-left text here (U+05D5), because it lacks the library Raqm or "
        "FriBiDi: install libraqm0 or libfribidi0, or leave such text out"
    ]
