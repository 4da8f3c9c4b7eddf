"""Reading with a lexicon against greedy reading, in one run, with a trained model.

    python tests/benchmarks/lexicon.py MODEL_DIR DATASET LEXICON [--images 320] [--rounds 3]

Images are prepared beforehand; both graphs read them in batches, and give what `aocr predict`
prints: texts, probabilities, and those of the characters. A joint model is measured with each of
its decoders. With `--top`, that many readings are searched. The second table is of the memory: the
arrays of the automaton, by the words and by their prefixes, which are the nodes of the trie.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import measure

measure.import_tensorflow()

import tensorflow as tf  # noqa: E402

from aocr.config import ATTENTION, CTC, JOINT, TEST_BATCH_SIZE, Config  # noqa: E402
from aocr.data.records import files  # noqa: E402
from aocr.data.word_lists import read_lexicon  # noqa: E402
from aocr.inference.graph import build_serving_graph  # noqa: E402
from aocr.model import config_file  # noqa: E402
from aocr.model.search.automaton import Automaton  # noqa: E402
from aocr.model.search.known_texts import lexicon_automaton  # noqa: E402
from aocr.model.search.text_search import Search  # noqa: E402
from aocr.model.weights import checkpoints  # noqa: E402

ROUNDS = 3
IMAGES = 320


class Reader:
    """Reads images with one graph.

    Attributes:
        correct: number of labels that were read in the last call, case ignored.
        inexact: number of images of the last call for which the search was not wide enough.
    """

    def __init__(self, config: Config, checkpoint: str, search: Search | None) -> None:
        self._model = build_serving_graph(config, search=search)
        self._session = tf.compat.v1.Session(graph=self._model.graph)
        with self._model.graph.as_default():
            checkpoints.restore(self._session, checkpoint)
        self._batches: list = []
        self._labels: list[str] = []
        self.correct = self.inexact = 0

    def prepare(self, records: list) -> None:
        """Decodes and prepares the images, which is not measured."""
        self._labels = [record.label.decode().upper() for record in records]
        for start in range(0, len(records), TEST_BATCH_SIZE):
            images = [record.image for record in records[start : start + TEST_BATCH_SIZE]]
            prepared = self._session.run(self._model.prepared, {self._model.input: images})
            self._batches.append(dict(zip(self._model.prepared, prepared, strict=True)))

    def read(self) -> None:
        """Reads all images."""
        texts, self.inexact = [], 0
        for batch in self._batches:
            fetches = self._model.transcription, self._model.readings or ()
            found, readings = self._session.run(fetches, batch)
            texts += [text.decode().upper() for text in found.text]
            self.inexact += int((~readings.is_exact).sum()) if readings else 0
        self.correct = sum(a == b for a, b in zip(texts, self._labels, strict=True))


def _rows(args, config: Config, automaton: Automaton, records: list) -> list[measure.Row]:
    checkpoint = checkpoints.find_checkpoint(args.model_dir)
    search = Search(automaton, top=args.top)
    readers = [Reader(config, checkpoint, None), Reader(config, checkpoint, search)]
    for reader in readers:
        reader.prepare(records)
        reader.read()
    runs: list[Callable[[], float]] = [
        functools.partial(measure.seconds, reader.read) for reader in readers
    ]
    greedy, searched = measure.alternate(args.rounds, *runs)
    per_image = [[t / len(records) for t in times] for times in (searched, greedy)]
    decoder = config.decoder if config.decoder != JOINT else config.read_with or ATTENTION
    row = measure.compared(
        f"lexicon, {decoder}: {readers[1].correct} of {len(records)} read, "
        f"{readers[1].inexact} not exact",
        per_image[0],
        f"greedy: {readers[0].correct} read",
        per_image[1],
        "at most 3",
        show=lambda seconds: f"{1000 * seconds:.2f} ms",
    )
    return [row]


def _memory(automaton: Automaton, words: list[str]) -> str:
    arrays = sum(array.nbytes for array in automaton[:-1])
    nodes = len(automaton.is_final)
    return (
        f"{len(set(words)):,} words, {nodes:,} prefixes: {arrays / measure.MIB:.1f} MiB, "
        f"{arrays / nodes:.1f} bytes a prefix"
    )


def main() -> None:
    """Prints the tables."""
    parser = measure.parser(__doc__, ROUNDS)
    parser.add_argument("model_dir")
    parser.add_argument("dataset")
    parser.add_argument("lexicon")
    parser.add_argument("--images", type=int, default=IMAGES, help="(default: %(default)s)")
    parser.add_argument("--top", type=int, default=1, help="(default: %(default)s)")
    args = parser.parse_args()
    stored = config_file.of_trained_model(args.model_dir, {})
    words = read_lexicon(args.lexicon)
    automaton = lexicon_automaton(words, stored, args.lexicon)
    records = list(files.read([args.dataset]))[: args.images]
    which = [{"read_with": name} for name in (ATTENTION, CTC)] if stored.decoder == JOINT else [{}]
    configs = [config_file.of_trained_model(args.model_dir, given) for given in which]
    measure.print_table(
        row for config in configs for row in _rows(args, config, automaton, records)
    )
    print(_memory(automaton, words))


if __name__ == "__main__":
    main()
