"""Gives dataclass fields a help text and permitted values, from which flags and checks derive.

A field is made by `option`:

    batch_size: int = option(65, "number of examples per step", minimum=1, maximum=1000)
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any, NamedTuple

INT32_MAX = 2**31 - 1
"""Largest number that is permitted where no other maximum is given."""


@dataclasses.dataclass(frozen=True)
class Permitted:
    """Describes the values that an option may have.

    Attributes:
        kind: `int`, `float`, `str`, `bool`, or `tuple` for whole numbers in increasing order.
        minimum: smallest number permitted.
        maximum: largest number permitted.
        excluded: a number in this range that is not permitted, or None.
        multiple_of: number that every number of a tuple must be a multiple of.
        choices: the only values permitted; empty if any value of the kind and range is.
    """

    kind: type
    minimum: float = -INT32_MAX
    maximum: float = INT32_MAX
    excluded: float | None = None
    multiple_of: int = 1
    choices: tuple[Any, ...] = ()

    def accepts(self, value: object) -> bool:
        """Returns whether a value is of the right type and permitted."""
        if self.kind is tuple:
            return isinstance(value, tuple) and self._accepts_numbers(value)
        if self.kind is float:
            return type(value) in (int, float) and self._accepts_number(value)
        if self.kind is int:
            return type(value) is int and self._accepts_number(value)
        return type(value) is self.kind and (not self.choices or value in self.choices)

    def _accepts_number(self, number: Any) -> bool:
        if self.choices:
            return number in self.choices
        return self.minimum <= number <= self.maximum and number != self.excluded  # never NaN

    def _accepts_numbers(self, numbers: tuple[Any, ...]) -> bool:
        return (
            all(type(number) is int and self._accepts_number(number) for number in numbers)
            and all(number % self.multiple_of == 0 for number in numbers)
            and list(numbers) == sorted(set(numbers))
        )

    @property
    def requirement(self) -> str:
        """Requirement on a value, for error messages: "a whole number from 1 to 16"."""
        if self.choices:
            return f"one of {', '.join(map(str, self.choices))}"
        if self.kind in (str, bool):
            return {str: "a text", bool: "true or false"}[self.kind]
        increasing = f"an increasing list of multiples of {self.multiple_of}"
        noun = {int: "a whole number", float: "a number", tuple: increasing}[self.kind]
        exception = "" if self.excluded is None else f", {self.excluded} excluded"
        return f"{noun} from {self.minimum} to {self.maximum}{exception}"


class Option(NamedTuple):
    """Describes a field that was made by `option`.

    Attributes:
        name: the name of the field.
        default: the default of the field.
        permitted: values of the field; None is permitted in addition if it is the default.
        help: what the field means, in a few words.
        metavar: what stands for the value in `--help`.
        added_later: files written before the field existed lack it; it has its default there.
    """

    name: str
    default: Any
    permitted: Permitted
    help: str
    metavar: str
    added_later: bool


def option(
    default: Any, help: str, *, metavar: str = "N", added_later: bool = False, **permitted: Any
) -> Any:
    """Returns a dataclass field with what `Option` describes as its metadata.

    Args:
        default: default of the field.
        help: the meaning of the field, in a few words.
        metavar: the word for the value in `--help`.
        added_later: whether older files lack the field, and have its default.
        permitted: attributes of `Permitted` but the kind, which is that of the annotation.
    """
    described = {"help": help, "metavar": metavar, "added_later": added_later}
    metadata = {"described": described, "permitted": permitted}
    return dataclasses.field(default=default, metadata=metadata)


def options_of(owner: type) -> list[Option]:
    """Returns the options of a dataclass whose fields were all made by `option`."""
    annotations = typing.get_type_hints(owner)
    return [
        Option(
            field.name,
            field.default,
            Permitted(_kind(annotations[field.name]), **field.metadata["permitted"]),
            **field.metadata["described"],
        )
        for field in dataclasses.fields(owner)
    ]


def permitted_values(owner: type, name: str) -> Permitted:
    """Returns the permitted values of one field of a dataclass, see `options_of`."""
    (permitted,) = (each.permitted for each in options_of(owner) if each.name == name)
    return permitted


def _kind(annotation: Any) -> type:
    """Returns `int` for both `int` and `int | None`, and `tuple` for `tuple[int, ...]`."""
    if typing.get_origin(annotation) is tuple:
        return tuple
    (kind, *_) = typing.get_args(annotation) or (annotation,)
    return kind


def values_from_json(owner: type, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the values of the fields of a dataclass whose fields were all made by `option`.

    Args:
        owner: the dataclass.
        facts: a JSON object, parsed. Keys that are not fields are ignored.

    Raises:
        ValueError: a value is missing or not permitted.
    """
    return {each.name: _value_from_json(each, facts.get(each.name)) for each in options_of(owner)}


def _value_from_json(described: Option, value: Any) -> Any:
    if value is None and described.added_later:
        return described.default
    if value is None:
        raise ValueError(f"its {described.name} is missing")
    converted = tuple(value) if isinstance(value, list) else value
    if not described.permitted.accepts(converted):
        requirement = described.permitted.requirement
        raise ValueError(f"its {described.name} is {value!r:.80}, which is not {requirement}")
    return converted
