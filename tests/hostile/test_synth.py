"""What `aocr synth` cannot use ends in one line that says what is wrong, and nothing is written."""

import os

import pytest
from commands import draw
from hostile_runs import check_failure

PATTERN = ("synth", "out", "--pattern=[A-Z]{3}", "--fonts=builtin", "--count=2", "--processes=1")

USAGE = [
    (("synth", "out"), "no texts: give one of --words, --text, --charset, --pattern and --like"),
    (("synth", "out", "--words=ok.txt", "--pattern=A"), "not allowed with argument"),
    ((*PATTERN, "--count=0"), "--count: 0 is not"),
    ((*PATTERN, "--strength=1.5"), "--strength: 1.5 is not"),
    ((*PATTERN, "--strength=nan"), "--strength: nan is not"),
    ((*PATTERN, "--heights=5"), "--heights: 5 is not a number or a range .* from 16 to 256"),
    ((*PATTERN, "--heights=64-32"), "64-32 is not a number or a range"),
    ((*PATTERN, "--lengths=3"), "--lengths has no effect on --pattern"),
    ((*PATTERN, "--balance"), "--balance has no effect on --pattern"),
    ((*PATTERN, "--background=noise", "--backgrounds=d"), "not allowed with argument"),
    ((*PATTERN, "--fonts="), "the value is empty"),
    (("synth", "out", "--charset=c", "--balance"), "--balance has no effect on --charset"),
    (("synth", "out", "--pattern=(?=A)"), r"only groups like .* are supported, at character 2"),
    (("synth", "out", r"--pattern=(A)\1"), r"\\1 is not supported"),
    (("synth", "out", "--pattern=A{500}"), "texts of 500 characters; at most 200"),
    (("synth", "out/", "--pattern=A", "--shards=2"), "--shards=2 is for TFRecords"),
]

FAILURES = [
    (("synth", "out", "--words=none.txt"), "--words=none.txt: No such file"),
    (("synth", "out", "--words=."), "--words=.: Is a directory"),
    (("synth", "out", "--words=/dev/zero"), "--words=/dev/zero: it is a device"),
    (("synth", "out", "--words=blank.txt"), "--words=blank.txt: it holds no text"),
    (("synth", "out", "--text=blank.txt"), "--text=blank.txt: it holds no text"),
    (("synth", "out", "--words=latin.txt"), "--words=latin.txt, line 2: it is not UTF-8"),
    (("synth", "out", "--charset=none.txt"), "--charset=none.txt: "),
    (("synth", "out", "--charset=blank.txt"), "--charset=blank.txt: no character that can be seen"),
    (("synth", "out", "--charset=spaces.txt"), "--charset=spaces.txt: no character"),
    (("synth", "out", "--pattern= *"), "describes no text that can be seen"),
    (("synth", "out", "--words=ok.txt", "--lengths=99"), "no text is left to draw: 2 not of 99 to"),
    (("synth", "out", "--like=none.tfrecords"), "no dataset none.tfrecords"),
    (("synth", "out", "--like=ok.txt"), "ok.txt"),
    (("synth", "out", "--words=han.txt", "--fonts=builtin"), "none of 1 font has any of the char"),
    (("synth", "out", "--words=half.txt", "--fonts=builtin"), "no text is left to draw: 1 with"),
    ((*PATTERN, "--fonts=none"), "--fonts=none: no such folder"),
    ((*PATTERN, "--fonts=gs://a/b"), "--fonts=gs://a/b: "),
    ((*PATTERN, "--fonts=empty"), "--fonts=empty: no font in it"),
    ((*PATTERN, "--fonts=broken"), "none of 1 font has any of the characters"),
    ((*PATTERN, "--backgrounds=none"), "--backgrounds=none: no such folder"),
    ((*PATTERN, "--backgrounds=empty"), "--backgrounds=empty: no image in it"),
    ((*PATTERN, "--backgrounds=cut"), "none of 1 image can be decoded: cut/cut.png"),
    (("synth", "ok.txt", "--words=ok.txt"), "output ok.txt and --words ok.txt are the same file"),
    (("synth", "ok.tfrecords", "--like=ok.tfrecords"), "and --like ok.tfrecords are the same"),
    ((*PATTERN, "--sheet=out"), "--sheet out and output out are the same file"),
    ((*PATTERN, "--log-path=out"), "--log-path out and output out are the same file"),
    (("synth", "empty", *PATTERN[2:]), "cannot write empty: it is a folder"),
    (("synth", "none/out", *PATTERN[2:]), "cannot write none/out: "),
    (("synth", "broken/", *PATTERN[2:]), "the folder broken/ is not empty"),
    (("synth", "ok.txt/", *PATTERN[2:]), "there is a file or link of this name"),
]


@pytest.fixture(autouse=True)
def inputs(folder):
    """Makes files and folders that cannot be used."""
    (folder / "blank.txt").write_text("\n \n")
    (folder / "spaces.txt").write_text(" \n")
    (folder / "latin.txt").write_bytes(b"ab\ncaf\xe9\n")
    (folder / "han.txt").write_text("漢字\n", encoding="utf-8")
    (folder / "half.txt").write_text("A漢\n", encoding="utf-8")
    for name in ("empty", "broken", "cut"):
        (folder / name).mkdir()
    (folder / "broken" / "font.ttf").write_bytes(b"\0\1\0\0 and no table")
    (folder / "cut" / "cut.png").write_bytes(draw("AB", size=(300, 200))[:200])


@pytest.mark.parametrize(("arguments", "says"), USAGE, ids=lambda each: " ".join(each)[:60])
def test_wrong_usage(run, arguments, says):
    check_failure(run(*arguments), says, code=2)


@pytest.mark.parametrize(("arguments", "says"), FAILURES, ids=lambda each: " ".join(each)[:60])
def test_inputs_and_outputs_that_cannot_be_used(run, arguments, says):
    check_failure(run(*arguments), says)


def test_a_former_output_stays_when_drawing_fails(run, folder):
    (folder / "out").write_bytes(b"before")
    outcome = run(*PATTERN, "--backgrounds=cut")
    assert outcome.code == 1
    assert (folder / "out").read_bytes() == b"before"


def test_a_broken_font_is_named_and_passed_over(run, folder):
    from aocr.synthesis.fonts.choice import FontFile, content_of
    from aocr.synthesis.options import BUILT_IN

    (folder / "broken" / "good.ttf").write_bytes(content_of(FontFile(BUILT_IN)))
    outcome = run(*PATTERN, "--fonts=broken")
    assert outcome.code == 0
    assert "1 font file cannot be used: " in outcome.stderr
    assert "broken/font.ttf (it is damaged)" in outcome.stderr


def test_an_empty_folder_is_filled(run, folder):
    assert run("synth", "empty/", *PATTERN[2:]).code == 0
    assert sorted(os.listdir("empty")) == ["annotations.txt", "images"]


def test_a_pipe_is_read(run):
    reader, writer = os.pipe()
    os.write(writer, b"AB\nBA\n")
    os.close(writer)
    outcome = run("synth", "out", f"--words=/dev/fd/{reader}", *PATTERN[3:])
    os.close(reader)
    assert outcome.code == 0, outcome.stderr
