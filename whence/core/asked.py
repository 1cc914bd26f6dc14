"""Who asks for a plain array of a Variable: what SciPy's functions do, which know no other arrays.

Looked into only when that is about to be refused, to name the function, the user's line and the mirror.
"""

from __future__ import annotations

import ast
import os
import sys
from importlib.util import find_spec
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from .origin import INSIDE, place_of

_SPARSE = os.path.join("scipy", "sparse", "")
_OPERATORS = {"__matmul__", "__rmatmul__", "__mul__", "__rmul__", "__truediv__"}


class Asker(NamedTuple):
    """A public function of SciPy, and where the user called it."""

    module: str
    name: str
    where: str


def _module_of(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def operator_of_sparse_matrix() -> bool:
    """Is it an operator (``@``, ``*``) or ``dot`` of a ``scipy.sparse`` matrix that asks, two frames up?

    Given an object that is no array, it leaves the work to the other operand.
    """
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and _SPARSE in frame.f_code.co_filename:
        if frame.f_code.co_name in _OPERATORS:
            return True
        frame = frame.f_back
    return False


def opaque(value: Any) -> np.ndarray[Any, Any]:
    """An array without axes of one object: how NumPy says that it is not an array."""
    array = np.empty((), object)
    array[()] = value
    return array


def asker() -> Asker | None:
    """The public function of SciPy that the user called, from the frames between."""
    frames: list[FrameType] = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and (_module_of(frame).startswith("scipy.") or INSIDE[frame.f_code.co_filename]):
        frames.append(frame)
        frame = frame.f_back
    if frame is None:
        return None
    place = place_of(frame.f_code, frame.f_lasti)
    for inner in reversed(frames):
        parts = _module_of(inner).split(".")
        public = next((i for i, part in enumerate(parts) if part.startswith("_")), len(parts))
        name = _name_of(inner)
        for length in range(public, 1, -1):
            module = ".".join(parts[:length])
            if parts[0] == "scipy" and not name.startswith("_"):
                where = f" (called at {place.where})" if place else ""
                if _has(module, name):
                    return Asker(module, name, where)
                kind = type(inner.f_locals.get("self")).__name__
                if _has(module, kind) and kind != "NoneType":
                    return Asker(module, f"{kind}.{name}", where)
    return None


def _name_of(frame: FrameType) -> str:
    """The function's name; that of the class for what makes or calls an instance."""
    name = frame.f_code.co_name
    if name.startswith("__") and "self" in frame.f_locals:
        return type(frame.f_locals["self"]).__name__
    return name


def _has(module: str, name: str) -> bool:
    return hasattr(sys.modules.get(module), name)


def mirrored(module: str, name: str) -> bool:
    """Has ``whence.scipy`` a function of this name? Read from its source, not imported."""
    try:
        spec = find_spec(f"whence.{module}")
    except ModuleNotFoundError:
        return False
    if spec is None or spec.origin is None:
        return False
    with open(spec.origin, encoding="utf-8") as file:
        body = ast.parse(file.read()).body
    names: set[str] = set()
    for statement in body:
        if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
            names.add(statement.name)
        elif isinstance(statement, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in statement.names}
        elif isinstance(statement, ast.Assign):
            names |= {target.id for target in statement.targets if isinstance(target, ast.Name)}
    return name.split(".")[0] in names
