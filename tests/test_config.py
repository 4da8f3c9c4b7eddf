"""What a model is by default, and the sizes that follow from it."""

import dataclasses

import pytest

from aocr.config import COLUMN_WIDTH, IMAGE_HEIGHT, Config, TrainingOptions


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
