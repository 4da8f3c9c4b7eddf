"""Trains the reader that ships, `aocr/pretrained/latin`, on drawn words alone.

Writes words, draws images of them with the fonts of some Debian packages, and trains `compact` with
the modern recipe. Two runs with the same packages and versions draw the same images; on the same
machine they give the same weights. A run that was interrupted goes on when it is started again.

    apt-get install --no-install-recommends $(python datasets/train_latin.py --packages)
    python datasets/train_latin.py WORK [--images N] [--steps N] [--init-from latin]

WORK is a folder for the images and the training; it needs 1 GB. At the end, WORK/latin holds what
reading needs. To ship it, copy its files over those in aocr/pretrained/latin, and update the
measures of MODEL_CARD.md there.
"""

from __future__ import annotations

import argparse
import math
import pathlib
import random
import string
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

WORDS_PACKAGE, WORDS = "wamerican", pathlib.Path("/usr/share/dict/words")

FONT_PACKAGES = """
    fonts-adf-accanthis fonts-adf-baskervald fonts-adf-gillius fonts-adf-ikarius fonts-adf-irianis
    fonts-adf-libris fonts-adf-mekanus fonts-adf-oldania fonts-adf-romande fonts-adf-switzera
    fonts-adf-tribun fonts-adf-universalis fonts-adf-verana fonts-allerta fonts-arapey
    fonts-averia-sans-gwf fonts-averia-serif-gwf fonts-b612 fonts-bebas-neue fonts-cabin
    fonts-cabinsketch fonts-cantarell fonts-clear-sans fonts-comfortaa fonts-comic-neue
    fonts-compagnon fonts-courier-prime fonts-crosextra-caladea fonts-crosextra-carlito
    fonts-croscore fonts-dancingscript fonts-dejavu-core fonts-dejavu-extra fonts-dosis
    fonts-ebgaramond fonts-f500 fonts-fanwood fonts-firacode fonts-freefont-ttf
    fonts-gnutypewriter fonts-go fonts-goudybookletter fonts-hack fonts-humor-sans
    fonts-inconsolata fonts-inter fonts-jetbrains-mono fonts-junction fonts-jura fonts-karla
    fonts-kaushanscript fonts-lato fonts-league-spartan fonts-leckerli-one fonts-levien-museum
    fonts-liberation fonts-lindenhill fonts-linuxlibertine fonts-lobster fonts-lobstertwo
    fonts-manrope fonts-mmcedar fonts-national-park fonts-ocr-b fonts-oldstandard fonts-open-sans
    fonts-opendin fonts-osifont fonts-oxygen fonts-paratype fonts-play fonts-prociono
    fonts-quattrocento fonts-quicksand fonts-roadgeek fonts-roboto-slab fonts-roboto-unhinted
    fonts-rufscript fonts-sil-andika fonts-sil-charis fonts-sil-gentium fonts-sjfonts fonts-sora
    fonts-staypuft fonts-texgyre fonts-tomsontalks fonts-tuffy fonts-ubuntu-title fonts-urw-base35
    fonts-vollkorn fonts-yanone-kaffeesatz fonts-yrsa-rasa
"""

FONT_SUFFIXES = (".ttf", ".otf")

CHARACTERS = string.digits + string.ascii_letters + string.punctuation

LENGTH_SHARES = (2, 6, 14, 18, 16, 13, 11, 8, 6, 4, 2, 1, 0.6, 0.4, 0.2)
"""How often words of 1, 2, 3 ... characters are drawn, as on signs: short ones more often than they
are in a dictionary."""

MOST_MINUTES = 100_000
"""So that the steps end a training, not the minutes of the recipe."""

VALIDATION_IMAGES = 1000
SHARD_IMAGES = 500
"""Number of images of a file. Shuffling mixes a few thousand images, so files of all looks take
turns."""


class Look(NamedTuple):
    """Says how a share of the images looks: flags of `aocr synth`."""

    name: str
    share: float
    flags: tuple[str, ...]


LOOKS = (
    Look("scene", 0.6, ("--style=scene", "--strength=0.5", "--heights=24-64")),
    Look("hard", 0.2, ("--style=scene", "--strength=0.9", "--heights=24-64")),
    Look("plate", 0.1, ("--style=plate", "--strength=0.5", "--heights=24-64")),
    Look("document", 0.1, ("--style=document", "--strength=0.6", "--heights=18-48")),
)

MODEL_FLAGS = (
    "--recipe=modern",
    "--max-width=256",
    "--max-height=32",
    "--max-prediction=22",
)
TRAINING_FLAGS = (
    "--batch-size=64",
    "--ema-decay=0.999",
    "--seed=1",
)


def main() -> None:
    """Parses the arguments and runs the steps that are not done yet."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("work", nargs="?", type=pathlib.Path, help="folder for everything")
    parser.add_argument("--images", type=int, default=240_000, help="(default: %(default)s)")
    parser.add_argument("--steps", type=int, default=3500, help="(default: %(default)s)")
    parser.add_argument("--init-from", help="model to go on from")
    parser.add_argument("--packages", action="store_true", help="print the packages it needs")
    options = parser.parse_args()
    if options.packages:
        print(WORDS_PACKAGE, *FONT_PACKAGES.split())
        return
    if options.work is None:
        parser.error("WORK is missing")
    options.work.mkdir(parents=True, exist_ok=True)
    fonts = link_fonts(options.work / "fonts")
    training = draw(options.work, fonts, "training", options.images, seed=1)
    validation = draw(options.work, fonts, "validation", VALIDATION_IMAGES, seed=2)
    (options.work / "charset.txt").write_text(CHARACTERS + "\n", encoding="utf-8")
    train(options, training, validation)
    from aocr.exports.inference_checkpoint import write_inference_checkpoint

    write_inference_checkpoint(str(options.work / "model"), str(options.work / "latin"))


def link_fonts(folder: pathlib.Path) -> pathlib.Path:
    """Fills a folder with links to the fonts of the packages, and returns it."""
    folder.mkdir(exist_ok=True)
    for package in FONT_PACKAGES.split():
        listed = subprocess.run(
            ["dpkg", "-L", package], capture_output=True, encoding="utf-8", check=False
        )
        if listed.returncode:
            raise SystemExit(f"{package} is not installed; --packages prints all that are needed")
        for file in map(pathlib.Path, listed.stdout.splitlines()):
            link = folder / file.name
            if file.suffix.lower() in FONT_SUFFIXES and not link.exists():
                link.symlink_to(file)
    return folder


def draw(
    work: pathlib.Path, fonts: pathlib.Path, part: str, images: int, seed: int
) -> list[pathlib.Path]:
    """Draws the images of a part in all looks, and returns the files so that looks take turns."""
    folder = work / part
    folder.mkdir(exist_ok=True)
    shards = []
    for number, look in enumerate(LOOKS):
        count = round(images * look.share)
        shard_count = max(1, math.ceil(count / SHARD_IMAGES))
        output = folder / f"{look.name}.tfrecords"
        done = folder / f"{look.name}.done"
        if not done.exists():
            look_seed = 100 * seed + number
            words = folder / f"{look.name}.txt"
            words.write_text("\n".join(all_words(count, look_seed)) + "\n", encoding="utf-8")
            aocr(
                "synth", output, *look.flags, f"--words={words}", f"--count={count}",
                f"--fonts={fonts}", f"--seed={look_seed}", f"--shards={shard_count}",
                f"--sheet={folder / look.name}.png", f"--log-path={work / 'aocr.log'}",
            )  # fmt: skip
            done.touch()
        names = sorted(folder.glob(f"{look.name}-*-of-*.tfrecords")) or [output]
        shards += [((place + 0.5) / len(names), name) for place, name in enumerate(names)]
    return [name for _, name in sorted(shards)]


def all_words(count: int, seed: int) -> list[str]:
    """Returns words as they occur on signs, packages and papers."""
    rng = random.Random(seed)
    listed = [w for w in WORDS.read_text(encoding="utf-8").split() if w.isascii()]
    of_length = Counter(map(len, listed))
    shares = dict(enumerate(LENGTH_SHARES, start=1))
    weights = [shares.get(len(w), 0) / of_length[len(w)] for w in listed]
    dictionary = iter(rng.choices(listed, weights, k=2 * count))
    kinds = rng.choices(list(KINDS), list(KINDS.values()), k=count)
    return [kind(rng, dictionary) for kind in kinds]


def word(rng: random.Random, dictionary: Iterator[str]) -> str:
    """Returns a word in upper case, lower case, with a capital, or as it is listed."""
    text = next(dictionary)
    return rng.choice((text, str.lower(text), text.upper(), text.upper(), text.capitalize()))


def number(rng: random.Random, dictionary: Iterator[str]) -> str:
    """Returns a number as it is written: counts, years, prices, dates, times, telephones."""
    del dictionary
    digits = "".join(rng.choices(string.digits, k=rng.randint(1, 7)))
    two, mark = f"{rng.randint(0, 99):02}", rng.choice("/.-")
    unit = rng.choice(("%", "m", "km", "kg", "ml", "g", "th", "-", "+", "p"))
    return rng.choice((
        digits,
        digits[:4],
        digits[:2],
        str(rng.randint(1900, 2030)),
        f"{rng.choice(('$', '', ''))}{rng.randint(0, 999)}{rng.choice('.,')}{two}",
        f"{rng.randint(1, 31)}{mark}{rng.randint(1, 12)}{mark}{two}",
        f"{rng.randint(0, 23)}:{rng.randint(0, 59):02}",
        f"{rng.randint(1, 999)}{unit}",
        f"{rng.randint(1, 99)},{rng.randint(0, 999):03}",
        f"{rng.randint(100, 999)}-{rng.randint(0, 9999):04}",
    ))  # fmt: skip


def code(rng: random.Random, dictionary: Iterator[str]) -> str:
    """Returns letters and digits that mean nothing, as on plates and serial numbers."""
    del dictionary
    letters = rng.choice((string.ascii_uppercase, string.ascii_uppercase, string.ascii_lowercase))
    alphabet = rng.choice((letters, letters + string.digits, letters + 3 * string.digits))
    return "".join(rng.choices(alphabet, k=rng.randint(1, 9)))


def punctuated(rng: random.Random, dictionary: Iterator[str]) -> str:
    """Returns a word or two with punctuation."""
    first, second = word(rng, dictionary), word(rng, dictionary)
    before, after = rng.choice((*["()", "[]", '""', "''"], *[("", end) for end in ".,:;!?"] * 2))
    host = f"{first}{second}".lower().replace("'", "")[:14]
    return rng.choice((
        *[f"{before}{first}{after}"] * 4,
        f"{first}-{second}"[:20].rstrip("-"),
        f"{first}{rng.choice('&/+@_.')}{second}"[:20],
        f"#{first}",
        f"www.{host}.{rng.choice(('com', 'org', 'net', 'de'))}"[:22],
        first + rng.choice(("...", "'s", "!!", "*", "'S")),
    ))  # fmt: skip


def anything(rng: random.Random, dictionary: Iterator[str]) -> str:
    """Returns any characters, so that each is drawn often enough."""
    del dictionary
    return "".join(rng.choices(CHARACTERS, k=rng.randint(1, 8)))


KINDS = {word: 0.6, number: 0.12, code: 0.1, punctuated: 0.1, anything: 0.08}
"""The kinds of words with their shares."""


def train(
    options: argparse.Namespace, training: list[pathlib.Path], validation: list[pathlib.Path]
) -> None:
    """Trains, or goes on with a training that was interrupted."""
    source = [f"--init-from={options.init_from}"] if options.init_from else []
    aocr(
        "train", *training, *MODEL_FLAGS, *TRAINING_FLAGS, *source,
        f"--charset={options.work / 'charset.txt'}",
        f"--max-steps={options.steps}", "--num-epoch=1000", f"--max-minutes={MOST_MINUTES}",
        f"--model-dir={options.work / 'model'}",
        *(f"--validation={file}" for file in validation), "--validation-interval=1000",
        "--steps-per-checkpoint=500", f"--log-path={options.work / 'aocr.log'}",
    )  # fmt: skip


def aocr(*arguments: object) -> None:
    """Runs a command of aocr, whose output is shown, and ends where it fails."""
    command = [sys.executable, "-m", "aocr", *map(str, arguments)]
    if code := subprocess.run(command, check=False).returncode:
        raise SystemExit(code)


if __name__ == "__main__":
    main()
