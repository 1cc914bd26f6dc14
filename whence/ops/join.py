"""Several arrays into one, one into several: concatenate, stack, split and their kin."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.primitive import Primitive
from ..core.table import OPS
from ..core.variable import Variable, as_array
from .batching import examples, repeated
from .declare import implements, misfit, no_out, normal_axes


def _concatenate_rule(i: int, g: Any, y: Any, *xs: Any, axis: int) -> Any:
    start = sum(x.shape[axis] for x in xs[:i])
    return g[(slice(None),) * axis + (slice(start, start + xs[i].shape[axis]),)]


def _concatenate_all(op: Any, batched: Any, *xs: Any, axis: int) -> Any:
    size = examples(batched, xs)
    return op(
        *(repeated(x, mine, size) for x, mine in zip(xs, batched, strict=True)), axis=axis + (axis >= 0)
    )


concatenate = Primitive(
    "np.concatenate",
    lambda *xs, axis: np.concatenate(xs, axis),
    vjp=_concatenate_rule,
    reads=[""],
    kind="linear",
    batch=_concatenate_all,
)


@implements(np.concatenate)
def _concatenate(
    arrays: Any, /, axis: int | None = 0, out: Any = None, *, dtype: Any = None, casting: Any = "same_kind"
) -> Any:
    no_out("np.concatenate", out)
    parts = _parts(arrays)
    if axis is None:
        parts, axis = [np.ravel(p) for p in parts], 0
    if parts and np.ndim(parts[0]):
        (axis,) = normal_axes(axis, np.ndim(parts[0]))
    y = concatenate(*parts, axis=axis)
    return y if dtype is None else y.astype(dtype)


def _parts(arrays: Any) -> list[Any]:
    """The arrays of a sequence (or along the first axis of one array)."""
    return [p if isinstance(p, Variable) else as_array(p) for p in arrays]


@implements(np.stack)
def _stack(
    arrays: Any, axis: int = 0, out: Any = None, *, dtype: Any = None, casting: Any = "same_kind"
) -> Any:
    no_out("np.stack", out)
    parts = _parts(arrays)
    if len({np.shape(p) for p in parts}) != 1:
        raise misfit(f"np.stack needs equal shapes, got {[np.shape(p) for p in parts]}")
    return _concatenate(
        [np.expand_dims(p, axis) for p in parts],
        np.ndim(parts[0]) + 1 + axis if axis < 0 else axis,
        dtype=dtype,
    )


@implements(np.vstack)
def _vstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    return _concatenate([np.atleast_2d(p) for p in _parts(tup)], 0, dtype=dtype)


@implements(np.hstack)
def _hstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    parts = [np.atleast_1d(p) for p in _parts(tup)]
    return _concatenate(parts, 0 if parts and np.ndim(parts[0]) == 1 else 1, dtype=dtype)


@implements(np.dstack)
def _dstack(tup: Any) -> Any:
    return _concatenate([np.atleast_3d(p) for p in _parts(tup)], 2)


@implements(np.column_stack)
def _column_stack(tup: Any) -> Any:
    parts = [np.reshape(p, (-1, 1)) if np.ndim(p) < 2 else p for p in _parts(tup)]
    return _concatenate(parts, 1)


def _pieces(sections: Any, length: int, even: bool) -> Sequence[tuple[int, int]]:
    if np.ndim(sections):
        cuts = [0, *(int(c) for c in sections), length]
    else:
        count = int(sections)
        if count <= 0:
            raise misfit("number sections must be larger than 0.")
        if even and length % count:
            raise misfit("array split does not result in an equal division")
        small, extra = divmod(length, count)
        cuts = [i * small + min(i, extra) for i in range(count + 1)]
    return list(itertools.pairwise(cuts))


def _split(ary: Any, indices_or_sections: Any, axis: int, even: bool) -> list[Any]:
    (axis,) = normal_axes(axis, ary.ndim)
    before = (slice(None),) * axis
    return [ary[(*before, slice(a, b))] for a, b in _pieces(indices_or_sections, ary.shape[axis], even)]


OPS[np.split] = lambda ary, indices_or_sections, axis=0: _split(ary, indices_or_sections, axis, True)
OPS[np.array_split] = lambda ary, indices_or_sections, axis=0: _split(ary, indices_or_sections, axis, False)
OPS[np.hsplit] = lambda ary, indices_or_sections: _split(
    ary, indices_or_sections, 0 if ary.ndim == 1 else 1, True
)
OPS[np.vsplit] = lambda ary, indices_or_sections: _split(ary, indices_or_sections, 0, True)
OPS[np.dsplit] = lambda ary, indices_or_sections: _split(ary, indices_or_sections, 2, True)
OPS[np.unstack] = lambda x, /, *, axis=0: tuple(np.moveaxis(x, axis, 0))
