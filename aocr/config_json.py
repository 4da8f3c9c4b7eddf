"""Writes a `Config` as `config.json` and reads it; the module `json` for configs."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from aocr import __version__
from aocr.charset import Charset
from aocr.config import BACKBONES, CLASSIC_RESIZE, DECODERS, IMAGE_HEIGHT, Config
from aocr.util.json_object import check_keys, check_version, parse_object
from aocr.util.options import options_of, values_from_json


def dumps(config: Config) -> str:
    """Returns the fields as indented JSON, with the resulting image size for human readers."""
    facts = {
        "aocr": __version__,
        "architecture": architecture(config.backbone, config.decoder),
        **dataclasses.asdict(config),
        "preparation": _preparation(config),
    }
    return json.dumps(facts, indent=2, ensure_ascii=False) + "\n"


def loads(text: str) -> Config:
    """Returns the config that `dumps` wrote.

    Raises:
        ValueError: the text is not JSON, or a key or value is missing or not permitted.
    """
    facts = parse_object(text)
    _check_architecture(facts)
    check_version(facts, __version__)
    names = {each.name for each in options_of(Config)}
    check_keys(facts, {"aocr", "architecture", "preparation"} | names)
    config = Config(**values_from_json(Config, facts))
    Charset(config.characters)  # raises ValueError if it is empty or repeats a character
    config.check()
    expected = _preparation(config)
    if (given := facts.get("preparation", expected)) != expected:
        sizes = f"max_width={config.max_width} and max_height={config.max_height}"
        raise ValueError(f"its preparation is {given!r:.80}, but {sizes} lead to {expected}")
    return config


def architecture(backbone: object, decoder: object) -> str:
    """Returns the name of a network, as `config.json` and the log state it."""
    return f"{backbone} CNN, bidirectional LSTM, {decoder} decoder"


def _check_architecture(facts: dict[str, Any]) -> None:
    """Raises a ValueError if an object is not the config of a model, or contradicts itself."""
    backbone, decoder = (facts.get(n, getattr(Config, n)) for n in ("backbone", "decoder"))
    expected = architecture(backbone, decoder)
    are_known = backbone in BACKBONES and decoder in DECODERS  # the check of values says if not
    if "architecture" not in facts or (are_known and facts["architecture"] != expected):
        raise ValueError(f'it does not say "architecture": "{expected}"')


def _preparation(config: Config) -> dict[str, object]:
    """Returns the preparation of images, as `config.json` states it for human readers."""
    is_classic = config.resize == CLASSIC_RESIZE
    resize = "TensorFlow 1 bicubic" if is_classic else "antialiased, to the full height"
    return {"height": IMAGE_HEIGHT, "width": config.image_width, "resize": resize}
