"""The house keeps its floors: what may import what, read from the sources with ``ast``."""

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import whence

HOUSE = Path(whence.__file__).parent
FILES = sorted(HOUSE.rglob("*.py"))

#: Rooms (folders or single files) from the ground up; a room imports only from floors below its own.
FLOORS = [
    ["errors", "config", "tree", "random"],
    ["core"],
    ["ops"],
    ["transforms"],
    ["bridge", "numpy", "scipy"],
    ["optimize"],
    ["compiler"],
    ["optim"],
    ["nn"],  # nn.utils hands on the clipping of gradients, as PyTorch's does
    ["io", "explore", "parallel", "cuda"],
    ["data"],  # what is fetched is written by io, whole or not at all
    ["train", "testing", "compat"],  # DeZero has layers
    ["__init__"],
    ["__main__"],
]

#: Rooms whose files have one order for good; each imports only from those before it.
ORDER = {
    "": ["errors", "config", "tree", "random"],
    "core": [
        "memory",
        "origin",
        "table",
        "graph",
        "symbolic",
        "text",
        "sweep",
        "asked",
        "array",
        "variable",
        "batched",
        "explain",
        "stash",
        "function",
        "primitive",
        "guard",
    ],
}

#: Packages that whence can do without: each is named by one module only.
EXTRAS = [
    *("cupy", "llvmlite", "matplotlib", "mpi4py", "onnx"),
    *("rich", "safetensors", "sklearn", "tensorboardX", "torch"),
]


class Import(NamedTuple):
    """One imported module: absolute dotted name, and the line."""

    module: str
    line: int


def name_of(file: Path) -> str:
    """``whence.core.sweep`` for ``whence/core/sweep.py``; a package is ``whence.core.__init__``."""
    return ".".join(("whence", *file.relative_to(HOUSE).with_suffix("").parts))


MODULES = {name_of(file) for file in FILES}


def resolved(module: str) -> str:
    """A package stands for its ``__init__``."""
    return f"{module}.__init__" if f"{module}.__init__" in MODULES else module


def imports(file: Path) -> Iterator[Import]:
    """Everything that a file imports, wherever in it; ``from . import x`` names module x."""
    package = name_of(file).split(".")[:-1]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(resolved(alias.name), node.lineno)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = [*base, *(node.module.split(".") if node.module else [])]
            for alias in node.names:
                inner = ".".join([*base, alias.name])
                known = inner in MODULES or f"{inner}.__init__" in MODULES
                yield Import(resolved(inner if known else ".".join(base)), node.lineno)


def room(module: str) -> str:
    """``core`` for ``whence.core.sweep``, ``errors`` for ``whence.errors``."""
    return module.split(".")[1]


def floor(module: str) -> int:
    """How high a module's room lies."""
    for height, rooms in enumerate(FLOORS):
        if room(module) in rooms:
            return height
    raise AssertionError(f"{module}: on which floor is {room(module)!r}? Add it to FLOORS.")


def inside(file: Path) -> list[Import]:
    """What a file imports from whence itself."""
    return [found for found in imports(file) if found.module.split(".")[0] == "whence"]


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_imports_point_down(file: Path) -> None:
    """A module imports from floors below; on its own floor only from its own folder."""
    module = name_of(file)
    for found in inside(file):
        if room(found.module) == room(module) and file.parent != HOUSE:
            continue
        lower = floor(found.module) < floor(module)
        same_list = {room(module), room(found.module)} <= set(ORDER[""])
        assert lower or same_list, f"{file}:{found.line}: {module} may not import {found.module}"


@pytest.mark.parametrize("folder", sorted({file.parent for file in FILES}), ids=lambda f: f.name)
def test_no_circles(folder: Path) -> None:
    """Inside a folder, imports make no circle."""
    graph = {
        name_of(file): {found.module for found in inside(file)} for file in FILES if file.parent == folder
    }
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize("folder", ORDER)
def test_files_import_only_those_listed_above(folder: str) -> None:
    """In ``core``, and on the ground floor, the files have one order."""
    order = ORDER[folder]
    names = {".".join(filter(None, ("whence", folder, stem))): i for i, stem in enumerate(order)}
    files = [file for file in (HOUSE / folder).glob("*.py") if file.stem != "__init__"]
    if folder:
        assert {file.stem for file in files} == set(order), f"list every file of {folder} in ORDER"
    for file in files:
        here = names.get(name_of(file))
        if here is None:
            continue
        for found in inside(file):
            above = names.get(found.module, -1)
            assert above < here, f"{file}:{found.line}: {found.module} stands below {name_of(file)}"


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_no_import_inside_a_function(file: Path) -> None:
    """A deferred import hides a circle."""
    for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            for node in ast.walk(function):
                assert not isinstance(node, (ast.Import, ast.ImportFrom)), f"{file}:{node.lineno}"


@pytest.mark.parametrize("extra", EXTRAS)
def test_one_module_names_each_extra(extra: str) -> None:
    """An optional package is wrapped once."""
    users = {name_of(file) for file in FILES for i in imports(file) if i.module.split(".")[0] == extra}
    assert len(users) <= 1, f"{extra} is imported by {sorted(users)}"


def test_the_core_needs_only_numpy_and_scipy() -> None:
    """Everything else that is imported belongs to Python or is a named extra."""
    allowed = {"whence", "numpy", "scipy", *EXTRAS, *sys.stdlib_module_names}
    for file in FILES:
        for found in imports(file):
            assert found.module.split(".")[0] in allowed, f"{file}:{found.line} imports {found.module}"


def test_importing_whence_imports_no_extra() -> None:
    """``import whence`` costs NumPy, SciPy and whence."""
    code = f"import sys, whence; print(*[name for name in {EXTRAS!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []
