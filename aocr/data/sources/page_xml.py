"""Reads pages with lines of text in XML: PAGE, ALTO and hOCR."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from aocr.config import MAX_PIXELS
from aocr.data.images.files import ImageFileError, read_file, read_header
from aocr.data.sources.annotations import Annotation
from aocr.data.sources.common import BESIDE, Request, files_below, needed, page_named
from aocr.data.sources.regions import Point, Region, cut_out
from aocr.util.errors import UserError, first_line

HOCR_LINES = ("ocr_line", "ocr_header", "ocr_caption", "ocr_textfloat", "ocrx_line")

_HOCR_IMAGE = re.compile(r"""image\s+(?:"([^"]+)"|'([^']+)'|([^"';]+))""")

Pages = Callable[[Any, str, Request], Iterator[tuple[str, list[Region]]]]
"""Yields the name of each page's image, and its lines, from the root of a file."""


def root_of(path: str) -> Any:
    """Returns the root element of an XML file; no entity of it is expanded, nothing fetched.

    Raises:
        UserError: it cannot be read, is no XML, or declares entities.
    """
    needed("defusedxml", path)
    from defusedxml import DefusedXmlException, ElementTree

    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            return ElementTree.fromstring(file.read())
    except tf.errors.OpError as error:
        raise UserError(f"cannot read {path}: {first_line(error)}") from error
    except ElementTree.ParseError as error:
        raise UserError(f"{path}: no XML: {error}") from error
    except (DefusedXmlException, ValueError, LookupError) as error:
        raise UserError(f"{path}: it is refused: {first_line(error)}") from error


def read_page(path: str, request: Request) -> Iterator[Annotation]:
    """Reads the lines of PAGE XML: of a file, or of all files of a folder."""
    yield from _read(path, request, _page, ".xml", "PcGts")


def read_alto(path: str, request: Request) -> Iterator[Annotation]:
    """Reads the lines of ALTO XML: of a file, or of all files of a folder."""
    yield from _read(path, request, _alto, ".xml", "alto")


def read_hocr(path: str, request: Request) -> Iterator[Annotation]:
    """Reads the lines of hOCR: of a file, or of all files of a folder."""
    yield from _read(path, request, _hocr, (".hocr", ".html"), "html")


def _read(
    path: str, request: Request, pages: Pages, ending: str | tuple[str, ...], name: str
) -> Iterator[Annotation]:
    files = [path]
    if tf.io.gfile.isdir(path):
        files = [each for each in files_below(path) if each.endswith(ending)]
    number = 1
    for file in files:
        root = root_of(file)
        if tag_of(root) != name:
            if file == path:
                raise UserError(f"{file}: its root is <{tag_of(root)}>, not <{name}>")
            continue  # another file of the folder, such as METS
        for image, regions in pages(root, file, request):
            where = page_named(request, file, image, BESIDE)
            yield from cut_out(where, regions, request, number)
            number += len(regions)


def tag_of(element: Any) -> str:
    """Returns the name of an element without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _all(element: Any, name: str) -> Iterator[Any]:
    return (each for each in element.iter() if tag_of(each) == name)


def _children(element: Any, name: str) -> list[Any]:
    return [each for each in element if tag_of(each) == name]


def _page(root: Any, file: str, request: Request) -> Iterator[tuple[str, list[Region]]]:
    del request
    for page in _all(root, "Page"):
        image = page.get("imageFilename") or ""
        if not image:
            raise UserError(f"{file}: <Page> has no imageFilename")
        yield image, [_page_line(line, file) for line in _all(page, "TextLine")]


def _page_line(line: Any, file: str) -> Region:
    place = f"{file}, TextLine {line.get('id') or '?'}"
    text = _page_text(line)
    if text is None:  # only the words have texts
        words = [_page_text(word) for word in _children(line, "Word")]
        text = " ".join(word for word in words if word) or None
    coordinates = _children(line, "Coords")
    points = _page_points(coordinates[0]) if coordinates else []
    return Region(points, text, place, problem="" if points else "a line without Coords")


def _page_text(element: Any) -> str | None:
    """Returns the text of index 0, of no index, or of the lowest index, in this order."""
    found = []
    for order, text in enumerate(_children(element, "TextEquiv")):
        index = text.get("index") or ""
        rank = -2 if index == "0" else (int(index[:9]) if index.isdecimal() else -1)
        unicode = _children(text, "Unicode")
        if unicode:
            found.append((rank, order, "".join(unicode[0].itertext()).strip("\r\n")))
    return min(found)[2] if found else None


def _page_points(coordinates: Any) -> list[Point]:
    points = coordinates.get("points")
    if points is None:  # the schema of 2010
        pairs = [(each.get("x"), each.get("y")) for each in _children(coordinates, "Point")]
        points = " ".join(f"{x},{y}" for x, y in pairs)
    return points_of(points)


def points_of(text: str) -> list[Point]:
    """Returns the points of `x,y x,y`, or of `x y x y`; none if they are not numbers."""
    numbers = re.split(r"[\s,;]+", text.strip())
    try:
        values = list(map(float, numbers))
    except ValueError:
        return []
    return list(zip(values[::2], values[1::2], strict=True)) if len(values) % 2 == 0 else []


def _alto(root: Any, file: str, request: Request) -> Iterator[tuple[str, list[Region]]]:
    names = ["".join(each.itertext()).strip() for each in _all(root, "fileName")]
    units = ["".join(each.itertext()).strip() for each in _all(root, "MeasurementUnit")]
    if not names or not names[0]:
        raise UserError(f"{file}: no fileName of the page's image in it")
    pages = list(_all(root, "Page"))
    if len(pages) > 1:
        raise UserError(f"{file}: {len(pages)} pages, and one image: give a file for each page")
    for page in pages:
        scale = (1.0, 1.0)
        if units and units[0] != "pixel":
            scale = _scale(page, page_named(request, file, names[0], BESIDE), file)
        yield names[0], [_alto_line(line, file, scale) for line in _all(page, "TextLine")]


def _scale(page: Any, image: str, file: str) -> tuple[float, float]:
    """Returns the pixels of a unit of the page, by the size of its image."""
    try:
        width, height = read_header(read_file(image), MAX_PIXELS).size
        return width / float(page.get("WIDTH")), height / float(page.get("HEIGHT"))
    except (ImageFileError, TypeError, ValueError, ZeroDivisionError) as error:
        raise UserError(
            f"{file}: its unit is not pixel, and the size of {image} cannot be compared with that "
            f"of <Page>: {first_line(error)}"
        ) from error


def _alto_line(line: Any, file: str, scale: tuple[float, float]) -> Region:
    place = f"{file}, TextLine {line.get('ID') or '?'}"
    polygons = list(_all(line, "Polygon"))
    shape = _children(line, "Shape")
    points = points_of(polygons[0].get("POINTS") or "") if shape and polygons else []
    if not points:
        try:
            x, y, w, h = (float(line.get(n)) for n in ("HPOS", "VPOS", "WIDTH", "HEIGHT"))
            points = [(x, y), (x + w, y + h)]
        except (TypeError, ValueError):
            return Region((), None, place, problem="a line without a place")
    points = [(x * scale[0], y * scale[1]) for x, y in points]
    return Region(points, _alto_text(line), place)


def _alto_text(line: Any) -> str | None:
    """Joins strings by blanks where SP stands; everywhere if the line has no SP at all."""
    pieces = [each for each in line if tag_of(each) in ("String", "SP", "HYP")]
    words = [each.get("CONTENT") or "" for each in pieces if tag_of(each) == "String"]
    if not any(tag_of(each) == "SP" for each in pieces):
        text = " ".join(words)
    else:
        text = "".join(
            " " if tag_of(each) == "SP" else each.get("CONTENT") or ""
            for each in pieces
            if tag_of(each) != "HYP"
        )
    hyphens = [each.get("CONTENT") or "-" for each in pieces if tag_of(each) == "HYP"]
    text = text.strip() + "".join(hyphens)
    return text or None


def _hocr(root: Any, file: str, request: Request) -> Iterator[tuple[str, list[Region]]]:
    del request
    for page in (each for each in root.iter() if "ocr_page" in _classes(each)):
        title = page.get("title") or ""
        image = _HOCR_IMAGE.search(title)
        if not image:
            raise UserError(f"{file}: an ocr_page has no image in its title")
        lines = [each for each in page.iter() if _classes(each).intersection(HOCR_LINES)]
        name = next(filter(None, image.groups())).strip()
        yield name, [_hocr_line(line, file) for line in lines]


def _classes(element: Any) -> set[str]:
    return set((element.get("class") or "").split())


def _hocr_line(line: Any, file: str) -> Region:
    place = f"{file}, line {line.get('id') or '?'}"
    found = re.search(r"bbox\s+(-?\d+)\s+(-?\d+)\s+(-?\d+)\s+(-?\d+)", line.get("title") or "")
    if not found:
        return Region((), None, place, problem="a line without a bbox")
    left, top, right, bottom = map(float, found.groups())
    text = " ".join("".join(line.itertext()).split())
    problem = "a text with alternatives" if any(map(_is_alternative, line.iter())) else ""
    return Region([(left, top), (right, bottom)], text or None, place, problem=problem)


def _is_alternative(element: Any) -> bool:
    """Returns whether an element is one of several readings, as of Tesseract's lstm_choice_mode."""
    return "alternatives" in _classes(element) or (element.get("id") or "").startswith("choice_")
