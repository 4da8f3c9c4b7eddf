"""Images: every style draws every kind of text, readable, in the wanted size."""

import io

import numpy as np
import pytest
from PIL import Image

from aocr.synthesis.drawing import document
from aocr.synthesis.drawing.backgrounds import Backdrop, backdrop_of
from aocr.synthesis.drawing.colors import (
    color_clusters,
    least_contrast,
    levels_of,
    luminance,
    text_color,
)
from aocr.synthesis.drawing.image import Plan, draw_image
from aocr.synthesis.drawing.subject import Subject
from aocr.synthesis.fonts.choice import FontFile
from aocr.synthesis.fonts.files import coverage
from aocr.synthesis.options import BACKGROUNDS, BUILT_IN, STYLES, LookOptions, Span
from aocr.synthesis.texts.sources import WordList
from aocr.synthesis.weighted import Likeness, weighted_counts

FILE = FontFile(BUILT_IN)
WORDS = ["Word", "no", "-", "AB123CD", "x y", "00423", "a" * 60]
FONTS = coverage([FILE], "".join(sorted(set("".join(WORDS)))))


def plan_of(likeness=None, **looks):
    return Plan(WordList(WORDS, 1), FONTS, LookOptions(**looks), (), likeness, seed=5)


def pixels_of(drawn):
    return np.asarray(Image.open(io.BytesIO(drawn.encoded)).convert("L"), np.float32)


def test_the_main_colours_of_a_background_are_found():
    rng = np.random.default_rng(1)
    main = np.array([[20, 60, 20], [200, 30, 40], [240, 240, 220]], np.float32)
    canvas = main[rng.integers(3, size=(30, 80))] + rng.uniform(-6, 6, (30, 80, 3))
    found = color_clusters(Image.fromarray(canvas.astype(np.uint8)))
    np.testing.assert_allclose(found, main, atol=3)
    plain = Image.new("RGB", (9, 4), (77, 77, 77))
    np.testing.assert_array_equal(color_clusters(plain), np.full((3, 3), 77))


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("style", STYLES)
def test_each_style_draws_texts_of_all_kinds(style, strength):
    plan = plan_of(style=style, strength=strength, heights=Span(24, 48), image_format="png")
    for index in range(28):
        drawn = draw_image(plan, index)
        pixels = pixels_of(drawn)
        assert drawn.text in WORDS
        assert 24 <= pixels.shape[0] <= 48
        spread = np.percentile(pixels, 98) - np.percentile(pixels, 2)
        assert spread > 40, (drawn.text, index)


@pytest.mark.parametrize("style", STYLES)
def test_the_index_and_the_seed_decide_the_bytes(style):
    plan = plan_of(style=style)
    assert draw_image(plan, 3) == draw_image(plan, 3)
    assert draw_image(plan, 3).encoded != draw_image(plan._replace(seed=6), 3).encoded
    assert draw_image(plan, 3).encoded != draw_image(plan, 10).encoded


def test_without_strength_a_word_is_where_it_is_drawn_clean():
    subject = Subject("HHHH", (FILE,), 40, 0.0, Backdrop("plain"))
    image = document.draw(subject, np.random.default_rng(1)).convert("L")
    dark = np.asarray(image) < 128
    columns = np.flatnonzero(dark.any(axis=0))
    assert np.count_nonzero(np.diff(columns) > 1) >= 3  # gaps between four letters
    assert set(np.unique(np.asarray(image)[0])) == {image.getpixel((0, 0))}


@pytest.mark.parametrize("strength", [0.0, 0.4, 1.0])
def test_text_differs_from_any_background_by_the_least_contrast(strength):
    rng, contrast = np.random.default_rng(2), least_contrast(strength)
    for level in range(0, 256, 5):
        behind = levels_of(Image.new("RGB", (4, 4), (level, level, level)))
        assert behind == (pytest.approx(level, abs=0.01), pytest.approx(0, abs=0.01))
        color = text_color(rng.uniform(0, 255, 3).astype(np.float32), behind, contrast, rng)
        assert (color >= -0.01).all()
        assert (color <= 255.01).all()
        assert abs(float(luminance(color)) - level) >= contrast - 0.01


@pytest.mark.parametrize("kind", BACKGROUNDS)
def test_backgrounds_are_in_range_and_not_too_busy(kind):
    for number in range(10):
        canvas = Backdrop(kind).paint((90, 30), {}, 12, np.random.default_rng(number))
        assert (canvas.size, canvas.mode) == ((90, 30), "RGB")
        assert float(luminance(np.asarray(canvas, np.float32)).std()) <= 12.5


def test_parts_of_given_images_become_backgrounds(tmp_path):
    path = tmp_path / "b.png"
    Image.new("RGB", (300, 200), (10, 200, 30)).save(path)
    backdrop, _ = backdrop_of(None, (str(path),), (0, 5))
    canvas = backdrop.paint((64, 32), {}, 30, np.random.default_rng(0))
    np.testing.assert_allclose(np.asarray(canvas), np.full((32, 64, 3), (10, 200, 30)), atol=1)


@pytest.mark.parametrize("photo", [(500, 375), (375, 500), (3, 2), (640, 1)])
def test_parts_of_an_image_stay_inside_it_whatever_is_written(photo, tmp_path):
    path = tmp_path / "b.png"
    Image.new("RGB", photo).save(path)
    backdrop, _ = backdrop_of(None, (str(path),), (0, 0))
    rng = np.random.default_rng(0)
    for size in [(width, 30) for width in range(480, 900)] + [(7, height) for height in range(99)]:
        assert backdrop.paint((size[0], size[1] or 1), {}, 30, rng).width == size[0]


def test_in_place_of_a_damaged_background_another_is_taken(tmp_path):
    paths = tuple(str(tmp_path / f"{number}.jpg") for number in range(4))
    Image.effect_noise((90, 60), 50).convert("RGB").save(paths[2])
    whole = (tmp_path / "2.jpg").read_bytes()
    for number in (0, 1, 3):
        (tmp_path / f"{number}.jpg").write_bytes(whole[:700])
    taken, problems = zip(*(backdrop_of(None, paths, (n, 0)) for n in range(20)), strict=True)
    assert {backdrop.file for backdrop in taken} == {paths[2]}
    assert {len(each) for each in problems} == {0, 1, 2, 3}
    assert {text.split(" ")[0] for each in problems for text in each} == {*paths} - {paths[2]}


def test_sizes_follow_those_of_a_dataset():
    aspects = {32 * n: 1 for n in (2, 3, 4)}
    likeness = Likeness(
        weighted_counts({40: 1}), weighted_counts(aspects), weighted_counts({2: 1, 4: 1}), {}
    )
    rng = np.random.default_rng(0)
    short, long = ([likeness.size(n, None, rng) for _ in range(200)] for n in (2, 4))
    assert {size.height for size in short + long} == {40}
    assert np.mean([s.width for s in short]) < 100 < 120 < np.mean([s.width for s in long])
    plan = plan_of(likeness, style="document", image_format="png")
    widths = [pixels_of(draw_image(plan, i)).shape[1] for i in range(7)]
    assert all(width >= 20 for width in widths)
