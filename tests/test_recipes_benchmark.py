"""Checks which images the benchmark of recipes trains on and tests on."""

import recipes

LINES = [f"images/{number}.png {number}" for number in range(50)]


def folder_of(tmp_path):
    (tmp_path / "annotations-training.txt").write_text("\n".join(LINES) + "\n")
    (tmp_path / "annotations-testing.txt").write_text("images/a.png a\n")
    return tmp_path


def test_a_tenth_is_held_back_by_the_seed(tmp_path):
    folder = folder_of(tmp_path)
    found = recipes.split(folder, seed=1, images=None, test=False)
    assert len(found.testing) == 5
    assert sorted([*found.training, *found.testing], key=LINES.index) == LINES
    assert found == recipes.split(folder, seed=1, images=None, test=False)
    assert found.testing != recipes.split(folder, seed=2, images=None, test=False).testing


def test_images_limits_training_alone(tmp_path):
    folder = folder_of(tmp_path)
    whole = recipes.split(folder, seed=1, images=None, test=False)
    few = recipes.split(folder, seed=1, images=7, test=False)
    assert few.training == whole.training[:7]
    assert few.testing == whole.testing


def test_with_test_nothing_is_held_back(tmp_path):
    found = recipes.split(folder_of(tmp_path), seed=1, images=None, test=True)
    assert found == (LINES, ["images/a.png a"])
