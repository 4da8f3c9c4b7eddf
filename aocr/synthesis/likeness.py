"""Takes sizes, lengths and characters from a dataset, so that drawn images resemble it."""

from __future__ import annotations

from collections.abc import Sequence

from aocr.data.limits import Limits
from aocr.data.records import files as record_files
from aocr.inspection.inspector import compile_decoder
from aocr.inspection.statistics import collect_statistics
from aocr.synthesis.sizes import Likeness
from aocr.synthesis.weighted import weighted_counts
from aocr.util.errors import UserError


def likeness_of(paths: Sequence[str]) -> Likeness:
    """Reads datasets once and returns how they are distributed.

    Args:
        paths: TFRecords: files, folders or globs.

    Raises:
        UserError: there is no such dataset, or it has no image or no label with a character.
    """
    files = record_files.expand(paths)
    decode = compile_decoder(channels=1)
    statistics = collect_statistics(record_files.read(files), Limits(), decode)
    lengths = {length: count for length, count in statistics.labels.lengths.items() if length}
    if not lengths or not statistics.images.heights:
        raise UserError(f"--like: no image with a label in {', '.join(files) or ' '.join(paths)}")
    return Likeness(
        weighted_counts(statistics.images.heights),
        weighted_counts(statistics.images.widths_at_32),
        weighted_counts(lengths),
        dict(sorted(statistics.labels.occurrences.items())),
    )
