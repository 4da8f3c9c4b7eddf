"""The contact sheet: what is on it, pixel by pixel where it matters, and where."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import encoded, white
from PIL import Image

from aocr.config import Config
from aocr.data.augmentation.augment import Identity, augment
from aocr.data.images import preprocessing
from aocr.data.records.files import RawRecord
from aocr.inspection import contact_sheet
from aocr.inspection.contact_sheet import (
    BAR_HEIGHT,
    GAP,
    MARGIN,
    MAX_SAMPLES,
    MIN_CELL_WIDTH,
    VARIANTS,
    Variation,
    draw,
    sample_indices,
    write,
)
from aocr.util.errors import UserError
from aocr.util.text.drawing import ACCENT, BACKGROUND, FOREGROUND, MUTED

CONFIG = Config(max_width=160, max_height=64)
WIDTH = CONFIG.image_width  # 80
SCALE = 3


def prepare(encoded_image, config=CONFIG):
    return preprocessing.prepare(encoded_image, config)


def row(label="AB", content=None, name="record 1"):
    return RawRecord(name, white(64, 100) if content is None else content, label.encode())


def sheet_of(*rows, config=CONFIG):
    picture = draw(rows, config)
    return np.asarray(picture).astype(int)


def has(pixels, colour):
    return bool((pixels == colour).all(axis=2).any())


def below_the_image(sheet):
    return sheet[MARGIN + 32 * SCALE + BAR_HEIGHT :]


# Which records


@pytest.mark.parametrize(
    "total", [1, 2, MAX_SAMPLES - 1, MAX_SAMPLES, MAX_SAMPLES + 1, 1000, 10**9]
)
def test_samples_are_spread_evenly(total):
    places = sample_indices(total)
    assert len(places) == min(total, MAX_SAMPLES) == len(set(places))
    assert places[0] == 0
    assert total - places[-1] <= -(-total // MAX_SAMPLES)
    assert set(np.diff(places)) <= {total // len(places), -(-total // len(places))}


# What is drawn


def test_image_is_drawn_as_prepared_and_enlarged():
    noise = np.random.default_rng(0).integers(0, 256, [70, 150], np.uint8)
    sheet = sheet_of(row(content=encoded(noise)))
    drawn = sheet[MARGIN : MARGIN + 32 * SCALE, MARGIN : MARGIN + WIDTH * SCALE]
    pixels = prepare(encoded(noise)).pixels.numpy().clip(0, 255)  # [32, 80, 1]
    np.testing.assert_allclose(drawn[1::SCALE, 1::SCALE], np.repeat(pixels, 3, 2), atol=0.51)
    np.testing.assert_array_equal(drawn[::SCALE], drawn[2::SCALE])
    np.testing.assert_array_equal(drawn[:, ::SCALE], drawn[:, 2::SCALE])


def test_colour_is_drawn_where_the_model_sees_it():
    red = encoded(np.full([32, 40, 3], (255, 0, 0), np.uint8))
    grey = sheet_of(row(content=red))
    assert len(set(grey[MARGIN + 9, MARGIN + 9])) == 1
    colour = Config(max_width=160, max_height=64, channels=3)
    assert tuple(sheet_of(row(content=red), config=colour)[MARGIN + 9, MARGIN + 9]) == (255, 0, 0)


def test_bar_is_as_wide_as_the_image_without_padding():
    sheet = sheet_of(row(content=white(64, 100)))  # 50 wide at 32
    bar = (sheet[MARGIN + 32 * SCALE] == ACCENT).all(axis=1)
    assert np.flatnonzero(bar).tolist() == list(range(MARGIN, MARGIN + 50 * SCALE))


def test_label_and_name_stand_below():
    below = below_the_image(sheet_of(row("AB")))
    assert has(below, FOREGROUND)
    assert not has(below_the_image(sheet_of(row(" "), row("")))[:, : MARGIN + 240], ACCENT)
    different = below_the_image(sheet_of(row("CD")))
    assert (below != different).any()
    renamed = below_the_image(sheet_of(row("AB", name="record 2")))
    assert (below != renamed).any()
    assert (below != BACKGROUND).any(axis=2).sum() > 100


def test_empty_label_is_said_to_be_empty():
    below = below_the_image(sheet_of(row("")))
    assert has(below, ACCENT)
    assert not has(below, FOREGROUND)


def test_characters_without_a_glyph_differ_from_each_other():
    one, other = (below_the_image(sheet_of(row(label))) for label in ("\u7696", "\u82cf"))
    assert one.shape == other.shape
    assert (one != other).any()


def test_long_label_is_broken_into_lines_and_ends_in_dots(monkeypatch):
    heights = [len(sheet_of(row("W" * lines * 11))) for lines in (1, 2, 3, 4, 5, 50)]
    assert heights[0] < heights[1] < heights[2] < heights[3] == heights[4] == heights[5]
    asked = []
    genuine = contact_sheet._glyph
    monkeypatch.setattr(contact_sheet, "_glyph", lambda c, s: asked.append(c) or genuine(c, s))
    sheet_of(row("W" * 44))
    assert "." not in asked
    sheet_of(row("W" * 400))
    assert asked.count(".") == 1


def test_latin_1_label_is_drawn_as_what_it_means():
    old = RawRecord("record 1", white(64, 100), b"A\xc4")
    np.testing.assert_array_equal(sheet_of(old), sheet_of(row("A\xc4")))


@pytest.mark.parametrize("content", [b"", b"no image", white(64, 100)[:-30]])
def test_broken_image_is_said_to_be_broken(content):
    sheet = sheet_of(row(content=content))
    frame = sheet[MARGIN : MARGIN + 32 * SCALE, MARGIN : MARGIN + WIDTH * SCALE]
    assert has(frame, MUTED)
    assert (frame != MUTED).any()
    assert has(below_the_image(sheet), FOREGROUND)


# Augmented images


def test_variants_of_the_first_epochs_stand_below_the_image():
    content = encoded(np.random.default_rng(0).integers(0, 256, [64, 120], np.uint8))  # 60 at 32
    plain = sheet_of(row(content=content))
    varied = np.asarray(draw([row(content=content)], CONFIG, Variation("strong", [7]))).astype(int)
    pitch = 32 * SCALE + BAR_HEIGHT + GAP
    assert varied.shape == (plain.shape[0] + VARIANTS * pitch, *plain.shape[1:])
    image = prepare(content)
    shown = [image.pixels]
    for epoch in range(VARIANTS):
        identity = Identity(0, tf.constant(epoch, tf.int64), tf.constant([7], tf.int64))
        shown.append(
            augment(image.pixels[tf.newaxis], tf.stack([image.width]), identity, "strong")[0]
        )
    for number, pixels in enumerate(shown):
        top = MARGIN + number * pitch
        drawn = varied[top : top + 32 * SCALE : SCALE, MARGIN : MARGIN + WIDTH * SCALE : SCALE, 0]
        np.testing.assert_allclose(drawn, np.clip(pixels[:, :, 0], 0, 255), atol=0.51)
        bar = (varied[top + 32 * SCALE] == ACCENT).all(axis=1)
        assert bar.sum() == 60 * SCALE
    below = varied[MARGIN + (1 + VARIANTS) * pitch :]
    np.testing.assert_array_equal(below, plain[MARGIN + pitch :])


def test_broken_image_has_no_variants():
    rows = [row(content=b"no image")]
    found = np.asarray(draw(rows, CONFIG, Variation("light", [0])))
    np.testing.assert_array_equal(found, sheet_of(*rows))


# Where it is


def test_cells_stand_side_by_side_then_below():
    five = sheet_of(*[row()] * 5)
    seven = sheet_of(*[row()] * 7)
    pitch = WIDTH * SCALE + MARGIN
    assert five.shape[1] == MARGIN + 5 * pitch
    assert seven.shape[1] == MARGIN + 6 * pitch
    assert seven.shape[0] - MARGIN == 2 * (five.shape[0] - MARGIN)
    second = seven[:, MARGIN + pitch : MARGIN + 2 * pitch]
    np.testing.assert_array_equal(second[: five.shape[0]], five[:, MARGIN : MARGIN + pitch])


@pytest.mark.parametrize(("max_width", "scale"), [(32, 3), (300, 2), (500, 1), (3000, 1)])
def test_wide_images_are_enlarged_less(max_width, scale):
    config = Config(max_width=max_width, max_height=32)
    sheet = sheet_of(row(content=white(32, max_width)), config=config)
    assert sheet.shape[1] == max(max_width * scale, MIN_CELL_WIDTH) + 2 * MARGIN
    bar = (sheet[MARGIN + 32 * scale] == ACCENT).all(axis=1)
    assert bar.sum() == max_width * scale


# The file


def test_file_is_the_picture():
    write("ram://sheet.png", [row()], CONFIG)
    with tf.io.gfile.GFile("ram://sheet.png", "rb") as file:
        picture = Image.open(file)
        picture.load()
    assert picture.format == "PNG"
    np.testing.assert_array_equal(np.asarray(picture), sheet_of(row()))


def test_file_is_complete_or_not_there(tmp_path, monkeypatch):
    def write_half(self, content):
        raise tf.errors.ResourceExhaustedError(None, None, "disk full")

    monkeypatch.setattr(tf.io.gfile.GFile, "write", write_half)
    with pytest.raises(UserError, match="disk full"):
        write(str(tmp_path / "sheet.png"), [row()], CONFIG)
    assert not list(tmp_path.iterdir())


def test_file_that_cannot_be_written_is_named(tmp_path):
    path = str(tmp_path / "nosuch" / "sheet.png")
    with pytest.raises(UserError, match=f"cannot write the contact sheet --sheet={path}: "):
        write(path, [row()], CONFIG)
