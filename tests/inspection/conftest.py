"""Runs `aocr inspect` on small datasets."""

import json

import pytest
from helpers import write_records

from aocr.data.limits import Limits
from aocr.data.records import schema
from aocr.inspection.inspector import InspectionOptions, inspect

NO_LIMITS = Limits()


@pytest.fixture
def report(tmp_path, capsys):
    """A function that inspects (image, label, comment) rows; returns text, or JSON's value."""

    def inspected(*rows, limits=NO_LIMITS, as_json=True, paths=None, **options):
        if paths is None:
            serialized = (r if isinstance(r, bytes) else schema.serialize(*r) for r in rows)
            paths = [write_records(tmp_path / "dataset.tfrecords", serialized)]
        inspect(paths, InspectionOptions(limits, as_json=as_json, **options))
        printed = capsys.readouterr().out
        return json.loads(printed) if as_json else printed

    return inspected
