"""Pictures of the attention: what is bright, what is written beside it, and where it is put."""

from __future__ import annotations

import io
import itertools
import os
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from aocr.report import attention as visualizations
from aocr.report.attention import BAR, GAP, MAX_NAME_BYTES
from aocr.util import drawing
from aocr.util.errors import UserError

COLUMNS = 20
STEPS = 12


def encode(image: Image.Image, file_format: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def peaks(*columns: int, steps: int = STEPS) -> np.ndarray:
    """Attention [steps, COLUMNS], all on one column in each step; column 0 after the last."""
    chosen = list(columns) + [0] * (steps - len(columns))
    return np.eye(COLUMNS, dtype=np.float32)[chosen]


def open_picture(folder: str, name: str) -> Image.Image:
    with tf.io.gfile.GFile(os.path.join(folder, name), "rb") as file:
        picture = Image.open(io.BytesIO(file.read()))
    picture.load()
    return picture


WHITE = encode(Image.new("L", (160, 80), 255))


def save(output_dir: object, text: str, label: str = "?", index: int = 0, **changed: object) -> str:
    options = {
        "image": WHITE,
        "attention": peaks(steps=max(STEPS, len(text) + 2)),
        "content_columns": COLUMNS,
    }
    return visualizations.save_attention(
        output_dir=str(output_dir), index=index, prediction=text, label=label, **(options | changed)
    )


def brightest(weights: np.ndarray, content_columns: float, width: int = 400) -> float:
    """Where the middle of the brightest part of a white picture is, as a fraction of its width."""
    white = Image.new("RGB", (width, 80), "white")
    lit = np.asarray(visualizations.spotlight(white, weights, content_columns).convert("L"))
    row = lit[40].astype(float)
    return float(np.flatnonzero(row >= row.max() - 1).mean() + 0.5) / width


# Where the light falls


@pytest.mark.parametrize("column", [0, 3, 10, 19])
def test_light_falls_on_the_middle_of_the_attended_column(column):
    middle = (column + 0.5) / COLUMNS
    # the first and the last column stay bright to the picture's edge
    expected = {0: middle / 2, 19: (1 + middle) / 2}.get(column, middle)
    assert brightest(peaks(column)[0], COLUMNS) == pytest.approx(expected, abs=0.005)


def test_columns_are_counted_on_the_content_not_on_the_padding():
    # half of the columns hold the image: column 5 of 20 is its column 5 of 10
    assert brightest(peaks(5)[0], COLUMNS / 2) == pytest.approx(5.5 / 10, abs=0.005)
    assert brightest(peaks(5)[0], 8.25) == pytest.approx(5.5 / 8.25, abs=0.005)


def test_attention_to_the_padding_leaves_the_picture_dim():
    white = Image.new("RGB", (100, 80), "white")
    lit = np.asarray(visualizations.spotlight(white, peaks(15)[0], 10.0))
    assert lit[:80].max() == round(255 * visualizations.DIMMED)


def test_light_is_the_interpolated_weight_relative_to_the_largest():
    white = Image.new("RGB", (4, 2), "white")
    # four pixels over two columns: their centres are at 0.25, 0.75, 1.25, 1.75 columns
    lit = np.asarray(visualizations.spotlight(white, np.array([0.1, 0.2]), 2.0))
    light = np.array([0.5, 0.625, 0.875, 1.0])
    np.testing.assert_array_equal(lit[0, :, 0], np.round(255 * (0.25 + 0.75 * light)))
    assert lit.shape == (2 + GAP + BAR, 4, 3)


def test_the_bar_shows_the_attention_on_a_black_picture():
    black = Image.new("RGB", (200, 80))
    bar = np.asarray(visualizations.spotlight(black, peaks(15)[0], COLUMNS).convert("L"))[-1]
    assert bar[150:160].mean() > bar[:100].mean() + 60


def test_a_row_without_any_weight_is_dim():
    white = Image.new("RGB", (10, 80), "white")
    lit = np.asarray(visualizations.spotlight(white, np.zeros(COLUMNS), COLUMNS))
    assert (lit[:80] == round(255 * visualizations.DIMMED)).all()


# What the files hold


def test_gif_has_a_looping_frame_a_character_and_follows_the_attention(tmp_path):
    gif = open_picture(save(tmp_path, "AAB", attention=peaks(2, 10, 17)), "attention.gif")
    assert (gif.n_frames, gif.info["loop"]) == (3, 0)
    middles = []
    for frame in range(3):
        gif.seek(frame)
        assert gif.info["duration"] == 500
        row = np.asarray(gif.convert("L"))[visualizations.MARGIN + 40].astype(float)
        middles.append((np.argmax(row[8:168]) + 0.5) / 160)
    np.testing.assert_allclose(middles, np.array([2.5, 10.5, 17.5]) / COLUMNS, atol=0.02)


def test_strip_has_a_row_a_character_bright_where_attended(tmp_path):
    strip = open_picture(save(tmp_path, "AB", attention=peaks(2, 17)), "attention.png")
    shown = np.asarray(strip.convert("L")).astype(float)[:, -168:-8]  # without the characters
    first, second = shown[8:88], shown[len(shown) // 2 + 8 :][:80]
    assert first[:, :80].mean() > first[:, 80:].mean() + 10
    assert second[:, :80].mean() < second[:, 80:].mean() - 10


def test_strip_has_each_character_beside_its_row(tmp_path):
    strip = np.asarray(open_picture(save(tmp_path, "I W"), "attention.png").convert("L"))
    rows = np.split(strip[4:-4, :-176], 3)
    ink = [int((row > 128).sum()) for row in rows]
    assert 0 < ink[0] < ink[2]
    assert ink[1] > 0  # the mark of the space


def test_steps_after_the_last_character_are_left_out(tmp_path):
    folder = save(tmp_path, "AB", attention=peaks(2, 17, steps=30))
    assert open_picture(folder, "attention.gif").n_frames == 2


def test_nothing_read_shows_the_image_alone(tmp_path):
    folder = save(tmp_path, "", label="A")
    assert folder == str(tmp_path / "incorrect" / "00000")
    gif = open_picture(folder, "attention.gif")
    assert gif.n_frames == 1
    for picture in (gif, open_picture(folder, "attention.png")):
        shown = np.asarray(picture.convert("L"))[8:88, 8:168]
        assert shown.min() == 255


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


def accented(gif: Image.Image, frame: int) -> np.ndarray:
    """Where the text [height, width] under a picture has the colour of what is being read."""
    gif.seek(frame)
    red, _, blue = np.moveaxis(np.asarray(gif.convert("RGB")).astype(int), 2, 0)
    return (red - blue > 125)[visualizations.MARGIN + 80 + GAP + BAR + GAP :]


def test_gif_has_the_character_being_read_in_colour(tmp_path):
    gif = open_picture(save(tmp_path, "IW你"), "attention.gif")
    x = visualizations.MARGIN
    for frame, character in enumerate("IW你"):
        mask = drawing.glyph(character)
        expected = np.zeros_like(accented(gif, frame))
        expected[:35, x : x + mask.width] = np.asarray(mask) > 140
        differs = accented(gif, frame) != expected
        assert differs.sum() < 0.15 * expected.sum()  # the GIF's colours are approximate
        x += mask.width


def accented_lines(gif: Image.Image, frame: int) -> set[int]:
    return {int(y) // 35 for y, _ in np.argwhere(accented(gif, frame))}


def test_long_text_is_wrapped_and_turned_page_by_page(tmp_path):
    text = "0123456789" * 4  # 9 or 10 digits a line, 3 lines a page
    gif = open_picture(save(tmp_path, text), "attention.gif")
    assert gif.width == 160 + 2 * visualizations.MARGIN
    assert gif.height == 2 * visualizations.MARGIN + 80 + 2 * GAP + BAR + 3 * 35
    assert gif.n_frames == len(text)
    turns = [lines for lines, _ in itertools.groupby(accented_lines(gif, n) for n in range(40))]
    assert turns[:4] == [{0}, {1}, {2}, {0}]


# Images of every kind

GREY_RAMP = np.array([[0, 64, 128, 255]], np.uint8)


def colours(encoded: bytes) -> list[list[int]]:
    """RGB of each pixel of the first row."""
    return np.asarray(visualizations.decode_for_display(encoded, 0))[0].tolist()


def greys(encoded: bytes) -> list[int]:
    pixels = np.asarray(visualizations.decode_for_display(encoded, 0))[0]
    assert (pixels[:, :1] == pixels).all()
    return pixels[:, 0].tolist()


def palette_image() -> Image.Image:
    image = Image.new("P", (3, 1))
    image.putpalette([255, 0, 0, 0, 0, 255, 0, 255, 0])
    image.putdata([0, 1, 2])
    return image


@pytest.mark.parametrize("file_format", ["PNG", "BMP"])
def test_grey_and_rgb(file_format):
    assert greys(encode(Image.fromarray(GREY_RAMP), file_format)) == [0, 64, 128, 255]
    assert colours(encode(Image.new("RGB", (1, 1), (1, 2, 3)), file_format)) == [[1, 2, 3]]


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "GIF"])
def test_palette_is_shown_in_its_colours(file_format):
    assert colours(encode(palette_image(), file_format)) == [[255, 0, 0], [0, 0, 255], [0, 255, 0]]


def test_transparent_palette_entries_are_white():
    one = encode(palette_image(), transparency=1)
    assert colours(one) == [[255, 0, 0], [255, 255, 255], [0, 255, 0]]
    half = encode(palette_image(), transparency=bytes([255, 128, 0]))
    assert colours(half) == [[255, 0, 0], [127, 127, 255], [255, 255, 255]]


def test_alpha_is_laid_over_white():
    rgba = np.array([[[255, 0, 0, 255], [255, 0, 0, 0], [0, 0, 0, 51]]], np.uint8)
    assert colours(encode(Image.fromarray(rgba))) == [[255, 0, 0], [255] * 3, [204] * 3]
    grey_alpha = Image.new("LA", (2, 1))
    grey_alpha.putdata([(10, 255), (10, 0)])
    assert greys(encode(grey_alpha)) == [10, 255]


def test_one_bit_is_black_and_white():
    bits = Image.new("1", (2, 1))
    bits.putdata([255, 0])
    for file_format in ("PNG", "BMP"):
        assert greys(encode(bits, file_format)) == [255, 0]


def test_sixteen_bit_grey_keeps_its_range():
    levels = Image.fromarray(np.array([[0, 257 * 100, 257 * 101 - 1, 65535]], np.uint16))
    assert greys(encode(levels)) == [0, 100, 101, 255]
    # written by hand, behind the header of 33 bytes: old versions of Pillow cannot
    chunk = b"tRNS" + struct.pack(">H", 257 * 100)
    chunk = struct.pack(">I", 2) + chunk + struct.pack(">I", zlib.crc32(chunk))
    encoded = encode(levels)
    assert greys(encoded[:33] + chunk + encoded[33:]) == [0, 255, 101, 255]


def test_cmyk_jpeg_is_not_inverted():
    cyan, black = (255, 0, 0, 0), (0, 0, 0, 255)
    image = Image.new("CMYK", (32, 16), black)
    image.paste(cyan, (0, 0, 16, 16))
    shown = np.array(colours(encode(image, "JPEG", quality=95)))
    np.testing.assert_allclose(shown[4], [0, 255, 255], atol=6)
    np.testing.assert_allclose(shown[28], [0, 0, 0], atol=6)


@pytest.mark.parametrize("broken", [b"", b"no image", WHITE[:60]])
def test_what_is_no_image_is_named(tmp_path, broken):
    with pytest.raises(UserError, match="image 31 cannot be drawn"):
        save(tmp_path, "A", index=31, image=broken)
    assert not os.listdir(tmp_path)


# Sizes


@pytest.mark.parametrize(
    ("size", "drawn"),
    [
        ((200, 40), (400, 80)),
        ((160, 80), (160, 80)),
        ((300, 100), (300, 100)),
        ((4000, 1000), (1000, 250)),
        ((1000, 2000), (128, 256)),
        ((50, 1), (1000, 20)),
        ((4000, 1), (1000, 16)),
        ((1, 1000), (16, 256)),
        ((1, 1), (80, 80)),
    ],
)
def test_pictures_are_large_enough_to_see_and_small_enough_for_a_page(size, drawn):
    assert visualizations.scale_for_display(Image.new("RGB", size)).size == drawn


@pytest.mark.parametrize("size", [(1, 1), (50, 1), (1, 100), (3000, 20)])
def test_odd_sizes_are_written(tmp_path, size):
    folder = save(tmp_path, "A 你", image=encode(Image.new("L", size, 200)))
    assert open_picture(folder, "attention.gif").n_frames == 3
    assert open_picture(folder, "attention.png").height >= 3 * 35


# Characters


@pytest.mark.parametrize("character", ["A", "z", "0", "~", '"', "\\"])
def test_ascii_is_drawn_itself(character):
    assert drawing.glyph(character) == drawing._ink(character, 28)


@pytest.mark.parametrize(
    ("character", "code"),
    [
        ("ا", "U+0627"),
        ("你", "U+4F60"),
        ("😀", "U+1F600"),
        ("\0", "U+0000"),
        ("\n", "U+000A"),
        ("\u0301", "U+0301"),
        ("\u200b", "U+200B"),
        ("\u00a0", "U+00A0"),
    ],
)
def test_what_the_font_lacks_is_drawn_as_its_code_point(character, code):
    mask, written = drawing.glyph(character), drawing._ink(f" {code} ", 14)
    assert mask.height == drawing.glyph("A").height
    assert mask.crop(mask.getbbox()) == written.crop(written.getbbox())


def test_space_is_visible_and_like_no_other_mark():
    box = drawing.glyph(" ")
    assert box.getbbox() is not None
    assert all(box != drawing.glyph(character) for character in "_-.|[]")


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
    assert visualizations.folder_name(12, text) == name
    folder = save(tmp_path, text, index=12)
    assert os.path.realpath(folder) == os.path.realpath(tmp_path / "incorrect" / name)
    assert sorted(os.listdir(folder)) == ["attention.gif", "attention.png", "word.txt"]


@pytest.mark.parametrize("text", ["é" * 300, "你" * 300, "A" * 300, "x" + "é" * 300])
def test_long_names_are_cut_at_a_character(text):
    name = visualizations.folder_name(123456, text)
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
        {"content_columns": 0},
    ],
)
def test_attention_that_does_not_fit_is_named(tmp_path, changed):
    with pytest.raises(ValueError, match="image 5: attention of shape .* 'ABC'"):
        save(tmp_path, "ABC", index=5, **changed)
    assert not os.listdir(tmp_path)
