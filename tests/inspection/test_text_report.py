"""The report for people: what it says, and how wide it is."""

from inspected import IMAGE, grey_png

from aocr.data.limits import Limits


def test_text_of_a_small_dataset(report, tmp_path):
    text = report((IMAGE, "A B"), (IMAGE, "é\u0301\u200f", "b.png"), as_json=False)
    lines = text.splitlines()
    assert lines[0] == f"2 records, 0.0 MB: {tmp_path}/dataset.tfrecords"
    assert lines[1] == "Images: PNG L 2"
    assert "1 record repeats the image of an earlier one" in lines
    assert "1 image has different labels, in 2 records" in lines
    assert "      record 1: A B" in lines
    assert "  and record 2, b.png: é\u0301<U+200F>" in lines
    assert "Characters: 6 different, 6 in all" in lines
    assert "  \u2423 1  A 1  B 1" in lines
    assert "        1  U+00E9   LATIN SMALL LETTER E WITH ACUTE  é" in lines
    assert "        1  U+0301   COMBINING ACUTE ACCENT  \u25cc\u0301" in lines
    assert "        1  U+200F   RIGHT-TO-LEFT MARK" in lines
    assert "  --max-width                               40          40          40" in lines
    assert lines[-1] == "  --max-width=40 --max-height=20 --max-prediction=3 --charset=auto"


def test_text_is_as_wide_as_a_terminal_but_for_names(report):
    labels = ["".join(map(chr, range(32, 127))) * 50, "a" * 300, "xyz"]
    rows = [(grey_png(n, (n * 700 + 9, 99 - n)), label) for n, label in enumerate(labels)]
    text = report(*rows * 3, as_json=False, limits=Limits(1, 1, 1, "a"))
    assert max(map(len, text.splitlines()[1:])) <= 85


def test_the_flags_to_copy_fit_99_percent_if_that_saves_much(report):
    rows = [(grey_png(n, (60, 30)), "AB") for n in range(99)]
    text = report(*rows, (grey_png(99, (80, 30)), "ABC"), as_json=False)
    assert text.splitlines()[-5:] == [
        "Flags to copy into 'aocr train', which fit 99 %:",
        "  --max-width=60 --max-height=30 --max-prediction=2",
        "Their cost: 1 image is shrunk more, and 1 label is too long to train on.",
        "Flags that fit all, for a larger and slower model:",
        "  --max-width=80 --max-height=30 --max-prediction=3",
    ]
    text = report(*rows, (grey_png(99, (70, 30)), "AB"), as_json=False)
    assert text.splitlines()[-2:] == [
        "Flags to copy into 'aocr train', which fit all:",
        "  --max-width=70 --max-height=30 --max-prediction=2",
    ]


def test_many_characters_are_cut_in_the_middle(report):
    label = "".join(chr(0x4E00 + n) * (100 - n) for n in range(60))
    text = report((IMAGE, label), as_json=False)
    assert "       81  U+4E13" in text
    assert "U+4E14" not in text
    assert "... 20 more, see --json ..." in text
    assert "U+4E27" not in text
    assert "       60  U+4E28" in text
    assert "       41  U+4E3B" in text


def test_right_to_left_character_ends_its_line(report):
    text = report((IMAGE, "\u0627"), as_json=False)
    assert "        1  U+0627   ARABIC LETTER ALEF  \u0627\n" in text


def test_clean_dataset_is_said_to_be_clean(report):
    assert "No broken image, no image twice, no empty label." in report((IMAGE, "A"), as_json=False)


def test_lines_agree_with_their_numbers(report):
    broken = [(b"", "A"), (b"", "A"), (grey_png(1), "A"), (grey_png(1), "B")]
    contradicting = [(grey_png(level), label) for level in (2, 3) for label in ("A", "B")]
    text = report(*broken, *contradicting, limits=Limits(1000, 100), as_json=False)
    assert "2 images cannot be decoded" in text
    assert "4 records repeat the image of an earlier one" in text
    assert "3 images have different labels, in 6 records" in text
    assert "With the given flags, 6 of 8 records fit. " in text


def test_large_numbers_have_separators(report):
    text = report(*[(IMAGE, "A")] * 1234, as_json=False)
    assert text.startswith("1,234 records, ")
    assert "1,233 records repeat the image of an earlier one" in text


def test_unknown_characters_are_listed_up_to_a_number(report):
    label = "".join(map(chr, range(0x4E00, 0x4E00 + 22)))
    text = report((IMAGE, label), limits=Limits(characters="A"), as_json=False)
    assert "            1  U+4E13   CJK UNIFIED IDEOGRAPH-4E13  " in text
    assert "               and 2 more characters, see --json" in text
    text = report((IMAGE, label[:21]), limits=Limits(characters="A"), as_json=False)
    assert "               and 1 more character, see --json" in text
