"""Reads boxes with texts on pages: PPOCRLabel, ICDAR, Label Studio and CVAT."""

from __future__ import annotations

import os
import re
import urllib.parse
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from aocr.data.sources.annotations import Annotation
from aocr.data.sources.common import (
    LABEL_FIELDS,
    Request,
    field_named,
    files_below,
    json_of,
    lines_of,
    located,
    page_named,
    rejected,
    text_of,
)
from aocr.data.sources.page_xml import points_of, root_of, tag_of
from aocr.data.sources.regions import Region, cut_out, rotated
from aocr.util.errors import UserError
from aocr.util.paths.checks import IMAGE_SUFFIXES

_NUMBER = r"\s*(-?\d+(?:\.\d+)?)\s*"
_QUADRILATERAL = re.compile(",".join([_NUMBER] * 8) + ",(.*)")
_BOX = re.compile(rf'{_NUMBER}[, ]{_NUMBER}[, ]{_NUMBER}[, ]{_NUMBER}[, ]\s*"(.*)"\s*')
_UPLOADED = re.compile(r"[0-9a-f]{8}-(.+)")


def read_ppocrlabel(path: str, request: Request) -> Iterator[Annotation]:
    """Reads PPOCRLabel's `Label.txt`: `FOLDER/NAME<TAB>[{"transcription": ..., "points": ...}]`."""
    number = 1
    for line_number, line in lines_of(path):
        place = f"{path}, line {line_number}"
        name, tab, boxes = line.partition("\t")
        found = json_of(boxes, place) if tab else None
        if not isinstance(found, list):
            yield rejected(number, "not IMAGE<TAB>JSON", line)._replace(place=place)
            number += 1
            continue
        image = page_named(request, path, name, ("..", "", "../.."))
        if not tf.io.gfile.exists(image):
            image = located(request, path, os.path.basename(name))
        regions = [_ppocr_region(box, f"{place}, box {n}") for n, box in enumerate(found, 1)]
        yield from cut_out(image, regions, request, number)
        number += len(regions)


def _ppocr_region(box: Any, place: str) -> Region:
    try:
        points = [(float(x), float(y)) for x, y in box["points"]]
        text, difficult = box["transcription"], box.get("difficult", False)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return Region((), None, place, problem="no transcription, or no points")
    if not isinstance(text, str):
        return Region(points, None, place, problem="a transcription that is no string")
    problem = "marked as difficult" if difficult else ""
    return Region(points, text, place, len(points) == 4, problem)


def read_icdar_boxes(path: str, request: Request) -> Iterator[Annotation]:
    """Reads `gt_img_1.txt` beside `img_1.jpg`: eight numbers and a text, or four and one in quotes.

    Texts `###` mark what nobody can read.
    """
    files = [path]
    if tf.io.gfile.isdir(path):
        files = [each for each in files_below(path) if _image_name(each)]
    number = 1
    for file in files:
        image = _image_beside(file, request)
        regions = [_icdar_region(line, f"{file}, line {n}") for n, line in lines_of(file)]
        if all(map(_is_quoted, filter(_is_quadrilateral, regions))):
            regions = [_unquoted(each) if _is_quadrilateral(each) else each for each in regions]
        yield from cut_out(image, regions, request, number)
        number += len(regions)


def _is_quadrilateral(region: Region) -> bool:
    return region.is_quadrilateral


def _is_quoted(region: Region) -> bool:
    """Returns whether a text is in quotes, as datumaro writes all of them behind eight numbers."""
    text = region.label or ""
    return len(text) > 1 and text[0] == text[-1] == '"'


def _unquoted(region: Region) -> Region:
    return region._replace(label=(region.label or "")[1:-1])


def _image_name(path: str) -> str:
    """Returns the image's name in that of its list, without its ending; empty if it is none."""
    name = os.path.basename(path)
    return name[3:-4] if name.startswith("gt_") and name.endswith(".txt") else ""


def _image_beside(file: str, request: Request) -> str:
    name = _image_name(file)
    if not name:
        raise UserError(f"{file}: a list of boxes is named gt_IMAGE.txt")
    places = [
        located(request, file, name + ending, ("", "images", "../images", ".."))
        for suffix in IMAGE_SUFFIXES
        for ending in (suffix, suffix.upper())
    ]
    return next((each for each in places if tf.io.gfile.exists(each)), places[0])


def is_icdar_box(line: str) -> bool:
    """Returns whether a line has the corners of a box and its text."""
    return bool(_QUADRILATERAL.fullmatch(line) or _BOX.fullmatch(line))


def _icdar_region(line: str, place: str) -> Region:
    if match := _QUADRILATERAL.fullmatch(line):
        values = list(map(float, match.groups()[:8]))
        text = match[9].strip()
        points = list(zip(values[::2], values[1::2], strict=True))
        return Region(points, text, place, is_quadrilateral=True)
    if match := _BOX.fullmatch(line):
        a, b, c, d = map(float, match.groups()[:4])
        return Region([(a, b), (c, d)], match[5].replace('\\"', '"'), place)
    return Region((), None, place, problem="neither 8 numbers and a text, nor 4 and one in quotes")


def read_label_studio(path: str, request: Request) -> Iterator[Annotation]:
    """Reads Label Studio's JSON export: boxes or polygons, joined with their texts by their ids."""
    tasks = json_of(text_of(path), path)
    if not isinstance(tasks, list):
        raise UserError(f"{path}: not a list of tasks: export as JSON, not as JSON-MIN")
    number = 1
    for task_number, task in enumerate(tasks, start=1):
        place = f"{path}, task {task_number}"
        try:
            image, regions = _task(task, place)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            reason = "a task without an image and its annotations"
            detail = str(error) if isinstance(error, ValueError) else str(task)
            yield rejected(number, reason, detail)._replace(place=place)
            number += 1
            continue
        yield from cut_out(_uploaded(image, path, request), regions, request, number)
        number += len(regions)


def _task(task: Any, place: str) -> tuple[str, list[Region]]:
    images = [v for v in task["data"].values() if _is_image(v)]
    given = [each for each in task["annotations"] if not each.get("was_cancelled")]
    if len(images) != 1 or len(given) != 1:
        raise ValueError(f"{len(images)} images and {len(given)} annotations, where one has to be")
    shapes: dict[str, Any] = {}
    texts: dict[str, list[str]] = {}
    for result in given[0]["result"]:
        value = result["value"]
        if "text" in value and result["type"] == "textarea":
            lines = [value["text"]] if isinstance(value["text"], str) else value["text"]
            texts.setdefault(result["id"], []).extend(lines)
        if "x" in value or "points" in value:
            shapes.setdefault(result["id"], result)
    regions = [
        _studio_region(s, texts.get(key, []), f"{place}, {key}") for key, s in shapes.items()
    ]
    return images[0], regions


def _is_image(value: Any) -> bool:
    return isinstance(value, str) and value.lower().partition("&")[0].endswith(IMAGE_SUFFIXES)


def _studio_region(result: Any, texts: list[str], place: str) -> Region:
    """Makes pixels of percents of the image; a box turns around its top left corner."""
    width, height = result["original_width"] / 100, result["original_height"] / 100
    value, problem = result["value"], ""
    if len(texts) > 1:
        problem = f"{len(texts)} texts for one region"
    text = texts[0] if texts else None
    if not isinstance(text, str | None):
        raise TypeError("a text that is no string")
    if "points" in value:
        return Region(
            [(x * width, y * height) for x, y in value["points"]], text, place, False, problem
        )
    left, top = value["x"] * width, value["y"] * height
    box = left, top, left + value["width"] * width, top + value["height"] * height
    if angle := value.get("rotation") or 0:
        return Region(rotated(box, angle, (left, top)), text, place, True, problem)
    return Region([box[:2], box[2:]], text, place, False, problem)


def _uploaded(name: str, path: str, request: Request) -> str:
    """Returns where the image of a task is: beside the export, with or without its upload's id."""
    parsed = urllib.parse.urlparse(name)
    inside = urllib.parse.parse_qs(parsed.query).get("d", [parsed.path])[0]
    base = os.path.basename(urllib.parse.unquote(inside))
    match = _UPLOADED.fullmatch(base)
    names = [base, match[1]] if match else [base]
    found = [located(request, path, each, ("", "images", "upload")) for each in names]
    return next((each for each in found if tf.io.gfile.exists(each)), found[0])


def read_cvat(path: str, request: Request) -> Iterator[Annotation]:
    """Reads CVAT's `annotations.xml`: boxes and polygons whose text is an attribute.

    Of a folder, all XML files of CVAT are read.
    """
    files = [path]
    if tf.io.gfile.isdir(path):
        files = [each for each in files_below(path) if each.endswith(".xml")]
    number = 1
    for file in files:
        root = root_of(file)
        if tag_of(root) != "annotations" and file == path:
            raise UserError(f"{file}: its root is <{tag_of(root)}>, not <annotations>")
        for image in root.iter("image") if tag_of(root) == "annotations" else ():
            name, regions = _cvat_image(image, request, file)
            folders = ("images", "", f"images/{image.get('subset') or ''}")
            where = page_named(request, file, name, folders)
            yield from cut_out(where, regions, request, number)
            number += len(regions)


def _cvat_image(image: Any, request: Request, file: str) -> tuple[str, list[Region]]:
    """Returns the name of an image, and its regions."""
    name = image.get("name") or ""
    shapes = [each for each in image if tag_of(each) in ("box", "polygon")]
    return name, [
        _cvat_region(shape, request, f"{file}, {name}, shape {n}")
        for n, shape in enumerate(shapes, start=1)
    ]


def _cvat_region(shape: Any, request: Request, place: str) -> Region:
    """Makes a region of a shape; a box turns around its centre."""
    attributes = {
        each.get("name") or "": "".join(each.itertext()) for each in shape.iter("attribute")
    }
    try:
        name = field_named(list(attributes), request.label_column, LABEL_FIELDS, "--label-column")
        if tag_of(shape) == "polygon":
            return Region(points_of(shape.get("points") or ""), attributes[name], place)
        left, top, right, bottom = (float(shape.get(n)) for n in ("xtl", "ytl", "xbr", "ybr"))
        if angle := float(shape.get("rotation") or 0):
            centre = (left + right) / 2, (top + bottom) / 2
            corners = rotated((left, top, right, bottom), angle, centre)
            return Region(corners, attributes[name], place, is_quadrilateral=True)
    except (TypeError, ValueError) as error:
        return Region((), None, place, problem=f"not a shape with a text: {error}")
    return Region([(left, top), (right, bottom)], attributes[name], place)
