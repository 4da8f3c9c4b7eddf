"""Complaints of the JPEG decoder: each is about one image, whatever other threads decode."""

import contextlib
import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tensorflow as tf
from broken_jpegs import (
    EXTRANEOUS,
    NO_TABLE,
    PREMATURE_END,
    cut,
    cut_and_ended,
    with_stray_bytes,
    without_tables,
)
from commands import draw

from aocr.config import MAX_PIXELS, Config
from aocr.data.images.conversion import convert_watched
from aocr.data.images.decoder_complaints import DecoderWatch, hidden_complaints
from aocr.data.images.files import ImageFileError, TooManyPixelsError
from aocr.data.images.measuring import ImageMeasurer

GOOD = draw("AB", form="JPEG")
ENDED, STRAY, NO_TABLES = cut_and_ended(GOOD), with_stray_bytes(GOOD), without_tables(GOOD)


def decode(encoded):
    return tf.io.decode_image(encoded).shape


def decode_all(images):
    return list(map(decode, images))


def test_complaint_belongs_to_its_image(capfd):
    with DecoderWatch() as watch:
        for encoded, complaint in ((GOOD, ""), (ENDED, PREMATURE_END), (STRAY, EXTRANEOUS)) * 2:
            assert watch.decode([encoded], decode_all) == [((32, 48, 1), complaint)]
    assert capfd.readouterr().err == ""


def test_complaints_are_told_apart_among_threads(capfd):
    images = [(GOOD, "")] * 40 + [(ENDED, PREMATURE_END)] * 5 + [(STRAY, EXTRANEOUS)] * 5
    random.Random(0).shuffle(images)
    with DecoderWatch() as watch, ThreadPoolExecutor(4) as threads:
        found = threads.map(lambda each: watch.decode([each[0]], decode_all)[0][1], images)
        assert list(found) == [complaint for _, complaint in images]
    assert capfd.readouterr().err == ""


def test_one_who_is_alone_waits_for_the_others():
    with DecoderWatch() as watch:
        order, inside = [], threading.Event()

        def decode_alone():
            inside.wait()
            watch.complaint_about(GOOD, lambda: order.append("alone"))

        thread = threading.Thread(target=decode_alone)
        thread.start()
        with watch.together():
            inside.set()
            thread.join(0.1)
            order.append("together")
        thread.join()
    assert order == ["together", "alone"]


def test_an_error_opens_the_gate_again():
    with DecoderWatch() as watch:
        with pytest.raises(ZeroDivisionError), watch.together():
            _ = 1 / 0
        assert watch.complaint_about(GOOD, lambda: 1 / 0) == ""
        with watch.together() as heard:
            decode(ENDED)
    assert heard == [PREMATURE_END]


def test_complaints_about_a_batch_are_those_of_its_images():
    with DecoderWatch() as watch, contextlib.closing(ImageMeasurer(Config())) as measurer:
        (size,) = measurer.measure([GOOD])
        assert size[:3] == (32, 48, 48)
        assert watch.decode([GOOD] * 64, measurer.measure) == [(size, "")] * 64
        batch = [GOOD, ENDED, STRAY, cut(GOOD), NO_TABLES]
        found = watch.decode(batch, measurer.measure)
        assert [(measured and measured[:3], complaint) for measured, complaint in found] == [
            (size[:3], ""),
            (size[:3], PREMATURE_END),
            (size[:3], EXTRANEOUS),
            (None, ""),
            (None, NO_TABLE),
        ]


def test_conversion_tells_the_complaint_and_refuses_as_without_a_watch():
    with DecoderWatch() as watch:
        image, complaint = convert_watched(ENDED, MAX_PIXELS, watch)
        assert (image.encoded, image.converted, complaint) == (ENDED, False, PREMATURE_END)
        assert convert_watched(GOOD, MAX_PIXELS, watch)[1] == ""
        with pytest.raises(ImageFileError, match=f"^not a whole JPEG image .{NO_TABLE}.$"):
            convert_watched(NO_TABLES, MAX_PIXELS, watch)
        with pytest.raises(ImageFileError, match="^not a whole JPEG image$"):
            convert_watched(cut(GOOD), MAX_PIXELS, watch)
        with pytest.raises(TooManyPixelsError):
            convert_watched(GOOD, 5, watch)


def test_hidden_complaints_are_those_of_the_decoder_only(capfd):
    with hidden_complaints():
        decode(ENDED)
        os.write(2, b"F0000 Check failed\nfree(): invalid pointer\n")
    assert capfd.readouterr().err == "F0000 Check failed\nfree(): invalid pointer\n"


@pytest.mark.parametrize("seed", range(3))
def test_damaged_files_write_nothing_to_the_console(capfd, seed):
    """Any message of the decoder is recognized, whatever is wrong with the file."""
    random_numbers = np.random.default_rng(seed)
    capfd.readouterr()
    with DecoderWatch() as watch:
        for _ in range(200):
            damaged = bytearray(GOOD)
            for place in random_numbers.integers(2, len(GOOD), 3):
                damaged[place] = random_numbers.integers(256)
            watch.complaint_about(bytes(damaged), lambda: tf.io.decode_jpeg(bytes(damaged)))  # noqa: B023
    assert capfd.readouterr().err == ""
