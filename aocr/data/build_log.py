"""What `aocr dataset` says while it builds and when it has built (COMPAT.md, section 4)."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterator

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from aocr.data.labels import CaseMerges
from aocr.util.characters import shorten


@dataclasses.dataclass
class Tally:
    """What was written."""

    pairs: int = 0
    converted: int = 0
    longest_label: str = ""
    cases: CaseMerges = dataclasses.field(default_factory=CaseMerges)

    def add(self, label: str, converted: bool) -> None:
        """Counts a pair.

        Args:
            label: as it is written.
            converted: whether the image is not the file as it was.
        """
        self.pairs += 1
        self.converted += converted
        self.longest_label = max(self.longest_label, label, key=len)


@contextlib.contextmanager
def progress(
    count: Callable[[], int], share: float, log_step: int
) -> Iterator[Callable[[int], None]]:
    """What to call after each line, with the pairs so far.

    It moves a bar on a terminal, where log lines scroll by above it; elsewhere it logs a line.

    Args:
        count: says how many lines there are; asked on a terminal only, as it takes time.
        share: the part of them that this build reads.
        log_step: pairs between two lines of the log.
    """
    if sys.stderr.isatty():
        with logging_redirect_tqdm(), tqdm(total=round(count() * share), unit=" lines") as bar:
            yield lambda pairs: _move(bar, pairs)
    else:
        yield _every(log_step)


def _move(bar: tqdm, pairs: int) -> None:
    bar.set_postfix(pairs=pairs, refresh=False)
    bar.update()


def _every(log_step: int) -> Callable[[int], None]:
    logged = 0

    def log(pairs: int) -> None:
        nonlocal logged
        if pairs >= logged + log_step:
            logged = pairs
            logging.info("Processed %i pairs.", pairs)

    return log


def log_summary(tally: Tally, rejects: Counter[str], output: str, report: str, unit: str) -> None:
    """The closing lines.

    Args:
        tally: what was written.
        rejects: how many lines were rejected, by reason.
        output: what was written to.
        report: the file that lists the rejects.
        unit: what a row of the annotations is: line or file.
    """
    logging.info("Longest label (%i): %s", len(tally.longest_label), shorten(tally.longest_label))
    logging.info("Dataset is ready: %i pairs.", tally.pairs)
    _log_cases(tally.cases)
    if tally.converted:
        logging.info(
            "%i images were converted to PNG: TensorFlow reads their files not at all, or not "
            "as they look.",
            tally.converted,
        )
    log = logging.warning if rejects else logging.info
    if rejects:
        counts = "; ".join(f"{number} {reason}" for reason, number in rejects.most_common())
        log("Rejected, see %s: %s.", report, counts)
    log("%s holds %i pairs; %i %ss were rejected.", output, tally.pairs, rejects.total(), unit)


def _log_cases(cases: CaseMerges) -> None:
    if cases.changed:
        logging.info(
            "%i labels are upper-cased; --no-force-uppercase keeps their case.", cases.changed
        )
    if cases.merged:
        logging.warning(
            "Upper-casing makes labels equal that differ only in case: at least %i, such as %s.",
            cases.merged,
            shorten(cases.example),
        )
