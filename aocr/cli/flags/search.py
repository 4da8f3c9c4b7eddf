"""Adds the flags of texts that are known beforehand and of several readings."""

from __future__ import annotations

import argparse
import functools
from typing import TYPE_CHECKING, NamedTuple

from aocr.cli.flags.common import requested
from aocr.cli.flags.parser import CommandParser, pattern, whole_number
from aocr.config import Config
from aocr.util.paths.checks import NamedPath, named
from aocr.util.text.patterns import ALPHABET, parse_endless_pattern

if TYPE_CHECKING:
    from aocr.model.search.text_search import Search

ANY_OTHER = "\U0010ffff"
"""Stands for the characters of a model that is not known yet, which `[^ -~]` may mean."""

MOST_READINGS, WIDEST_BEAM = 1000, 100_000


def add_search_flags(parser: CommandParser) -> None:
    """Adds the flags of commands that read images with a trained model."""
    group = parser.add_argument_group("texts that are known beforehand, and several readings")
    one_of = group.add_mutually_exclusive_group()
    text = "UTF-8 file with one word a line: each image shows one of these words"
    one_of.add_argument("--lexicon", metavar="FILE", help=text)
    text = "regular expression of the texts, such as '[A-Z]{2}[0-9]{3}'"
    permitted = pattern(functools.partial(parse_endless_pattern, alphabet=ALPHABET + ANY_OTHER))
    one_of.add_argument("--pattern", type=permitted, metavar="REGEX", help=text)
    text = (
        "readings of each image, with their probabilities (default: 1): what the model reads, then "
        "the most probable other texts"
    )
    group.add_argument("--top", type=whole_number(1, MOST_READINGS), metavar="N", help=text)
    text = (
        "read by a search that follows N texts side by side; with --lexicon and --pattern, which "
        "are searched exactly by default, it is quicker"
    )
    in_range = whole_number(1, WIDEST_BEAM)
    group.add_argument("--beam-width", type=in_range, metavar="N", help=text)
    text = "divide the probabilities by the sum of those of the ten best permitted texts"
    group.add_argument("--renormalize", action="store_true", help=text)
    parser.add_check(_problem)


class SearchRequest(NamedTuple):
    """Holds the flags of a search.

    Attributes:
        lexicon: file of the permitted words, or None.
        pattern: regular expression of the permitted texts, or None.
        top: number of readings of each image, at least 2; None for one.
        beam_width: number of texts that are followed; None for an exact search.
        renormalize: whether to divide the probabilities by their sum.
    """

    lexicon: str | None
    pattern: str | None
    top: int | None
    beam_width: int | None
    renormalize: bool

    @property
    def flags(self) -> list[str]:
        """The names of the flags that were given."""
        given = [name for name, value in self._asdict().items() if value not in (None, False)]
        return ["--" + name.replace("_", "-") for name in given]

    def search(self, config: Config) -> Search | None:
        """Returns the search for a model; None for greedy decoding.

        Raises:
            UserError: the model cannot read the texts of the lexicon or of the pattern.
        """
        if not self.flags:
            return None
        from aocr.data.word_lists import read_lexicon
        from aocr.model.search.automaton import free_text
        from aocr.model.search.known_texts import lexicon_automaton, pattern_automaton
        from aocr.model.search.text_search import Search

        if self.lexicon:
            words = read_lexicon(self.lexicon)
            automaton = lexicon_automaton(words, config, f"--lexicon={self.lexicon}")
        elif self.pattern is not None:
            automaton = pattern_automaton(self.pattern, config)
        else:
            automaton = free_text(config.vocab_size, config.max_prediction)
        return Search(
            automaton=automaton,
            top=self.top or 1,
            beam_width=self.beam_width,
            renormalize=self.renormalize,
            lexicon=self.lexicon or "",
            pattern=self.pattern,
            keeps_reading=not (self.lexicon or self.pattern is not None or self.beam_width),
        )


def search_request(args: argparse.Namespace) -> SearchRequest:
    """Returns the flags of the search; `--top=1` asks for none."""
    request = requested(SearchRequest, args)
    return request._replace(top=None) if request.top == 1 else request


def lexicon_inputs(args: argparse.Namespace) -> list[NamedPath]:
    """Returns the file of `--lexicon`, if it is given."""
    return named("--lexicon", [args.lexicon])


def _problem(args: argparse.Namespace) -> str:
    if args.renormalize and not args.lexicon and args.pattern is None:
        return "--renormalize needs --lexicon or --pattern: the probabilities of all texts sum to 1"
    if args.beam_width and args.beam_width < (args.top or 1):
        return f"--beam-width={args.beam_width} is less than --top={args.top}"
    return ""
