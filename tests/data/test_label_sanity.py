"""What is odd about labels: named in `dataset` and `inspect`, never changed."""

import pytest

from aocr.data.label_sanity import LabelSanity
from aocr.util.text.characters import changed_by_upper_casing

IDS = "x_0a1b2c3d", "y_9f86d081", "z_12345678"
UUID = "a-123e4567-e89b-12d3-a456-426614174000"


def found(*labels, image=None):
    """The keys of what is found, with the first label named."""
    sanity = LabelSanity()
    for number, label in enumerate(labels):
        sanity.add(f"line {number + 1}", label, image or bytes([number]))
    return {kind.key: problem.named[0] for kind, problem in sanity.findings()}


ODD = {
    " A": ("blanks_at_ends", "' A'"),
    "A\u3000": ("blanks_at_ends", "'A<U+3000>'"),
    "A  B": ("blanks_in_a_row", "'A  B'"),
    "A\u200bB": ("hidden_characters", "'A<U+200B>B'"),
    "A\u00adB": ("hidden_characters", "'A<U+00AD>B'"),
    "\ufeffA": ("hidden_characters", "'<U+FEFF>A'"),
    "A\u202eB": ("hidden_characters", "'A<U+202E>B'"),
    "A\u00a0B": ("hidden_characters", "'A<U+00A0>B'"),
    "\u0301A": ("lone_marks", "'\u0301A'"),
    "A \u0301": ("lone_marks", "'A \u0301'"),
    "P\u0430ris": ("two_alphabets", "'P\u0430ris'"),  # a Cyrillic a
    "\uff21B": ("two_widths", "'\uff21B'"),
    "\uff76カ": ("two_widths", "'\uff76カ'"),
    '[{"transcription": "A"}]': ("json", '\'[{"transcription": "A"}]\''),
}


@pytest.mark.parametrize(("label", "expected"), ODD.items(), ids=map(ascii, ODD))
def test_an_odd_label_is_named(label, expected):
    key, shown = expected
    assert found("x", label)[key] == f"line 2: {shown}"


def test_what_many_labels_have_in_common_is_named():
    assert found(*(f'"{word}"' for word in "abc")) == {"quoted": "line 1: '\"a\"'"}
    assert set(found(*IDS)) == set(found(UUID, UUID, "b" + UUID, image=b"i")) == {"ids"}
    assert found("000007", "000008", "000009", "000010")["consecutive"] == "line 2: '000008'"
    assert found("WORD", "WORD", "A", "WORD") == {"one_label": "line 1: 'WORD'"}


def test_ordinary_labels_are_not():
    ordinary = [
        "Exit",
        "été",
        "5 µm",
        "東京Tシャツ",
        "дом",
        "1984",
        "007",
        "[A]",
        '"a"',
        "x_12345678",
    ]
    assert found(*ordinary) == {}
    assert found("A", "A", "A", image=b"the same") == {}
    assert found("17", "4", "18", "2019") == {}
    assert found() == {}


@pytest.mark.parametrize(
    ("letter", "upper"),
    [("µ", "Μ"), ("ß", "SS"), ("ı", "I"), ("ა", "Ა"), ("ﬁ", "FI"), ("ŉ", "ʼN"), ("ſ", "S")],
)
def test_upper_casing_to_another_letter(letter, upper):
    assert changed_by_upper_casing(letter) == upper


@pytest.mark.parametrize("letter", "aéяωςÿ1 ÀẞԱա")
def test_ordinary_upper_casing(letter):
    assert changed_by_upper_casing(letter) == ""
