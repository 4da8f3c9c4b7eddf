"""Reads folders whose images have their texts in their names, or in a file of text beside them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence

from aocr.data.sources.annotations import Annotation
from aocr.data.sources.common import Request, files_below, rejected, text_of
from aocr.util.paths.checks import IMAGE_SUFFIXES

IMAGE_VARIANTS = (".bin", ".nrm", ".raw", ".dew")
"""Parts of names that the tools of ocropus and tesstrain put before the ending of an image."""


def images_below(folder: str) -> list[str]:
    """Returns the paths of the images of a folder and its folders, by their endings."""
    return [path for path in files_below(folder) if path.lower().endswith(IMAGE_SUFFIXES)]


def stem_of(path: str) -> str:
    """Returns a file's name without its ending."""
    return os.path.splitext(os.path.basename(path))[0]


def read_id_label(path: str, request: Request) -> Iterator[Annotation]:
    """Reads `12_HELLO.jpg`: the label is all behind the first `_`."""
    del request
    return _labels_in_names(path, lambda stem: stem.partition("_")[1:])


def read_label_id(path: str, request: Request) -> Iterator[Annotation]:
    """Reads `HELLO_3f2a9c1d.jpg`: the label is all before the last `_`."""
    del request
    return _labels_in_names(path, lambda stem: stem.rpartition("_")[1::-1])


def _labels_in_names(folder: str, split: Callable[[str], Sequence[str]]) -> Iterator[Annotation]:
    """Yields the images of a folder; `split` makes the `_`, or nothing, and the label of a stem."""
    for number, image in enumerate(images_below(folder), start=1):
        sign, label = split(stem_of(image))
        if sign:
            yield Annotation(number, image, label)
        else:
            yield rejected(number, "no _ in the name", os.path.basename(image), image)


def read_pairs(path: str, request: Request) -> Iterator[Annotation]:
    """Reads `NAME.png` beside `NAME.gt.txt` or `NAME.txt`.

    NAME is the file's name without its ending, as tesstrain has it, or up to its first dot, as
    ocropus, Calamari and Kraken have it. A text that would belong to several images is not used.
    """
    del request
    files = set(files_below(path))
    images = images_below(path)
    owners: dict[str, list[str]] = {}
    texts = {image: _texts(image, files) for image in images}
    for image, found in texts.items():
        for text in found[:1]:
            owners.setdefault(text, []).append(image)
    for number, image in enumerate(images, start=1):
        yield _pair(number, image, texts[image], owners)


def _texts(image: str, files: set[str]) -> list[str]:
    """Returns the files of text that may belong to an image, the most likely first."""
    folder, name = os.path.split(image)
    stem = stem_of(image)
    plain = next((stem.removesuffix(v) for v in IMAGE_VARIANTS if stem.endswith(v)), stem)
    stems = dict.fromkeys((stem, plain, name.partition(".")[0]))
    paths = (os.path.join(folder, s + ending) for ending in (".gt.txt", ".txt") for s in stems)
    return [path for path in paths if path in files]


def _pair(number: int, image: str, texts: list[str], owners: dict[str, list[str]]) -> Annotation:
    if not texts:
        return rejected(number, "no text beside the image", os.path.basename(image), image)
    others = [other for other in owners[texts[0]] if not _are_variants(other, image)]
    if others:
        reason = f"several images for the text {os.path.basename(texts[0])}"
        return rejected(number, reason, os.path.basename(image), image)
    text = text_of(texts[0]).strip("\r\n")
    if "\n" in text or "\r" in text:
        return rejected(number, "a text of several lines", text, image)
    if not text:
        return rejected(number, "an empty text", os.path.basename(texts[0]), image)
    return Annotation(number, image, text)


def _are_variants(one: str, other: str) -> bool:
    """Returns whether two images are one line, as in `p1.png` and `p1.bin.png`."""
    plain = []
    for path in (one, other):
        stem = os.path.splitext(path)[0]
        plain.append(next((stem.removesuffix(v) for v in IMAGE_VARIANTS if stem.endswith(v)), stem))
    return plain[0] == plain[1]
