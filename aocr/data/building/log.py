"""Counts and logs what `aocr dataset` does (docs/compatibility.md, "Log lines")."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from tqdm import tqdm

from aocr.data.building.checking import Checked, Options
from aocr.data.dataset_scan import Finding
from aocr.data.image_sizes import ABSURD, ImageSizes
from aocr.data.images.decoder_complaints import COMPLAINED, warning_text
from aocr.data.images.measuring import BLANK, ON_BLACK
from aocr.data.label_sanity import LabelSanity, ProblemCount
from aocr.data.sources.annotations import Source
from aocr.util.terminal.console import is_interactive, progress_bar
from aocr.util.text.characters import (
    changed_by_upper_casing,
    describe_character,
    escape,
    quoted,
    shorten,
    visible_text,
)
from aocr.util.text.plurals import counted

_MOST_LETTERS = 10
"""Number of letters that upper-casing changes into others that the log names one by one."""


class CaseMerges:
    """Counts the labels that upper-casing changes, and the labels that it makes equal.

    Args:
        limit: number of labels that are remembered, which bounds the memory. With more labels,
            `merged` is a lower bound.

    Attributes:
        changed: number of labels that upper-casing changes.
        merged: number of upper-case labels that stand for several different labels.
        example: one of them, or empty.
        letters: labels with each letter that becomes another letter, or several.
    """

    def __init__(self, limit: int = 10_000) -> None:
        self.changed = 0
        self.merged = 0
        self.example = ""
        self.letters: dict[str, ProblemCount] = {}
        self._limit = limit
        self._first_spellings: dict[int, int] = {}  # hash in upper case --> hash of the first label
        self._merged: set[int] = set()

    def add(self, label: str, name: str = "") -> None:
        """Counts a label, given in its original case; `name` is that of its line."""
        upper = label.upper()
        self.changed += upper != label
        for letter in filter(changed_by_upper_casing, () if label.isascii() else set(label)):
            self.letters.setdefault(letter, ProblemCount()).add(f"{name}: {quoted(label)}")
        key = hash(upper)
        if key not in self._first_spellings:
            if len(self._first_spellings) < self._limit:
                self._first_spellings[key] = hash(label)
        elif self._first_spellings[key] != hash(label) and key not in self._merged:
            self._merged.add(key)
            self.merged += 1
            self.example = self.example or upper


MAX_SIZES = 1_000_000
"""Number of images whose sizes are compared, which bounds the memory."""


@dataclasses.dataclass
class BuildCounts:
    """Counts the pairs of image and label that are written.

    Attributes:
        options: what the flags ask for.
        pairs: number of pairs.
        pairs_of_file: number of pairs of each file, by its index.
        converted: number of images that were converted to PNG, by format and mode.
        complaints: number of images that were decoded with a complaint of the decoder.
        blank: images that show nothing although they have a label.
        on_black: transparent images that are shown on black.
        sizes: sizes of the first `MAX_SIZES` images, by the number of their annotation.
        longest_label: the first of the longest labels.
        beside: number of images that were found beside the list, not from the working directory.
        stripped: number of labels that lost blanks at their ends.
        cases: effects of upper-casing.
        sanity: what is odd about labels.
    """

    options: Options
    pairs: int = 0
    pairs_of_file: Counter[int] = dataclasses.field(default_factory=Counter)
    converted: Counter[str] = dataclasses.field(default_factory=Counter)
    complaints: int = 0
    blank: Finding = dataclasses.field(default_factory=Finding)
    on_black: Finding = dataclasses.field(default_factory=Finding)
    sizes: ImageSizes = dataclasses.field(default_factory=ImageSizes)
    longest_label: str = ""
    beside: int = 0
    stripped: int = 0
    cases: CaseMerges = dataclasses.field(default_factory=CaseMerges)
    sanity: LabelSanity = dataclasses.field(default_factory=LabelSanity)

    def add(self, checked: Checked, place: str) -> None:
        """Counts a pair that is written.

        Args:
            checked: the pair.
            place: its annotation, such as "line 7".
        """
        number, label = checked.annotation.number, checked.label
        self.pairs += 1
        self.complaints += bool(checked.complaint)
        self.longest_label = max(self.longest_label, label, key=len)
        self.beside += checked.annotation.is_beside
        self._add_label(checked, place)
        if checked.image and checked.image.converted:
            self.converted[checked.image.converted_from] += 1
        if measured := checked.measured:
            name = f"{place}: {shorten(checked.annotation.path)}: {label!r}"
            if measured.is_blank and label:
                self.blank.add(number, name)
            if measured.on_black:
                self.on_black.add(number, name)
            if self.pairs <= MAX_SIZES:
                self.sizes.add(number, (measured.width, measured.height), len(label))

    def _add_label(self, checked: Checked, place: str) -> None:
        given, encoded = checked.annotation.label, checked.image.encoded if checked.image else b""
        self.sanity.add(place, checked.label, encoded)
        if self.options.strip_labels:
            self.stripped += given != given.strip()
        if self.options.force_uppercase:
            self.cases.add(given, place)

    def absurd_sizes(self, unit: str) -> Finding:
        """Returns the images whose size is absurd beside the others; `unit` is "line" or "file"."""
        finding = Finding()
        for n in self.sizes.absurd().nonzero()[0].tolist():
            number = self.sizes.records[n]
            finding.add(number, f"{unit} {number}: {self.sizes.describe(n)}")
        return finding

    def log_places(self, source: Source) -> None:
        """Logs which images were found beside the list, as --base-dir would say."""
        if not self.beside:
            return
        log = logging.info if self.beside == self.pairs else logging.warning
        log(
            "%s: %s not there from the working directory, but beside the list, as with "
            "--base-dir=%s, and read there%s.",
            source.path,
            counted(self.beside, "path is", "paths are"),
            os.path.dirname(source.path) or ".",
            ""
            if self.beside == self.pairs
            else "; the others were found from the working "
            "directory: check that these are the images that are meant, or give --base-dir",
        )


@contextlib.contextmanager
def progress(
    count: Callable[[], int | None], share: float, log_step: int
) -> Iterator[Callable[[int], None]]:
    """Shows progress: a bar on a terminal, log lines elsewhere.

    Yields a function to call after each annotation with the number of pairs so far.

    Args:
        count: the function that returns the number of annotations, or None if it is not known. It
            is called on a terminal only, because counting takes time.
        share: the part of the annotations that this build reads.
        log_step: number of pairs between log lines.
    """
    if is_interactive():
        total = count()
        with progress_bar(None if total is None else round(total * share), "lines") as bar:
            yield lambda pairs: _advance(bar, pairs)
    else:
        yield _log_every(log_step)


def _advance(bar: tqdm, pairs: int) -> None:
    bar.set_postfix(pairs=pairs, refresh=False)
    bar.update()


def _log_every(log_step: int) -> Callable[[int], None]:
    logged = 0

    def log(pairs: int) -> None:
        nonlocal logged
        if pairs >= logged + log_step:
            logged = pairs
            logging.info("Processed %s.", counted(pairs, "pair"))

    return log


def log_start(annotations: str, output: str) -> None:
    """Logs what is built from what, in the lines of 0.7.6."""
    logging.info("Building a dataset from %s.", annotations)
    logging.info("Output file: %s", output)


def log_complaint(place: str, path: str, complaint: str) -> None:
    """Logs that an image is used although the decoder complains about it.

    Args:
        place: place of the annotation.
        path: the image.
        complaint: the lines of the decoder.
    """
    logging.warning("%s: %s", place, warning_text(shorten(path), complaint))


def log_pair(path: str, label: str) -> None:
    """Logs an image and its label."""
    logging.info("    %s -> %s", visible_text(escape(shorten(path))), quoted(label))


def log_parts(files: Sequence[str], pairs: Mapping[int, int]) -> None:
    """Logs how many pairs each part of a divided dataset has, and warns of a part without any."""
    for number, file in enumerate(files):
        log = logging.info if pairs[number] else logging.warning
        log("%s holds %s.", file, counted(pairs[number], "pair"))


def log_summary(
    counts: BuildCounts, rejections: Counter[str], output: str, report: str, unit: str
) -> None:
    """Logs the summary of a build.

    Args:
        counts: what was written.
        rejections: number of rejected annotations by reason.
        output: the file that was written.
        report: the file that lists the rejections.
        unit: the noun for an annotation: "line" or "file".
    """
    longest = counts.longest_label
    logging.info("Longest label (%i): %s", len(longest), visible_text(shorten(longest)))
    logging.info("Dataset is ready: %i pairs.", counts.pairs)  # also for 1: programs parse it
    _log_cases(counts.cases)
    if counts.stripped:
        lost = counted(counts.stripped, "label lost", "labels lost")
        logging.info("%s blanks at the ends, by --strip-labels.", lost)
    _log_sanity(counts.sanity)
    if counts.converted:
        kinds = ", ".join(f"{number} {kind}" for kind, number in counts.converted.most_common())
        logging.info(
            "%s converted to PNG (%s): TensorFlow cannot decode such files, or not correctly.",
            counted(counts.converted.total(), "image was", "images were"),
            kinds,
        )
    counts.on_black.log(*ON_BLACK, "shown on black")
    counts.blank.log(*BLANK, "written nevertheless")
    counts.absurd_sizes(unit).log(*ABSURD, "written nevertheless")
    if counts.complaints:
        logging.warning("%s.", counted(counts.complaints, *COMPLAINED))
    log = logging.warning if rejections else logging.info
    if rejections:
        reasons = "; ".join(f"{number} {reason}" for reason, number in rejections.most_common())
        log("Rejected, see %s: %s.", report, reasons)
    rejected = counted(rejections.total(), f"{unit} was", f"{unit}s were")
    log("%s holds %s; %s rejected.", output, counted(counts.pairs, "pair"), rejected)


def _log_sanity(sanity: LabelSanity) -> None:
    for kind, problem in sanity.findings():
        logging.warning("%s:", kind.text(problem.count))
        for name in problem.named:
            logging.warning("    %s", name)
        if problem.count > len(problem.named):
            logging.warning("    and %i more.", problem.count - len(problem.named))


def _log_cases(cases: CaseMerges) -> None:
    if cases.changed:
        logging.info(
            "%s upper-cased; --no-force-uppercase keeps the original case.",
            counted(cases.changed, "label was", "labels were"),
        )
    letters = sorted(cases.letters.items(), key=lambda item: -item[1].count)
    for letter, labels in letters[:_MOST_LETTERS]:
        logging.warning(
            "Upper-casing makes %s of %s, in %s, first in %s; --no-force-uppercase keeps it.",
            " + ".join(f"{c} ({describe_character(c)})" for c in letter.upper()),
            f"{letter} ({describe_character(letter)})",
            counted(labels.count, "label"),
            labels.named[0],
        )
    if len(letters) > _MOST_LETTERS:
        logging.warning(
            "Upper-casing changes %s more: %s",
            counted(len(letters) - _MOST_LETTERS, "such letter"),
            "".join(letter for letter, _ in letters[_MOST_LETTERS:]),
        )
    if cases.merged:
        logging.warning(
            "Upper-casing makes labels equal that differ only in case: at least %i, such as %s.",
            cases.merged,
            shorten(cases.example),
        )
