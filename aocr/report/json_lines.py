"""Writes values as lines of JSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence

from aocr.model.readings import RankedText

_RAW_IN_JSON = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Matches what `json.dumps` leaves as it is, but a terminal or a reader of lines would act on."""


def with_probabilities(text: str, probabilities: Sequence[float]) -> list[dict[str, object]]:
    """Returns `{"character": "A", "probability": 0.99}` for each character of a text."""
    pairs = zip(text, probabilities, strict=True)
    return [{"character": c, "probability": six_digits(p)} for c, p in pairs]


def readings_of(readings: Sequence[RankedText], is_exact: bool) -> dict[str, object]:
    """Returns what JSON says of a search: its readings, and whether they are surely the best ones.

    Args:
        readings: the most probable texts; none for greedy decoding, of which nothing is said.
        is_exact: whether no other text can be more probable.
    """
    if not readings:
        return {}
    texts = [{"text": text, "probability": six_digits(p)} for text, p in readings]
    return {"readings": texts, "exact": is_exact}


def six_digits(value: float) -> float | None:
    """Returns a number rounded to the six digits that float32 holds; None for NaN and infinity."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def json_line(values: dict[str, object]) -> str:
    r"""Returns a line of JSON.

    Control characters, line separators and bytes of a path that are not UTF-8 are written as
    `\u009b`, `\u2028` and `\udcff`.
    """
    text = json.dumps(values, ensure_ascii=False)
    return _RAW_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"
