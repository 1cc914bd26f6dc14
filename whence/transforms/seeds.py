"""Many cotangents (or tangents) in one sweep, whose arrays have an axis more in front."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from ..core.batched import Batched, new_level, wrap
from ..core.origin import called_at
from ..core.variable import Variable
from ..errors import ShapeError
from .forward import nodes_between
from .lift import Lifted

NEAR, LARGEST, SEVERAL = 1 << 19, 1 << 26, 16  # bytes, bytes, rows (see most_at_once)
FEW = 3  # sweeps up to which one after the other is faster: one of many costs 2 to 3 of one


def most_at_once(lifted: Lifted, ys: list[Variable], chunk_size: int | None = None) -> int:
    """How many rows or columns to compute at a time.

    So many that the largest cotangent fits a cache (``NEAR`` bytes), but ``SEVERAL`` at least, for
    the sake of matrix products, unless they were larger than ``LARGEST``.
    """
    if chunk_size is not None:
        if index(chunk_size) < 1:
            raise ShapeError(f"chunk_size is a positive number or None, not {chunk_size}{called_at()}")
        return index(chunk_size)
    widest = max((v.nbytes for v in (*lifted.variables, *ys)), default=1)
    for node in nodes_between(lifted, ys):
        for _, value in node.operands():
            if hasattr(value, "dtype"):
                widest = max(widest, value.size * value.dtype.itemsize)
    return max(1, NEAR // max(widest, 1), min(SEVERAL, LARGEST // max(widest, 1)))


def stretches(count: int, most: int) -> list[tuple[int, int]]:
    """The numbers up to ``count``, at most ``most`` at a time, and a few one by one."""
    most = 1 if count <= FEW else most
    return [(start, min(start + most, count)) for start in range(0, count, most)]


def together(seeds: np.ndarray, level: Any = None) -> Any:
    """The seeds along the first axis as the sweep takes them: one alone is an array, several are batched.

    Batched values that meet in one sweep share their ``level``.
    """
    if len(seeds) == 1:
        return seeds[0]
    return wrap(seeds, new_level() if level is None else level)


def apart(g: Any, seeds: Any) -> Any:
    """What the sweep made of ``seeds``: an array with theirs along the first axis."""
    if type(seeds) is not Batched:
        return g[None]
    if type(g) is Batched and g.level == seeds.level:
        return g.physical
    return np.broadcast_to(g, (seeds.physical.shape[0], *g.shape))  # zeros, or one for all
