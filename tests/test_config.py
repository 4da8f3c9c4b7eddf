"""Tests the defaults of a model and of training, the sizes of a model, and `config.json`."""

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aocr.charset import FULL_ASCII
from aocr.config import COLUMN_WIDTH, IMAGE_HEIGHT, Config, width_at_32
from aocr.model import config_file
from aocr.training.options import LEARNING_RATES, WEIGHT_DECAYS, TrainingOptions
from aocr.util.options import options_of


def test_model_defaults_are_those_of_0_7_6():
    assert Config() == Config(
        max_width=160,
        max_height=60,
        max_prediction=8,
        characters="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        channels=1,
        use_gru=False,
        attn_num_layers=2,
        attn_num_hidden=128,
        target_embedding_size=10,
    )


def test_training_defaults_are_those_of_0_7_6():
    assert TrainingOptions() == TrainingOptions(
        batch_size=65,
        num_epoch=1000,
        steps_per_checkpoint=100,
        initial_learning_rate=1.0,
        max_gradient_norm=5.0,
        optimizer="adadelta",
        learning_rate_schedule="constant",
        weight_decay=0.0,
        dropout=0.5,
        keep_checkpoints=5,
    )


@pytest.mark.parametrize(
    ("max_width", "max_height", "image_width"),
    [
        (160, 60, 86),  # 85.3
        (320, 32, 320),
        (100, 40, 80),
        (101, 40, 81),  # 80.8
        (5, 160, 1),
        (7, 160, 2),  # 1.4
        (1000, 7, 4572),  # 4571.4
    ],
)
def test_image_width_is_that_at_32_pixels_of_height_rounded_up(max_width, max_height, image_width):
    assert Config(max_width=max_width, max_height=max_height).image_width == image_width


def test_decoder_takes_two_steps_more_than_the_longest_label():
    assert Config().decoder_steps == 10
    assert Config(max_prediction=170).decoder_steps == 172


def test_encoder_is_as_wide_as_all_decoder_layers_together():
    assert Config().encoder_units == 256
    assert Config(attn_num_layers=3, attn_num_hidden=50).encoder_units == 150


def test_sizes_that_every_checkpoint_relies_on():
    assert (IMAGE_HEIGHT, COLUMN_WIDTH) == (32, 4)


@pytest.mark.parametrize("value", [Config(), TrainingOptions()])
def test_values_are_frozen(value):
    field = dataclasses.fields(value)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, field, 1)


def test_equal_configs_are_one_value():
    assert len({Config(), Config(), Config(channels=3)}) == 2


def test_vocab_size_counts_characters_and_special_symbols():
    assert Config().vocab_size == 39
    assert Config(characters=FULL_ASCII).vocab_size == 98


@pytest.mark.parametrize(
    ("size", "width"), [((160, 60), 86), ((320, 32), 320), ((1, 33), 1), ((5, 160), 1)]
)
def test_width_at_32_pixels_of_height_is_rounded_up(size, width):
    assert width_at_32(*size) == width


CHANGED = Config(
    max_width=99,
    max_height=33,
    max_prediction=5,
    characters="aß字 ",
    channels=3,
    use_gru=True,
    attn_num_layers=3,
    attn_num_hidden=64,
    target_embedding_size=16,
    bucket_widths=(48, 64),
)


def read(**changes):
    """Reads the JSON of `CHANGED` after changes of its values; `...` removes a key."""
    facts = json.loads(config_file.dumps(CHANGED)) | changes
    facts = {name: value for name, value in facts.items() if value is not ...}
    return config_file.loads(json.dumps(facts))


def test_every_field_is_read_as_it_was_written():
    assert config_file.loads(config_file.dumps(CHANGED)) == read() == CHANGED
    assert config_file.loads(config_file.dumps(Config())) == Config()


def test_the_version_and_the_preparation_may_be_missing():
    assert read(preparation=..., aocr=...) == CHANGED


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"dropout2": 0.5}, "its key 'dropout2' .0.5. is unknown; aocr 1.* wrote it"),
        ({"aocr": "99.1.0", "future": 1}, "its aocr is '99.1.0', a later version than this"),
        ({"aocr": 1}, "its aocr is 1, which is not a version"),
        ({"preparation": 5}, "its preparation is 5, but max_width=99 and max_height=33 lead to"),
        ({"preparation": {"height": 7}}, "its preparation is {'height': 7}"),
        ({"max_width": 320}, "its preparation is .*'width': 96.*lead to .*'width': 311"),
        (
            {"bucket_widths": [48, 96]},
            "--bucket-widths: 96 is not less than the 96 pixels that --max-width=99",
        ),
        (
            {"max_width": 100_000, "max_height": 1},
            "lead to 3200000 pixels > 100000",
        ),
        ({"attn_num_hidden": 8192}, "attn_num_layers . attn_num_hidden = 24576 > 16384"),
        ({"characters": "a\ud800"}, r"the charset holds '\\ud800', which is not a character"),
    ],
)
def test_what_contradicts_or_is_unknown_is_named(changes, told):
    with pytest.raises(ValueError, match=told):
        read(**changes)


def test_a_key_that_occurs_twice_is_named():
    with pytest.raises(ValueError, match="it has channels more than once"):
        config_file.loads(config_file.dumps(CHANGED).replace("{", '{"channels": 1,', 1))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@settings(deadline=None, database=None)
@given(st.sampled_from([*json.loads(config_file.dumps(CHANGED)), "unknown"]), JSON)
def test_any_value_is_read_as_it_is_or_refused_in_one_line(name, value):
    try:
        config = read(**{name: value})
    except ValueError as error:
        problem = str(error)
    else:
        assert name != "unknown"
        assert config_file.loads(config_file.dumps(config)) == config
        return
    assert problem.splitlines() == [problem]
    assert len(problem) < 500


@settings(deadline=None, database=None)
@given(st.text())
def test_any_text_is_a_config_or_a_value_error(text):
    with pytest.raises(ValueError):  # noqa: PT011
        config_file.loads(text)


def test_a_model_that_straightens_images_is_refused_by_name():
    assert read(rectify="none") == read(rectify=None) == CHANGED
    with pytest.raises(
        config_file.UnsupportedModelError, match="its rectify is 'tps', but --rectify"
    ):
        read(rectify="tps")


def test_files_without_bucket_widths_have_none():
    assert read(bucket_widths=...) == dataclasses.replace(CHANGED, bucket_widths=())
    assert read(bucket_widths=None) == dataclasses.replace(CHANGED, bucket_widths=())


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("max_width", [0, -1, 100_001, 99.0, "99", True]),
        ("max_height", [0, 100_001]),
        ("max_prediction", [0, 10_001, 10**30]),
        ("characters", [5, ["a"], True]),
        ("channels", [0, 2, 4, True, "3"]),
        ("use_gru", [0, 1, "true"]),
        ("attn_num_layers", [0, 17]),
        ("attn_num_hidden", [0, 8193]),
        ("target_embedding_size", [0, 4097]),
        ("bucket_widths", [48, "48", ["48"], [50], [64, 48], [48, 48], [0]]),
    ],
)
def test_a_value_that_is_not_permitted_is_named_with_its_key(name, values):
    for value in values:
        with pytest.raises(ValueError, match=f"its {name} is ") as error:
            read(**{name: value})
        assert repr(value) in str(error.value)
    if name != "bucket_widths":
        with pytest.raises(ValueError, match=f"its {name} is missing"):
            read(**{name: ...})


@pytest.mark.parametrize(("characters", "reason"), [("", "is empty"), ("aba", "'a'.* than once")])
def test_characters_must_be_a_charset(characters, reason):
    with pytest.raises(ValueError, match=f"the charset .*{reason}"):
        read(characters=characters)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"architecture": "CTC"}', "nul"])
def test_text_that_is_no_config_is_refused(text):
    with pytest.raises(ValueError, match=r"architecture|Expecting value|not a JSON object"):
        config_file.loads(text)


@pytest.mark.parametrize("owner", [Config, TrainingOptions])
def test_defaults_are_permitted_and_numbers_have_bounds(owner):
    for each in options_of(owner):
        assert each.default is None or each.permitted.accepts(each.default)
        if each.permitted.kind in (int, float) and not each.permitted.choices:
            largest = 1e38 if each.permitted.kind is float else 2**31 - 1
            assert 0 <= each.permitted.minimum < each.permitted.maximum <= largest


def test_every_optimizer_has_a_learning_rate_and_a_weight_decay():
    assert list(LEARNING_RATES) == list(WEIGHT_DECAYS)
