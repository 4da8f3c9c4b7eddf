"""Checks the layout: imports only point down, without a circle; files and functions are short."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parents[1]

MAY_IMPORT = {
    "__main__": {"cli", "util"},
    "cli": {
        "server",
        "training",
        "report",
        "evaluation",
        "serving",
        "synthesis",
        "inspection",
        "model",
        "data",
        "config",
        "charset",
        "util",
    },
    "server": {"serving", "model", "data", "config", "charset", "util"},
    "training": {
        "report",
        "evaluation",
        "model",
        "data",
        "config_json",
        "config",
        "charset",
        "util",
    },
    "report": {"evaluation", "model", "data", "config", "charset", "util"},
    "evaluation": {"model", "data", "config", "charset", "util"},
    "serving": {"model", "data", "config_json", "config", "charset", "util"},
    "synthesis": {"inspection", "data", "config", "charset", "util"},
    "inspection": {"data", "config", "charset", "util"},
    "model": {"config_json", "config", "charset", "util"},
    "data": {"config", "charset", "util"},
    "config_json": {"config", "charset", "util"},
    "config": {"charset", "util"},
    "charset": set(),
    "util": set(),
}
"""The packages and top-level modules of aocr, and what each may import."""

MODULES = sorted(
    path for path in (ROOT / "aocr").rglob("*.py") if path != ROOT / "aocr" / "__init__.py"
)
MOST_LINES_OF_A_FILE, MOST_LINES_OF_A_FUNCTION = 250, 60
MOST_POSITIONAL_ARGUMENTS = 5


def name_of(path):
    """`aocr.model.cnn`; a package's own file has the package's name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path):
    """The modules of aocr that a file imports, those inside functions too."""
    names = {name_of(module) for module in MODULES}
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in names else node.module)
    return {name for name in found if name.startswith("aocr.")}


def package_of(module):
    return module.split(".")[1]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_down(path):
    package = package_of(name_of(path))
    others = {package_of(name) for name in imports_of(path)} - {package}
    assert others <= MAY_IMPORT[package]


def test_no_import_is_part_of_a_circle():
    graph = {name_of(path): imports_of(path) for path in MODULES}
    done, above = set(), []

    def visit(module):
        assert module not in above, " -> ".join([*above[above.index(module) :], module])
        if module in done:
            return
        above.append(module)
        for imported in sorted(graph.get(module, ())):
            visit(imported)
        above.pop()
        done.add(module)

    for module in graph:
        visit(module)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_files_and_functions_are_short(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES_OF_A_FILE
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, functions):
            length = node.end_lineno - node.lineno + 1
            assert length <= MOST_LINES_OF_A_FUNCTION, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_calls_have_few_positional_arguments(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            assert len(node.args) <= MOST_POSITIONAL_ARGUMENTS, ast.unparse(node)


def test_no_module_cites_a_file_outside_the_repository():
    cited = [str(path) for path in MODULES if "COMPAT.md" in path.read_text(encoding="utf-8")]
    assert cited == []
