"""Runs `aocr synth`: plans the texts, draws the images, writes them, and reports."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from aocr.config import Config, width_at_32
from aocr.data.images.header import quiet_pillow, read_header
from aocr.data.records.files import RawRecord
from aocr.inspection import contact_sheet
from aocr.inspection.inspector import MAX_SHEET_WIDTH
from aocr.synthesis import report
from aocr.synthesis.drawing.backgrounds import MAX_PIXELS, find_backgrounds
from aocr.synthesis.drawing.image import Plan
from aocr.synthesis.drawing.processes import drawing
from aocr.synthesis.fonts import files as font_files
from aocr.synthesis.fonts.shaping import check_shaping
from aocr.synthesis.likeness import likeness_of
from aocr.synthesis.options import SynthesisOptions, is_folder_name
from aocr.synthesis.outputs import ANNOTATIONS, open_output
from aocr.synthesis.texts.plan import TextPlan, plan_texts
from aocr.util.terminal.console import is_interactive, progress_bar
from aocr.util.text.plurals import counted

LOG_INTERVAL = 10_000  # images


class _Written(NamedTuple):
    """Holds what is left of a run: samples for the contact sheet, and a number.

    Attributes:
        samples: some records, evenly spread.
        replaced: texts that no font can draw, and that others were drawn in place of.
    """

    samples: list[RawRecord]
    replaced: int


def synthesize(output: str, options: SynthesisOptions) -> None:
    """Draws images of text, and writes them as TFRecords or as a folder.

    Args:
        output: TFRecord file, or a folder if it ends with a slash.
        options: see `SynthesisOptions`.

    Raises:
        UserError: the texts, fonts or backgrounds cannot be used, or the output cannot be written.
    """
    with quiet_pillow():
        texts, plan = _plan(options)
        with open_output(output, options) as write:
            written = _draw_and_write(plan, options, write)
    report.log_characters(texts)
    report.log_left_out(texts.left_out, written.replaced)
    logging.info("%s holds %s.", output, counted(options.count, "image"))
    if is_folder_name(output):
        logging.info(
            "For TFRecords: aocr dataset %s%s --base-dir=%s --no-force-uppercase",
            output,
            ANNOTATIONS,
            output,
        )
    if options.sheet:
        _draw_sheet(options.sheet, written.samples)


def _plan(options: SynthesisOptions) -> tuple[TextPlan, Plan]:
    """Reads all inputs, and returns the texts and what to draw."""
    files = font_files.find_fonts(options.fonts)
    looks = options.looks
    backgrounds = find_backgrounds(looks.backgrounds) if looks.backgrounds else ()
    likeness = likeness_of(options.texts.like) if options.texts.like else None

    def find_fonts(characters: str) -> font_files.FontSet:
        check_shaping(characters)
        return font_files.coverage(files, characters)

    texts = plan_texts(options.texts, likeness, options.seed, find_fonts)
    plan = Plan(
        source=texts.source,
        fonts=texts.fonts,
        looks=looks,
        background_files=backgrounds,
        likeness=likeness,
        seed=options.seed,
    )
    return texts, plan


def _draw_and_write(
    plan: Plan, options: SynthesisOptions, write: Callable[[bytes, str], None]
) -> _Written:
    wanted = set(contact_sheet.sample_indices(options.count)) if options.sheet else set()
    samples, replaced = [], 0
    with (
        drawing(plan, options.count, options.processes) as images,
        _progress(options.count) as advance,
    ):
        for index, drawn in enumerate(images):
            label = drawn.text.upper() if options.texts.force_uppercase else drawn.text
            write(drawn.encoded, label)
            replaced += drawn.replaced
            if index in wanted:
                samples.append(RawRecord(f"record {index + 1}", drawn.encoded, label.encode()))
            advance(index + 1)
    return _Written(samples, replaced)


@contextlib.contextmanager
def _progress(count: int) -> Iterator[Callable[[int], None]]:
    """Shows progress: a bar on a terminal, log lines elsewhere."""
    if is_interactive():
        with progress_bar(count, "images") as bar:
            yield lambda _: bar.update() and None
    else:
        yield _log


def _log(number: int) -> None:
    if number % LOG_INTERVAL == 0:
        logging.info("Drew %i images.", number)


def _draw_sheet(path: str, samples: Sequence[RawRecord]) -> None:
    headers = [read_header(row.image, MAX_PIXELS) for row in samples]
    widest = max(width_at_32(header.width, header.height) for header in headers)
    config = Config(max_width=min(widest, MAX_SHEET_WIDTH), max_height=32, channels=3)
    contact_sheet.write(path, samples, config)
    logging.info("%s shows %s.", path, counted(len(samples), "image"))
