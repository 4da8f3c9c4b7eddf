"""Checks the layout: imports only point down, without a circle, and calls can be read."""

import ast
import pathlib

ROOT = pathlib.Path(__file__).parents[1]

ORDER = (
    *("__main__", "cli", "training", "report", "server", "reading", "exports", "inference"),
    *("synthesis", "evaluation", "inspection", "model", "data"),
    *("config", "charset", "util"),
)
"""The packages and top-level modules of aocr; each may import those after it."""

MODULES = sorted(
    path for path in (ROOT / "aocr").rglob("*.py") if path != ROOT / "aocr" / "__init__.py"
)
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


def place_of(module):
    return ORDER.index(module.split(".")[1])


IMPORTS = {name_of(path): imports_of(path) for path in MODULES}


def test_imports_point_down():
    up = [
        f"{module} imports {imported}"
        for module, names in IMPORTS.items()
        for imported in sorted(names)
        if place_of(imported) < place_of(module)
    ]
    assert up == []


def test_no_import_is_part_of_a_circle():
    done, above = set(), []

    def visit(module):
        assert module not in above, " -> ".join([*above[above.index(module) :], module])
        if module in done:
            return
        above.append(module)
        for imported in sorted(IMPORTS.get(module, ())):
            visit(imported)
        above.pop()
        done.add(module)

    for module in IMPORTS:
        visit(module)


def test_calls_have_few_positional_arguments():
    many = [
        f"{name_of(path)}: {ast.unparse(node)}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and len(node.args) > MOST_POSITIONAL_ARGUMENTS
    ]
    assert many == []
