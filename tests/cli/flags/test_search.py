"""The flags of lexicons, patterns and several readings, and what they ask for."""

import dataclasses

import pytest
from helpers import TINY

from aocr.cli.command import build_parser
from aocr.cli.flags.search import search_request
from aocr.util.errors import UserError


def parse(*flags):
    return search_request(build_parser().parse_args(["predict", "a.png", *flags]))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--lexicon=a", "--pattern=b"], "not allowed with argument"),
        (["--lexicon="], "the value is empty"),
        (["--pattern="], "the value is empty"),
        (["--pattern=(A"], "argument --pattern: (A: a ( without its ), at character 2"),
        (["--renormalize"], "--renormalize needs --lexicon or --pattern"),
        (["--renormalize", "--top=2"], "--renormalize needs --lexicon or --pattern"),
        (["--beam-width=2", "--top=3"], "--beam-width=2 is less than --top=3"),
        (["--top=0"], "0 is not"),
    ],
)
def test_flags_that_cannot_work_are_usage_errors(flags, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        parse(*flags)
    assert message in capsys.readouterr().err


def test_without_a_flag_there_is_no_search():
    assert parse().search(TINY) is None
    assert parse("--top=1").search(TINY) is None


@pytest.mark.parametrize(
    ("flags", "kept"),
    [(["--top=2"], True), (["--top=2", "--beam-width=2"], False), (["--pattern=A"], False)],
)
def test_several_readings_alone_do_not_change_what_is_read(flags, kept):
    assert parse(*flags).search(TINY).keeps_reading is kept


def test_what_the_flags_ask_for(tmp_path):
    (tmp_path / "words.txt").write_text("ab\nBA\n")
    search = parse(f"--lexicon={tmp_path}/words.txt", "--renormalize").search(TINY)
    assert (search.top, search.beam_width, search.renormalize) == (1, None, True)
    assert len(search.automaton.is_final) == 5
    search = parse("--top=3", "--beam-width=7").search(TINY)
    assert (search.top, search.beam_width, search.renormalize) == (3, 7, False)
    assert search.automaton.is_final.tolist() == [True]
    assert parse("--pattern=A{2}").search(TINY).automaton.remaining[0] == 2
    greek = dataclasses.replace(TINY, characters="AΣ")  # what [^ -~] means is the model's
    assert parse("--pattern=[^ -~]{2}").search(greek).automaton.remaining[0] == 2


def test_a_lexicon_that_the_model_cannot_read_is_refused(tmp_path):
    (tmp_path / "words.txt").write_text("AB\nXY\n")
    with pytest.raises(UserError, match=r"--lexicon=.*words\.txt: of 2 words, 1 have characters"):
        parse(f"--lexicon={tmp_path}/words.txt").search(TINY)
