"""Exports of the model that reads six words, which several tests use as their clients do."""

import pytest
from commands import MODEL, run_aocr


@pytest.fixture(scope="session")
def saved_model(trained):
    """Returns the folder of a SavedModel."""
    done = run_aocr("export", "saved", *MODEL, cwd=trained.folder, check=0)
    assert "Exported SavedModel into saved\n" in done.stderr
    assert "Checked the export against the model on 4 sample images" in done.stderr
    return trained.folder / "saved"


@pytest.fixture(scope="session")
def frozen_graph(trained):
    """Returns the path of a frozen graph."""
    arguments = ["export", "frozen", "--format=frozengraph", *MODEL]
    done = run_aocr(*arguments, cwd=trained.folder, check=0)
    assert "Exported as frozen/frozen_graph.pb\n" in done.stderr
    return trained.folder / "frozen/frozen_graph.pb"
