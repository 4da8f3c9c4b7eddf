"""Recomputes readings, probabilities, losses and metrics from logits: other code, all in NumPy."""

import dataclasses
import itertools
import math
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf
from helpers import TINY, encoded, load_noise, noise, write_records

from aocr.charset import EOS_ID, FIRST_CHARACTER_ID, GO_ID, PAD_ID
from aocr.data.records import schema
from aocr.evaluation import evaluator, graph
from aocr.evaluation.calibration import Calibration
from aocr.evaluation.metric_sums import MetricSums, Summary
from aocr.evaluation.metrics import Result

CHARACTERS = "ABa "
BASE = dataclasses.replace(TINY, characters=CHARACTERS, max_width=24, padding="masked")
CONFIGS = {
    "content": BASE,
    "location": dataclasses.replace(BASE, attention="location"),
    "ctc": dataclasses.replace(BASE, decoder="ctc"),
}
LONGEST, STEPS = BASE.max_prediction, BASE.decoder_steps
WIDTHS = [24, 20, 16, 24, 24, 24, 8, 20, 16, 24, 12, 24, 20]
DAMAGED = [3, 4]


def picture(name, width):
    """An image file of 32 x `width` pixels in squares of 4 x 4."""
    squares = np.uint8(127 + 127 * noise(name, 8, width // 4))
    return encoded(squares.repeat(4, axis=0).repeat(4, axis=1))


FILES = [b"no image" if n in DAMAGED else picture(f"{n}", width) for n, width in enumerate(WIDTHS)]


def labels_for(texts):
    """Makes labels for what the model reads: right and wrong ones, and those at its limits."""
    return [
        texts[0],  # longer than --max-prediction
        texts[1].swapcase(),
        "B" + texts[2],
        "",  # cannot be decoded, and nothing to read
        "AB",  # cannot be decoded
        "",
        "AA",  # CTC needs three columns, and the image has two
        texts[7],
        texts[8],
        "A?",  # a character that the model lacks
        "A B",  # two words
        "ABaB",  # longer than --max-prediction
        "a B",
    ]


class Recomputed(NamedTuple):
    """Holds what this test makes of an image: text, its probability, its characters', and loss."""

    text: str
    probability: float
    characters: list[float]
    loss: float


class Attention:
    """Reads and judges step by step, by the logits that the network gives for fed symbols."""

    def __init__(self, decoder, columns):
        del columns
        self._fed = tf.compat.v1.placeholder(tf.int32, [None, STEPS])
        self._logits = decoder.teacher_forced_logits(self._fed)

    def recompute(self, run, labels):
        symbols = np.full([len(FILES), STEPS + 1], GO_ID)
        for step in range(STEPS):
            logits = run(self._logits, {self._fed: symbols[:, :-1]})
            symbols[:, step + 1] = logits[:, step].argmax(axis=1)
        read = softmax(run(self._logits, {self._fed: symbols[:, :-1]}))
        targets = [[*map(symbol_of, label), EOS_ID] for label in labels]
        fed = [[GO_ID, *row, *[PAD_ID] * STEPS][:STEPS] for row in targets]
        forced = softmax(run(self._logits, {self._fed: fed}))
        for row, target in enumerate(targets):
            chosen = list(symbols[row, 1:])
            ends = chosen.index(EOS_ID) + 1 if EOS_ID in chosen else STEPS
            factors = read[row, range(ends), chosen[:ends]]
            shown = [each >= FIRST_CHARACTER_ID for each in chosen[:ends]]
            loss = math.nan
            if is_within_limits(labels[row]):
                loss = -np.log(forced[row, range(len(target)), target]).mean()
            yield Recomputed(spell(chosen[:ends]), np.prod(factors), list(factors[shown]), loss)


class CTC:
    """Reads and judges by all paths through the columns, one after the other."""

    def __init__(self, decoder, columns):
        self._logits, self._columns = decoder.logits, columns

    def recompute(self, run, labels):
        for logits, columns, label in zip(
            run(self._logits, {}), self._columns, labels, strict=True
        ):
            emitted = softmax(logits)[:columns]
            best = emitted.argmax(axis=1)
            text, of_text = collapse(best), self._probabilities(emitted)
            # the columns of a character are those between two changes of the symbol
            runs = [
                max(emitted[t, symbol] for t in ts)
                for symbol, ts in groups(best)
                if symbol != PAD_ID
            ]
            loss = math.nan
            if is_within_limits(label) and label in of_text:
                loss = -math.log(of_text[label]) / (len(label) + 1)
            yield Recomputed(text, of_text[text], runs, loss)

    def _probabilities(self, emitted):
        found = {}
        symbols = [PAD_ID, *range(FIRST_CHARACTER_ID, emitted.shape[1])]
        for path in itertools.product(symbols, repeat=len(emitted)):
            text = collapse(path)
            found[text] = found.get(text, 0) + emitted[range(len(path)), path].prod()
        return found


def softmax(logits):
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def symbol_of(character):
    return FIRST_CHARACTER_ID + CHARACTERS.find(character)


def spell(symbols):
    return "".join(CHARACTERS[s - FIRST_CHARACTER_ID] for s in symbols if s >= FIRST_CHARACTER_ID)


def groups(path):
    """Yields each run of equal symbols with its columns."""
    for symbol, run in itertools.groupby(range(len(path)), key=lambda t: path[t]):
        yield symbol, list(run)


def collapse(path):
    return spell([symbol for symbol, _ in itertools.groupby(path)])


def is_within_limits(label):
    return len(label) <= LONGEST and set(label) <= set(CHARACTERS)


class Compared(NamedTuple):
    """Holds what the product says of the images, and what this test recomputes."""

    name: str
    results: list[Result]
    summary: Summary
    calibration: Calibration
    recomputed: list[Recomputed]
    labels: list[str]


def compare(name, folder):
    """Evaluates the images once for their texts, and again with labels made of these."""

    def write(labels):
        return [write_records(folder / "d.tfrecords", map(schema.serialize, FILES, labels))]

    passes, forward = [], graph.recognizer.forward

    def noted(*arguments):
        passes.append(forward(*arguments))
        return passes[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph.recognizer, "forward", noted)
        model = graph.build_eval_graph(CONFIGS[name], write(["A"] * len(FILES)), DAMAGED)
    with model.graph.as_default(), tf.compat.v1.Session() as session:
        load_noise(session)
        session.run(model.start)
        prepared = model.batch.images, model.batch.widths
        *pixels, places = session.run((*prepared, model.batch.record_indices))
        in_order = np.argsort(places)  # images of similar width come together
        feed = {key: each[in_order] for key, each in zip(prepared, pixels, strict=True)}
        twin = (CTC if name == "ctc" else Attention)(
            passes[0].decoder, -(-feed[model.batch.widths] // 4)
        )

        def run(fetches, extra):
            return session.run(fetches, feed | extra)

        texts = [each.text for each in twin.recompute(run, ["A"] * len(FILES))]
        labels = labels_for(texts)
        write(labels)
        results = list(evaluator.results(session, model, frozenset(DAMAGED)))
        return results, list(twin.recompute(run, labels)), labels


@pytest.fixture(scope="module", params=CONFIGS)
def compared(request, tmp_path_factory):
    """Compares one kind of model."""
    found = compare(request.param, tmp_path_factory.mktemp("recomputed"))
    results, recomputed, labels = found
    sums, calibration = MetricSums(), Calibration()
    for result in results:
        sums.add(result)
        if result.decoded:
            calibration.add(result.probability, result.exact)
    return Compared(request.param, results, sums.summary(), calibration, recomputed, labels)


def test_readings_and_losses(compared):
    for place, (result, twin) in enumerate(zip(compared.results, compared.recomputed, strict=True)):
        if place in DAMAGED:
            assert (result.prediction, result.probability) == ("", 0)
            assert math.isnan(result.loss)
            continue
        assert result.prediction == twin.text
        assert result.probability == pytest.approx(twin.probability, rel=1e-4)
        assert result.character_probabilities == pytest.approx(twin.characters, rel=1e-4)
        assert result.loss == pytest.approx(twin.loss, rel=1e-4, nan_ok=True)


def edits(a, b):
    """The edit distance of two sequences, row by row of the table of Wagner and Fischer."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above, row = row, [i]
        for j, y in enumerate(b, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (x != y)))
    return row[-1]


def expected_metrics(pairs, losses):
    """Returns numerators and denominators of each image by metric, by docs/measures.md.

    Args:
        pairs: text and label of each image; the text is None if the image cannot be decoded.
        losses: the losses of the images.
    """
    rows = {key: [] for key in ("exact", "folded", "accuracy", "ned", "characters", "words")}
    for text, label in pairs:
        read, right = text or "", float(text == label)
        distance, longest = edits(read, label), max(len(read), len(label))
        folded = text is not None and text.casefold() == label.casefold()
        accuracy = 1 - min(1, distance / len(label)) if label else right
        rows["exact"].append((right, 1))
        rows["folded"].append((float(folded), 1))
        rows["accuracy"].append((accuracy, 1))
        rows["ned"].append((1 - distance / longest if longest else right, 1))
        rows["characters"].append((distance, len(label)))
        rows["words"].append((edits(read.split(), label.split()), len(label.split())))
    rows["loss"] = [(loss, 1) for loss in losses if not math.isnan(loss)]
    return {key: np.array(row).T for key, row in rows.items()}


KEYS = {
    "exact_match": "exact",
    "exact_match_ignoring_case": "folded",
    "edit_distance_accuracy": "accuracy",
    "one_minus_ned": "ned",
    "character_error_rate": "characters",
    "word_error_rate": "words",
    "loss": "loss",
    "perplexity": "loss",
}


def test_metrics_and_intervals(compared):
    texts = [None if n in DAMAGED else twin.text for n, twin in enumerate(compared.recomputed)]
    losses = [math.nan if n in DAMAGED else t.loss for n, t in enumerate(compared.recomputed)]
    expected = expected_metrics(zip(texts, compared.labels, strict=True), losses)
    assert compared.summary.measurements.keys() == KEYS.keys()
    for key, measured in compared.summary.measurements.items():
        y, x = expected[KEYS[key]]
        ratio, n = y.sum() / x.sum(), len(y)
        if KEYS[key] in ("exact", "folded"):
            low, high = wilson_by_search(y.sum(), n)
        else:
            half = 1.959964 * math.sqrt(n / (n - 1) * ((y - ratio * x) ** 2).sum()) / x.sum()
            low, high = max(0, ratio - half), ratio + half
        shown = math.exp if key == "perplexity" else float
        assert measured.value == pytest.approx(shown(ratio), rel=1e-4)
        assert measured.images == n
        if low == high:  # nothing varies
            assert measured.interval is None
            continue
        ends = [min(shown(end), measured.metric.maximum) for end in (low, high)]
        assert list(measured.interval) == pytest.approx(ends, rel=1e-3, abs=1e-4)


def wilson_by_search(successes, n):
    """The shares that a score test with 5 % does not reject: the ends of Wilson's interval."""
    shares = np.linspace(0, 1, 200_001)[1:-1]
    is_near = abs(successes / n - shares) <= 1.959964 * np.sqrt(shares * (1 - shares) / n)
    return shares[is_near][[0, -1]]


def test_calibration(compared):
    rows = [
        (twin.probability, float(twin.text == label))
        for n, (twin, label) in enumerate(zip(compared.recomputed, compared.labels, strict=True))
        if n not in DAMAGED
    ]
    p, right = np.array(rows).T
    places = np.ceil(p * 10).clip(1)
    gaps = [abs((right - p)[places == place].sum()) for place in np.unique(places)]
    assert compared.calibration.count == len(rows)
    assert compared.calibration.expected_error == pytest.approx(sum(gaps) / len(rows), rel=1e-4)
    assert compared.calibration.brier == pytest.approx(((p - right) ** 2).mean(), rel=1e-4)


def test_the_edges_are_there(compared):
    """Each edge that a label or a reading can have is in some image."""
    name, results = compared.name, compared.results
    assert results[0].exact
    assert not results[3].exact
    assert results[3].prediction == results[3].label == ""
    assert math.isnan(results[6].loss) == (name == "ctc")
    too_long = [r for r in results if r.exact and len(r.label) > LONGEST]
    assert too_long
    assert all(math.isnan(r.loss) for r in too_long)
