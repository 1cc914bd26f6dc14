"""Containers of arrays as the one vector that SciPy's solvers work on, and their bounds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.optimize import Bounds

from ..core.origin import called_at
from ..core.variable import Variable, as_data
from ..errors import DtypeError, NonFiniteError, ShapeError
from ..tree import LEAF, flatten, paths


class Space:
    """The containers like ``x0``: their structure and shapes.

    Attributes:
        start: ``x0`` as a vector of float64.
        names: how to reach each leaf, ``['rate']``.
    """

    def __init__(self, x0: Any, name: str) -> None:
        leaves, self.structure = flatten(x0)
        if self.structure is not LEAF and _is_vector(x0, leaves):
            x0 = np.array([_bare(leaf) for leaf in leaves], dtype=np.float64)
            leaves, self.structure = flatten(x0)
        self.names = paths(self.structure)
        arrays = [self._leaf(leaf, path, name) for leaf, path in zip(leaves, self.names, strict=True)]
        self.shapes = [a.shape for a in arrays]
        ends = np.cumsum([a.size for a in arrays], dtype=int).tolist()
        self.slices = [slice(end - a.size, end) for end, a in zip(ends, arrays, strict=True)]
        self.size = ends[-1] if ends else 0
        self.single = self.structure is LEAF
        self.vector = self.single and len(self.shapes[0]) == 1  # nothing to take apart
        self.start = self.pack(arrays)
        if not self.size:
            raise ShapeError(f"{name}: x0 holds no numbers{called_at()}")

    def _leaf(self, leaf: Any, path: str, name: str) -> Any:
        if leaf is None or isinstance(leaf, (str, bytes)) or callable(leaf):
            raise DtypeError(
                f"{name}: x0{path} is {leaf!r}, not an array of numbers{called_at()}\n"
                "  → what is not to be fitted goes into args=, or into the function"
            )
        data = as_data(_bare(leaf))
        if data.dtype.kind == "c":
            raise DtypeError(
                f"{name}: x0{path} is complex{called_at()}\n"
                '  → start from its parts, {"re": x0.real, "im": x0.imag}, and put them together inside'
            )
        data = np.asarray(data, np.float64)
        if not np.all(np.isfinite(data)):
            where = np.argwhere(~np.isfinite(np.atleast_1d(data)))[0]
            raise NonFiniteError(
                f"{name}: x0{path} has {np.sum(~np.isfinite(data))} elements that are not finite, the first "
                f"at {tuple(int(i) for i in where)}{called_at()}\n  → start from finite numbers"
            )
        return data

    def pack(self, arrays: Any) -> np.ndarray:
        """Leaves as one vector of our own."""
        if len(arrays) == 1:
            return np.array(arrays[0], np.float64).reshape(-1)
        return np.concatenate([np.ravel(a) for a in arrays])

    def leaves(self, vector: np.ndarray) -> list[Any]:
        """The leaves of a vector: views, numbers for those without axes."""
        if self.vector:
            return [vector]
        return [
            vector[part].reshape(shape) if shape else vector[part.start]
            for part, shape in zip(self.slices, self.shapes, strict=True)
        ]

    def tree(self, vector: np.ndarray) -> Any:
        """A vector as a container of arrays of its own."""
        return self.structure.unflatten(self.leaves(np.array(vector, np.float64)))

    def name_of(self, index: int) -> str:
        """What to call an element of the vector: ``x['rate'][2]``."""
        for part, shape, path in zip(self.slices, self.shapes, self.names, strict=True):
            if index < part.stop:
                place = np.unravel_index(index - part.start, shape)
                return f"x{path}" + (f"[{', '.join(str(int(i)) for i in place)}]" if shape else "")
        return "x"

    def bounds(self, bounds: Any, name: str) -> Bounds | None:
        """Bounds in any of their forms, as SciPy's for the vector."""
        if bounds is None or isinstance(bounds, Bounds):
            return bounds
        low, high = np.full(self.size, -np.inf), np.full(self.size, np.inf)
        for part, shape, path, pair in zip(
            self.slices, self.shapes, self.names, _like(self.structure, bounds, name), strict=True
        ):
            low[part], high[part] = _limits(pair, shape, path, name)
        if np.any(low > high):
            where = self.name_of(int(np.argmax(low > high)))
            raise ShapeError(f"{name}: the lower bound of {where} is above the upper one{called_at()}")
        return Bounds(low, high)  # type: ignore[arg-type]


def _is_vector(x0: Any, leaves: list[Any]) -> bool:
    """Is it a list of plain numbers, as SciPy's users write a vector?"""
    flat = type(x0) in (list, tuple) and len(x0) == len(leaves)
    return flat and all(np.ndim(_bare(x)) == 0 and not isinstance(x, str) and x is not None for x in leaves)


def _bare(x: Any) -> Any:
    return x._data if isinstance(x, Variable) else x


def _like(structure: Any, bounds: Any, name: str) -> list[Any]:
    """The bounds at each leaf; None where a dict leaves a key out."""
    if bounds is None:
        return [None] * structure.leaves
    if structure.kind is None:
        return [bounds]
    if structure.keys:
        given = bounds if isinstance(bounds, dict) else getattr(bounds, "__dict__", {})
        unknown = set(given) - set(structure.keys)
        if unknown or not given:
            raise ShapeError(
                f"{name}: bounds for {sorted(map(str, unknown))}, but x0 has {list(structure.keys)}"
                f"{called_at()}\n"
                '  → bounds={"rate": (0, None)}: a pair at the place of each leaf, None for no bound'
            )
        parts = [given.get(key) for key in structure.keys]
    else:
        parts = list(bounds)
        if len(parts) != len(structure.children):
            raise ShapeError(
                f"{name}: {len(parts)} bounds for the {len(structure.children)} parts of x0{called_at()}"
            )
    return [
        leaf
        for child, part in zip(structure.children, parts, strict=True)
        for leaf in _like(child, part, name)
    ]


def _limits(pair: Any, shape: tuple[int, ...], path: str, name: str) -> tuple[Any, Any]:
    """Lower and upper bounds of one leaf, flat."""
    if pair is None:
        return -np.inf, np.inf
    size = math.prod(shape)
    try:
        if isinstance(pair, Bounds):
            low, high = pair.lb, pair.ub
        elif len(pair) == 2 and not (size == 2 and all(np.ndim(p) == 1 and len(p) == 2 for p in pair)):
            low, high = pair
        else:  # SciPy's: a pair for each element
            low, high = zip(*pair, strict=True)
        return _flat(low, -np.inf, shape), _flat(high, np.inf, shape)
    except (TypeError, ValueError) as error:
        raise ShapeError(
            f"{name}: the bounds of x0{path}, of shape {shape}, are not understood: {error}{called_at()}\n"
            "  → a pair (lower, upper) of numbers or arrays, a list of such pairs, or scipy.optimize.Bounds"
        ) from None


def _flat(limit: Any, missing: float, shape: tuple[int, ...]) -> Any:
    if isinstance(limit, (list, tuple)):
        limit = [missing if part is None else part for part in limit]
    limit = np.asarray(missing if limit is None else limit, np.float64)
    if limit.ndim == 1 and limit.size == math.prod(shape):
        return limit
    return np.broadcast_to(limit, shape).ravel()
