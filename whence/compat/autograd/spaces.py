"""``vspace``: zeros, bases, random vectors of the shape of a value or a container of values."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...core.array import raw
from ...errors import DtypeError
from ...tree import flatten, map_tree


class VSpace:
    """The vector space of a value: of an array, a number, or nested tuples, lists, dicts of them.

    Attributes:
        shape: of an array; of a container None.
        dtype: of an array; of a container None.
        iscomplex: is any number complex?
        size: how many real numbers a vector has; a complex number counts as two.
    """

    def __init__(self, value: Any) -> None:
        leaves, self.structure = flatten(value)
        arrays = [np.asarray(raw(leaf)) for leaf in leaves]
        for array, leaf in zip(arrays, leaves, strict=True):
            if array.dtype.kind not in "fciub":
                raise DtypeError(f"can't find a vector space for a value of type {type(leaf).__name__}")
        self.likes = [(a.shape, a.dtype if a.dtype.kind in "fc" else np.dtype(float)) for a in arrays]
        single = self.structure.kind is None
        self.shape, self.dtype = self.likes[0] if single else (None, None)
        self.iscomplex = any(dtype.kind == "c" for _, dtype in self.likes)
        self.size = sum(math.prod(s) * (2 if dtype.kind == "c" else 1) for s, dtype in self.likes)

    @property
    def ndim(self) -> int:
        """How many axes an array has."""
        return len(self.shape or ())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VSpace) and (self.structure, self.likes) == (other.structure, other.likes)

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"VSpace({self.structure.unflatten(f'{s} {dtype}' for s, dtype in self.likes)})"

    def _each(self, make: Callable[[tuple[int, ...], np.dtype[Any]], Any]) -> Any:
        return self.structure.unflatten([make(*like) for like in self.likes])

    def zeros(self) -> Any:
        """The zero vector."""
        return self._each(lambda shape, dtype: np.zeros(shape, dtype))

    def ones(self) -> Any:
        """Ones; ``1 + 1j`` where numbers are complex."""
        return self._each(lambda shape, dtype: np.full(shape, 1 + 1j if dtype.kind == "c" else 1, dtype))

    def randn(self) -> Any:
        """Numbers of the standard normal distribution, from NumPy's global generator."""
        return self._each(_normal)

    def standard_basis(self) -> Iterator[Any]:
        """Every unit vector; where numbers are complex, ``1j`` too."""
        zeros = [np.zeros(*like) for like in self.likes]
        for k, (shape, dtype) in enumerate(self.likes):
            for index in np.ndindex(*shape):
                for unit in (1, 1j) if dtype.kind == "c" else (1,):
                    vector = zeros[k].copy()
                    vector[index] = unit
                    yield self.structure.unflatten([*zeros[:k], vector, *zeros[k + 1 :]])

    def add(self, x: Any, y: Any) -> Any:
        """``x + y``."""
        return map_tree(lambda a, b: a + b, x, y)

    def mut_add(self, x: Any, y: Any) -> Any:
        """``x + y`` (``y`` where x is None); nothing is overwritten."""
        return y if x is None else self.add(x, y)

    def scalar_mul(self, x: Any, a: Any) -> Any:
        """``a x``."""
        return map_tree(lambda leaf: leaf * a, x)

    def inner_prod(self, x: Any, y: Any) -> Any:
        """The real inner product ``Re(sum(conj(x) y))``."""
        parts = zip(flatten(x)[0], flatten(y)[0], strict=True)
        return sum(np.sum(np.real(np.conjugate(a) * b)) for a, b in parts)

    def covector(self, x: Any) -> Any:
        """The vector as a gradient is written: conjugated."""
        return map_tree(np.conjugate, x) if self.iscomplex else x


def _normal(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    values = np.array(np.random.standard_normal(shape))  # noqa: NPY002  (what npr.seed controls)
    if dtype.kind == "c":
        values = values + 1j * np.array(np.random.standard_normal(shape))  # noqa: NPY002
    return values.astype(dtype)


def vspace(value: Any) -> VSpace:
    """The vector space that a value lives in."""
    return VSpace(value)
