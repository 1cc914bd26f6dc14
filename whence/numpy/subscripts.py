"""What is called with square brackets: ``r_``, ``c_``, ``mgrid``, ``ogrid``."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.array import raw
from ..core.variable import Variable
from ..errors import NoGradientError
from ..ops.gather import gathered, has_variables
from .creation import arange


class Joiner:
    """``numpy.r_`` or ``numpy.c_``, with Variables among the parts."""

    def __init__(self, plain: Any) -> None:
        self.plain = plain

    def __getitem__(self, key: Any) -> Any:
        parts = key if isinstance(key, tuple) else (key,)
        if not has_variables(parts) and not any(_moving(part) for part in parts):
            return self.plain[key]
        # NumPy joins the numbers of the elements, so that every form of its key is understood
        pool: list[Any] = []
        numbers: list[Any] = []
        bare: list[Any] = []
        count = 0
        for part in parts:
            if isinstance(part, str):
                numbers.append(part)
                bare.append(part)
                continue
            value = _range(part) if isinstance(part, slice) else part
            if has_variables(value):
                value = gathered(value)
            size, shape = np.size(value), np.shape(value)
            numbers.append(count + np.arange(size).reshape(shape) if shape else count)
            bare.append(raw(value))
            pool.append(np.ravel(value))
            count += size
        order = self.plain[tuple(numbers)]
        if isinstance(order, np.matrix):
            raise NoGradientError("np.matrix cannot hold a Variable\n  → leave 'r' or 'c' out of the key")
        y = np.concatenate(pool)[order]
        return np.astype(y, self.plain[tuple(bare)].dtype)

    def __len__(self) -> int:
        return 0


class Grid:
    """``numpy.mgrid`` (one array) or ``numpy.ogrid`` (open), with Variables in the slices."""

    def __init__(self, plain: Any, sparse: bool) -> None:
        self.plain, self.sparse = plain, sparse

    def __getitem__(self, key: Any) -> Any:
        slices = key if isinstance(key, tuple) else (key,)
        if not any(_moving(part) for part in slices):
            return self.plain[key]
        axes = [_range(part) for part in slices]
        if not isinstance(key, tuple):
            return axes[0]
        dtype = np.result_type(*[raw(axis) for axis in axes])
        count = len(axes)
        opened = [np.reshape(axis, (1,) * i + (-1,) + (1,) * (count - 1 - i)) for i, axis in enumerate(axes)]
        if self.sparse:
            return tuple(opened)
        shape = tuple(np.size(axis) for axis in axes)
        return np.stack([np.astype(np.broadcast_to(axis, shape), dtype) for axis in opened])


def _moving(part: Any) -> bool:
    """Is it a slice with a Variable in it?"""
    return isinstance(part, slice) and any(
        isinstance(x, Variable) for x in (part.start, part.stop, part.step)
    )


def _range(part: slice) -> Any:
    """The numbers of ``start:stop:step``; an imaginary step counts them, both ends included."""
    start = 0 if part.start is None else part.start
    step = 1 if part.step is None else part.step
    if isinstance(raw(step), (complex, np.complexfloating)):
        count = int(abs(raw(step)))
        way = np.linspace(0.0, 1.0, count)
        return start * (1 - way) + part.stop * way
    return arange(start, part.stop, step)


r_ = Joiner(np.r_)
c_ = Joiner(np.c_)
mgrid = Grid(np.mgrid, sparse=False)
ogrid = Grid(np.ogrid, sparse=True)
