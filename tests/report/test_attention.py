"""Pictures of the attention: what is bright, and what is written beside it."""

import itertools

import numpy as np
import pytest
from attention_pictures import COLUMNS, open_picture, peaks, save
from helpers import encoded
from PIL import Image

from aocr.report import attention as visualizations
from aocr.report.attention import BAR, GAP
from aocr.util.text import drawing


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


def test_text_from_right_to_left_begins_at_the_right(tmp_path):
    def place_of_the_first_letter(text):
        gif = open_picture(save(tmp_path / text, text, attention=peaks(2, 10)), "attention.gif")
        gif.seek(0)
        return np.flatnonzero(accented(gif, 0).any(axis=0)).mean() / gif.width

    assert place_of_the_first_letter("AB") < 0.5 < place_of_the_first_letter("אב")


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


# Sizes


@pytest.mark.parametrize("size", [(1, 1), (50, 1), (1, 100), (3000, 20)])
def test_odd_sizes_are_written(tmp_path, size):
    folder = save(tmp_path, "A 你", encoded=encoded(Image.new("L", size, 200)))
    assert open_picture(folder, "attention.gif").n_frames == 3
    assert open_picture(folder, "attention.png").height >= 3 * 35
