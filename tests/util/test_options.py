"""Tests fields that know their help text and their permitted values."""

from __future__ import annotations

import dataclasses

import pytest

from aocr.util.options import (
    INT32_MAX,
    Permitted,
    option,
    options_of,
    permitted_values,
    values_from_json,
)


@dataclasses.dataclass(frozen=True)
class Oven:
    """Has a field of each kind."""

    heat: float = option(180.0, "temperature", minimum=0, maximum=300, excluded=0)
    trays: int = option(2, "number of trays", minimum=1, maximum=8)
    minutes: int | None = option(None, "time", minimum=1)
    fan: bool = option(False, "use the fan")
    grill: str = option("off", "grill", choices=("off", "on"))
    name: str = option("oven", "name", metavar="NAME")
    steps: tuple[int, ...] = option(
        (), "stops", added_later=True, minimum=5, maximum=20, multiple_of=5
    )


GOOD = {
    "heat": [180.0, 300, 0.001],
    "trays": [1, 8],
    "minutes": [1, INT32_MAX],
    "fan": [True, False],
    "grill": ["off", "on"],
    "name": ["", "x"],
    "steps": [(), (5,), (5, 15, 20)],
}
BAD = {
    "heat": [0, 0.0, -1, 300.1, float("nan"), float("inf"), float("-inf"), "180", None, True],
    "trays": [0, 9, 2.0, "2", True, None, [2]],
    "minutes": [0, INT32_MAX + 1, 10**30],
    "fan": [0, 1, "true", None],
    "grill": ["half", "", True, None],
    "name": [1, None, ("x",)],
    "steps": [5, [5], (0, 5), (6,), (5, 5), (10, 5), (5, 25), (5, "10"), (5, 10.0), (None,)],
}


@pytest.mark.parametrize("name", GOOD)
def test_values_of_the_right_type_in_the_range_are_accepted(name):
    permitted = permitted_values(Oven, name)
    assert [value for value in GOOD[name] if not permitted.accepts(value)] == []
    assert [value for value in BAD[name] if permitted.accepts(value)] == []


@pytest.mark.parametrize(
    ("name", "requirement"),
    [
        ("heat", "a number from 0 to 300, 0 excluded"),
        ("trays", "a whole number from 1 to 8"),
        ("minutes", "a whole number from 1 to 2147483647"),
        ("fan", "true or false"),
        ("grill", "one of off, on"),
        ("name", "a text"),
        ("steps", "an increasing list of multiples of 5 from 5 to 20"),
    ],
)
def test_requirement_completes_an_error_message(name, requirement):
    assert permitted_values(Oven, name).requirement == requirement


def test_choices_may_be_numbers():
    channels = Permitted(int, choices=(1, 3))
    assert [value for value in (0, 1, 2, 3, True, 1.0, "1") if channels.accepts(value)] == [1, 3]
    assert channels.requirement == "one of 1, 3"


def test_options_describe_the_fields_in_order():
    options = options_of(Oven)
    assert [each.name for each in options] == list(GOOD)
    assert [each.default for each in options] == list(dataclasses.astuple(Oven()))
    assert [each.metavar for each in options] == ["N"] * 5 + ["NAME", "N"]
    assert options[1].help == "number of trays"


def test_json_values_are_checked_and_missing_new_fields_have_their_default():
    facts = {"heat": 200, "trays": 1, "minutes": 3, "fan": True, "grill": "on", "name": "é"}
    expected = facts | {"steps": ()}
    assert values_from_json(Oven, facts) == expected
    assert values_from_json(Oven, facts | {"steps": None, "unknown": 1}) == expected
    assert values_from_json(Oven, facts | {"steps": [5, 10]}) == expected | {"steps": (5, 10)}


def test_json_errors_name_the_key_the_value_and_what_is_permitted():
    facts = {"heat": 200, "trays": 9, "minutes": 3, "fan": True, "grill": "on", "name": "x"}
    with pytest.raises(ValueError, match="its trays is 9, which is not a whole number from 1 to 8"):
        values_from_json(Oven, facts)
    del facts["trays"]
    with pytest.raises(ValueError, match="its trays is missing"):
        values_from_json(Oven, facts)
