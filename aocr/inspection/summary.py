"""Summarizes the statistics of a dataset as values that both JSON and text reports show."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from aocr.charset import DIGITS_AND_CAPITALS
from aocr.config import IMAGE_HEIGHT, RIGHT_TO_LEFT
from aocr.data.label_sanity import ProblemCount
from aocr.data.limits import Limits
from aocr.inspection.completeness import Completeness
from aocr.inspection.distribution import Distribution, distribution_of, divide
from aocr.inspection.gray_contrast import GrayContrast
from aocr.inspection.recommendation import Coverage, RecordCounts, WidthCounts, recommend
from aocr.inspection.shared_images import SharedImages
from aocr.inspection.statistics import DatasetStatistics, LabelStatistics, MisfitCounts
from aocr.util.text.characters import code_point, is_right_to_left, unicode_name


class DatasetFiles(NamedTuple):
    """Describes the files of a dataset.

    Attributes:
        paths: their names.
        size: their total size in bytes.
        datasets: completeness and rejections of each dataset that they belong to.
    """

    paths: list[str]
    size: int
    datasets: list[Completeness]


@dataclasses.dataclass(frozen=True)
class CharacterCount:
    """Describes a character of the labels.

    The names of the fields are keys of `aocr inspect --json`.

    Attributes:
        character: the character itself.
        code_point: its code point, such as `U+00E9`.
        name: its Unicode name.
        occurrences: number of times that it occurs.
        labels: number of labels that contain it.
    """

    character: str
    code_point: str
    name: str
    occurrences: int
    labels: int


@dataclasses.dataclass(frozen=True)
class Contradictions:
    """Counts images that occur with different labels.

    The names of the fields are keys of `aocr inspect --json`.

    Attributes:
        images: number of these images.
        records: number of records with these images.
        named: for each of the first images, name and label of the first record with each label.
    """

    images: int
    records: int
    named: list[list[str]]


class Duplicates(NamedTuple):
    """Counts records whose images are the same file, byte for byte.

    Attributes:
        repeated_records: records whose image occurs in an earlier record.
        contradicted_images: images that occur with different labels.
        contradicting_records: records of these images.
        examples: for each of the first contradicted images, the indices of the first record with
            each label; from 0, in increasing order.
    """

    repeated_records: int
    contradicted_images: int
    contradicting_records: int
    examples: list[list[int]]


def find_duplicates(images: Sequence[int], labels: Sequence[int], max_examples: int) -> Duplicates:
    """Finds records with the same image, and those of them whose labels differ.

    Sorts the N records by image and label, so that the records of an image form a group. G is the
    number of groups.

    Args:
        images: a digest below 2**64 of each record's image, in the order of the records.
        labels: a digest of each record's label, in that order.
        max_examples: most examples to return, and most records of each example.
    """
    image, label = np.asarray(images, np.uint64), np.asarray(labels, np.uint64)  # [N]
    order = np.lexsort((label, image))  # [N], indices of records; stable
    image, label = image[order], label[order]
    starts_image = np.diff(image, prepend=~image[:1]) != 0  # [N]
    starts_label = starts_image | (np.diff(label, prepend=label[:1]) != 0)  # [N]
    starts = np.flatnonzero(starts_image)  # [N] --> [G]
    sizes = np.diff(starts, append=len(order))  # [G]
    is_contradicted = np.add.reduceat(starts_label, starts, dtype=np.int64) > 1  # [G]
    first_records = np.minimum.reduceat(order, starts)  # [G]
    contradicted = np.flatnonzero(is_contradicted)
    contradicted = contradicted[np.argsort(first_records[contradicted])]
    groups = [slice(starts[g], starts[g] + sizes[g]) for g in contradicted[:max_examples]]
    return Duplicates(
        repeated_records=len(order) - len(starts),
        contradicted_images=len(contradicted),
        contradicting_records=int(sizes[is_contradicted].sum()),
        examples=[sorted(order[g][starts_label[g]].tolist())[:max_examples] for g in groups],
    )


@dataclasses.dataclass(frozen=True)
class DatasetSummary:
    """Holds everything that `aocr inspect` reports.

    The names of the fields are the keys of `aocr inspect --json`. Widths and heights are in pixels.

    Attributes:
        files: the TFRecord files.
        bytes: their total size.
        datasets: completeness and rejections of each dataset that the files belong to.
        records: number of records.
        kinds: number of images by format and mode, the most frequent first.
        width: distribution of the image widths; None without an image.
        height: distribution of the image heights; None without an image.
        aspect: distribution of width / height, rounded up to a multiple of 1/32; None without an
            image.
        label_length: distribution of the label lengths in characters.
        characters: the characters of the labels, in the order of the code points.
        undecodable: images that the model cannot decode.
        complained: images that are decoded with a complaint of the decoder.
        blank: images that show nothing although they have a label.
        on_black: transparent images that are shown on black.
        absurd_sizes: images whose size is absurd beside the others. They are left out of
            `coverage` and `flags`.
        empty_labels: labels without a character.
        latin_1_labels: labels that are not valid UTF-8 and are read as Latin-1.
        labels_not_nfc: labels that are not in Unicode normalization form NFC.
        odd_labels: what is odd about labels, by the keys of `label_sanity.KINDS`.
        repeated_images: records whose image occurs in an earlier record.
        contradictions: images that occur with different labels.
        shared_images: images that several of the datasets have.
        gray_contrast: how many of a sample of the images lose edges in gray.
        coverage: the smallest flags for each percentage of the records.
        fit: records that do not fit the given flags; None if no such flag is given.
        flags: recommended flags by percentage, such as "99 %". The percentage applies to images and
            label lengths; the charset always covers all characters.
    """

    files: list[str]
    bytes: int
    datasets: list[Completeness]
    records: int
    kinds: dict[str, int]
    width: Distribution | None
    height: Distribution | None
    aspect: Distribution | None
    label_length: Distribution | None
    characters: list[CharacterCount]
    undecodable: ProblemCount
    complained: ProblemCount
    blank: ProblemCount
    on_black: ProblemCount
    absurd_sizes: ProblemCount
    empty_labels: ProblemCount
    latin_1_labels: ProblemCount
    labels_not_nfc: ProblemCount
    odd_labels: dict[str, ProblemCount]
    repeated_images: int
    contradictions: Contradictions
    shared_images: list[SharedImages]
    gray_contrast: GrayContrast
    coverage: list[Coverage]
    fit: MisfitCounts | None
    flags: dict[str, list[str]]

    def to_json(self) -> str:
        """Returns the fields as indented JSON."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False) + "\n"


def summarize(
    files: DatasetFiles,
    statistics: DatasetStatistics,
    duplicates: Duplicates,
    examples: list[list[str]],
    absurd_sizes: ProblemCount,
    shared_images: list[SharedImages],
    gray_contrast: GrayContrast,
) -> DatasetSummary:
    """Returns the summary of a dataset.

    Args:
        files: the files of the dataset.
        statistics: statistics of at least one record.
        duplicates: records with the same image.
        examples: name and label of each record in `duplicates.examples`.
        absurd_sizes: the images whose size is absurd; the recommended flags need not fit them.
        shared_images: images that several datasets have.
        gray_contrast: how many of a sample of the images lose edges in gray.
    """
    images, labels = statistics.images, statistics.labels
    sizes, usual = images.sizes.counts(), images.sizes.usual_counts()
    widths = WidthCounts(statistics.limits.max_height)
    for size, number in usual.items():
        widths.add(*size, number)
    coverage = recommend(RecordCounts(widths, usual.heights(), labels.lengths, labels.labels_with))
    return DatasetSummary(
        files=files.paths,
        bytes=files.size,
        datasets=files.datasets,
        records=statistics.records,
        kinds=dict(images.kinds.most_common()),
        width=distribution_of(sizes.widths()),
        height=distribution_of(sizes.heights()),
        aspect=divide(distribution_of(sizes.widths_at_32()), IMAGE_HEIGHT),
        label_length=distribution_of(labels.lengths),
        characters=_count_characters(labels),
        undecodable=images.undecodable,
        complained=images.complained,
        blank=images.blank,
        on_black=images.on_black,
        absurd_sizes=absurd_sizes,
        empty_labels=labels.empty,
        latin_1_labels=labels.latin_1,
        labels_not_nfc=labels.not_nfc,
        odd_labels={kind.key: problem for kind, problem in labels.sanity.findings()},
        repeated_images=duplicates.repeated_records,
        contradictions=_contradictions(duplicates, examples),
        shared_images=shared_images,
        gray_contrast=gray_contrast,
        coverage=coverage,
        fit=None if statistics.limits == Limits() else statistics.misfits,
        flags=_recommended_flags(coverage, statistics.labels, gray_contrast),
    )


def _contradictions(duplicates: Duplicates, examples: list[list[str]]) -> Contradictions:
    return Contradictions(
        images=duplicates.contradicted_images,
        records=duplicates.contradicting_records,
        named=examples,
    )


def _count_characters(labels: LabelStatistics) -> list[CharacterCount]:
    """Returns the characters of the labels, in the order of their code points."""
    return [
        CharacterCount(c, code_point(c), unicode_name(c), occurrences, labels.labels_with[c])
        for c, occurrences in sorted(labels.occurrences.items())
    ]


def _recommended_flags(
    coverage: list[Coverage], labels: LabelStatistics, gray_contrast: GrayContrast
) -> dict[str, list[str]]:
    """Returns flags for the command line by percentage, with a charset of all characters."""
    fixed = ["--color"] if gray_contrast.colors_matter else []
    if not set(labels.occurrences) <= set(DIGITS_AND_CAPITALS):
        fixed.append("--charset=auto")
    if is_right_to_left(labels.occurrences):
        fixed.append(f"--direction={RIGHT_TO_LEFT}")
    return {f"{each.percent} %": [*_size_flags(each), *fixed] for each in coverage}


def _size_flags(coverage: Coverage) -> list[str]:
    flags = []
    if coverage.max_width:
        flags += [f"--max-width={coverage.max_width}", f"--max-height={coverage.max_height}"]
    return [*flags, f"--max-prediction={coverage.max_prediction}"]
