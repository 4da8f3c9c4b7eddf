"""Files of the attention pictures: their names, their folders, and what cannot be written."""

import os

import pytest
import tensorflow as tf
from attention_pictures import WHITE, open_picture, peaks, save, shown

from aocr.report import attention
from aocr.report.attention import MAX_NAME_BYTES, AttentionPictures
from aocr.util.errors import UserError


def test_word_holds_prediction_then_label_in_utf8(tmp_path):
    folder = save(tmp_path, "é 你", label="سلام")
    with open(os.path.join(folder, "word.txt"), "rb") as file:
        assert file.read() == "é 你\nسلام\n".encode()


def test_verdict_is_equality(tmp_path):
    assert save(tmp_path, "A", label="A") == str(tmp_path / "correct" / "00000-A")
    assert save(tmp_path, "A", label="a") == str(tmp_path / "incorrect" / "00000-A")
    assert save(tmp_path, "", label="") == str(tmp_path / "correct" / "00000")


def test_folders_need_not_be_local():
    folder = save("ram://results", "AB", label="AB", index=7)
    assert folder == "ram://results/correct/00007-AB"
    assert open_picture(folder, "attention.gif").n_frames == 2
    assert tf.io.gfile.GFile(folder + "/word.txt").read() == "AB\nAB\n"


# Names


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("HELLO", "00012-HELLO"),
        ("", "00012"),
        ("/", "00012-_"),
        ("A/B", "00012-A_B"),
        ("A\\B:C*", "00012-A_B_C_"),
        ("../../etc", "00012-______etc"),
        ("..", "00012-__"),
        ("CON", "00012-CON"),
        ("a\0b\nc", "00012-a_b_c"),
        ("two words.", "00012-two_words_"),
        ("😀", "00012-_"),
        ("سلام", "00012-سلام"),
    ],
)
def test_names_are_readable_and_safe(tmp_path, text, name):
    assert attention.folder_name(12, text) == name
    folder = save(tmp_path, text, index=12)
    assert os.path.realpath(folder) == os.path.realpath(tmp_path / "incorrect" / name)
    assert sorted(os.listdir(folder)) == ["attention.gif", "attention.png", "word.txt"]


@pytest.mark.parametrize("text", ["é" * 300, "你" * 300, "A" * 300, "x" + "é" * 300])
def test_long_names_are_cut_at_a_character(text):
    name = attention.folder_name(123456, text)
    assert len("123456-") < len(name.encode()) <= len("123456-") + MAX_NAME_BYTES
    assert text.startswith(name.removeprefix("123456-"))


def test_three_hundred_characters_are_written(tmp_path):
    folder = save(tmp_path, "é" * 300)
    assert open_picture(folder, "attention.gif").n_frames == 300


def test_the_same_text_twice_does_not_collide(tmp_path):
    folders = {save(tmp_path, "A/B", index=1), save(tmp_path, "A/B", index=2)}
    folders |= {save(tmp_path, "A_B", index=3), save(tmp_path, "A?B", index=100000)}
    assert len(folders) == len(os.listdir(tmp_path / "incorrect")) == 4


# What cannot be drawn


@pytest.mark.parametrize(
    "changed",
    [
        {"attention": peaks(1, 2, steps=2)},
        {"attention": peaks(1)[0]},
        {"columns": 0},
    ],
)
def test_attention_that_does_not_fit_is_named(tmp_path, changed):
    with pytest.raises(ValueError, match="image 5: attention of shape .* 'ABC'"):
        save(tmp_path, "ABC", index=5, **changed)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("broken", [b"", b"no image", WHITE[:60]])
def test_what_is_no_image_is_named(tmp_path, broken):
    with pytest.raises(UserError, match="image 31 cannot be drawn"):
        save(tmp_path, "A", index=31, encoded=broken)
    assert not os.listdir(tmp_path)


def test_folder_that_cannot_be_created_is_named(tmp_path):
    (tmp_path / "incorrect").write_text("")
    with pytest.raises(UserError, match=r"cannot create the folder .*/incorrect/00000-A: "):
        save(tmp_path, "A")


def test_full_disk_is_a_user_error_that_names_the_file(tmp_path, monkeypatch):
    def full(path, content):
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(attention, "write_atomically", full)
    message = r"cannot write .*/incorrect/00000-A/attention\.gif: No space left on device"
    with pytest.raises(UserError, match=message):
        save(tmp_path, "A")


# Pictures of a test


def test_image_that_cannot_be_drawn_is_logged_and_left_out(tmp_path, caplog):
    pictures = AttentionPictures(str(tmp_path / "new"))
    pictures.add(shown("A", index=1, encoded=b"no image"))
    pictures.add(shown("", index=2, encoded=b"no image", columns=0))
    pictures.add(shown("B", index=3))
    assert os.listdir(tmp_path / "new" / "incorrect") == ["00003-B"]
    (message,) = caplog.messages
    assert message.startswith("No picture: image 1 cannot be drawn")


def test_pictures_of_an_earlier_test_are_removed_and_nothing_else(tmp_path):
    for index, label in ((1, "A"), (2, "B")):
        AttentionPictures(str(tmp_path)).add(shown("A", index=index, label=label))
    mine = "correct/00003-mine/notes.txt", "correct/00004", "incorrect/of-mine/word.txt"
    for name in mine:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    AttentionPictures(str(tmp_path))
    left = (str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert sorted(left) == sorted(mine)


def test_file_that_cannot_be_written_ends_the_test(tmp_path):
    pictures = AttentionPictures(str(tmp_path))
    (tmp_path / "incorrect" / "00003-B" / "attention.gif" / "folder").mkdir(parents=True)
    with pytest.raises(UserError, match=r"cannot write .*/00003-B/attention\.gif: "):
        pictures.add(shown("B", index=3))


def test_folder_is_created_before_any_image_is_read(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot create the folder .*/file/below"):
        AttentionPictures(str(tmp_path / "file" / "below"))
