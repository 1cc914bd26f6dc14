"""Shape ops: the same elements in another arrangement. All of them are linear."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.batched import pointwise
from ..core.origin import called_at
from ..core.primitive import PRIMITIVES, Primitive
from ..core.sweep import wary
from ..core.table import OPS
from ..core.variable import Variable, as_array
from ..errors import DtypeError, NoGradientError
from .batching import as_it_is, over_axes
from .declare import frozen, implements, misfit, no_out, normal_axes

# --- one array in, one out -----------------------------------------------------------------------


def _reshape_all(op: Any, batched: Any, x: Any, shape: Any, order: Any = "C") -> Any:
    count, *lengths = np.shape(x)
    shape = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    others = math.prod(n for n in shape if n != -1)
    if shape.count(-1) == 1 and others:
        shape = tuple(math.prod(lengths) // others if n == -1 else n for n in shape)
    if order == "C":
        return op(x, shape=(count, *shape))
    # the first axis varies fastest, so the examples go last
    return np.moveaxis(op(np.moveaxis(x, 0, -1), shape=(*shape, count), order=order), -1, 0)


reshape = Primitive(
    "np.reshape",
    lambda x, shape, order="C": x.reshape(shape, order=order),
    vjp=[lambda g, y, x, shape, order="C": g.reshape(x.shape, order=order)],
    reads=[""],
    kind="linear",
    batch=_reshape_all,
)


@implements(np.reshape)
def _reshape(a: Any, /, shape: Any = None, order: Any = "C", *, copy: bool | None = None) -> Any:
    if order in ("A", "K"):
        order = "F" if a._data.flags.fnc else "C"
    return reshape(a, shape=shape, order=order) if order != "C" else reshape(a, shape=shape)


@implements(np.ravel)
def _ravel(a: Any, order: Any = "C") -> Any:
    if order == "K" and not a._data.flags.forc:  # as it lies in memory
        strides = a._data.strides
        a = np.transpose(a, sorted(range(a.ndim), key=lambda i: -abs(strides[i])))
        order = "C"
    return _reshape(a, (-1,), order)


def _transpose_all(op: Any, batched: Any, x: Any, axes: Any = None) -> Any:
    ndim = np.ndim(x) - 1
    axes = range(ndim)[::-1] if axes is None else axes
    if len(axes) != ndim or not all(-ndim <= a < ndim for a in axes):
        raise misfit(f"axes {tuple(axes)} do not name each of {ndim} axes")
    return op(x, axes=(0, *(a % ndim + 1 for a in axes)))


transpose = Primitive(
    "np.transpose",
    lambda x, axes=None: np.transpose(x, axes),
    vjp=[
        lambda g, y, x, axes=None: np.transpose(
            g, None if axes is None else tuple(int(i) for i in np.argsort([a % g.ndim for a in axes]))
        )
    ],
    reads=[""],
    kind="linear",
    batch=_transpose_all,
)


@implements(np.transpose, np.permute_dims)
def _transpose(a: Any, axes: Any = None) -> Any:
    return transpose(a) if axes is None else transpose(a, axes=tuple(axes))


@implements(np.swapaxes)
def _swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    (first,), (second,) = normal_axes(axis1, a.ndim), normal_axes(axis2, a.ndim)
    axes = list(range(a.ndim))
    axes[first], axes[second] = second, first
    return transpose(a, axes=tuple(axes))


@implements(np.matrix_transpose, np.linalg.matrix_transpose)
def _matrix_transpose(x: Any, /) -> Any:
    return _swapaxes(x, -1, -2)


@implements(np.moveaxis)
def _moveaxis(a: Any, source: Any, destination: Any) -> Any:
    origin, target = normal_axes(source, a.ndim), normal_axes(destination, a.ndim)
    if len(origin) != len(target):
        raise misfit("`source` and `destination` arguments must have the same number of elements")
    order = [i for i in range(a.ndim) if i not in origin]
    for to, axis in sorted(zip(target, origin, strict=True)):
        order.insert(to, axis)
    return transpose(a, axes=tuple(order))


@implements(np.rollaxis)
def _rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    (axis,) = normal_axes(axis, a.ndim)
    start = start + a.ndim if start < 0 else start
    return _moveaxis(a, axis, start - 1 if start > axis else start)


@implements(np.expand_dims)
def _expand_dims(a: Any, axis: Any) -> Any:
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = normal_axes(tuple(axes), a.ndim + len(axes))
    lengths = iter(a.shape)
    return reshape(a, shape=tuple(1 if i in axes else next(lengths) for i in range(a.ndim + len(axes))))


@implements(np.squeeze)
def _squeeze(a: Any, axis: Any = None) -> Any:
    if axis is None:
        return reshape(a, shape=tuple(n for n in a.shape if n != 1))
    axes = normal_axes(axis, a.ndim)
    if any(a.shape[i] != 1 for i in axes):
        raise misfit("cannot select an axis to squeeze out which has size not equal to one")
    return reshape(a, shape=tuple(n for i, n in enumerate(a.shape) if i not in axes))


def _at_least(ndim: int, grow: Any) -> Any:
    def at_least(*arrays: Any) -> Any:
        grown = tuple(a if np.ndim(a) >= ndim else grow(a) for a in arrays)
        return grown[0] if len(grown) == 1 else grown

    return at_least


def _to_3d(a: Any) -> Any:
    shape = np.shape(a)
    return np.reshape(a, {0: (1, 1, 1), 1: (1, *shape, 1), 2: (*shape, 1)}[len(shape)])


OPS[np.atleast_1d] = _at_least(1, lambda a: np.reshape(a, (1,)))
OPS[np.atleast_2d] = _at_least(2, lambda a: np.reshape(a, (1, np.size(a))))
OPS[np.atleast_3d] = _at_least(3, _to_3d)


def _broadcast_all(op: Any, batched: Any, x: Any, shape: Any) -> Any:
    shape = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    missing = len(shape) - np.ndim(x) + 1
    x = np.expand_dims(x, tuple(range(1, 1 + missing))) if missing > 0 else x
    return op(x, shape=(np.shape(x)[0], *shape))


broadcast_to = Primitive(
    "np.broadcast_to",
    lambda x, shape: np.broadcast_to(x, shape),
    vjp=[lambda g, y, x, shape: g],  # the engine undoes broadcasting
    reads=[""],
    kind="linear",
    batch=_broadcast_all,
)


@implements(np.broadcast_to)
def _broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    return broadcast_to(array, shape=shape)


@implements(np.broadcast_arrays)
def _broadcast_arrays(*args: Any, subok: bool = False) -> Any:
    shape = np.broadcast_shapes(*(np.shape(a) for a in args))
    return tuple(np.broadcast_to(a, shape) for a in args)


flip = Primitive(
    "np.flip",
    lambda x, axis=None: np.flip(x, axis),
    vjp=[lambda g, y, x, axis=None: np.flip(g, axis)],
    reads=[""],
    kind="linear",
    batch=over_axes,
)
OPS[np.flip] = lambda m, axis=None: flip(m, axis=axis)
OPS[np.flipud] = lambda m: flip(m, axis=0)
OPS[np.fliplr] = lambda m: flip(m, axis=1)


def _roll_all(op: Any, batched: Any, x: Any, shift: Any, axis: Any = None) -> Any:
    ndim = np.ndim(x) - 1
    if axis is None:
        flat = np.reshape(x, (np.shape(x)[0], -1))
        return np.reshape(op(flat, shift=shift, axis=1), np.shape(x))
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    return op(x, shift=shift, axis=tuple(normal_axes(a, ndim)[0] + 1 for a in axes))


roll = Primitive(
    "np.roll",
    lambda x, shift, axis=None: np.roll(x, shift, axis),
    vjp=[lambda g, y, x, shift, axis=None: np.roll(g, _negated(shift), axis)],
    reads=[""],
    kind="linear",
    batch=_roll_all,
)


def _negated(shift: Any) -> Any:
    return tuple(-s for s in shift) if isinstance(shift, (tuple, list)) else -shift


@implements(np.roll)
def _roll(a: Any, shift: Any, axis: Any = None) -> Any:
    return roll(a, shift=shift, axis=axis)


@implements(np.rot90)
def _rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    first, second = normal_axes(tuple(axes), m.ndim)
    k %= 4
    if k == 0:
        return np.copy(m)
    if k == 2:
        return np.flip(m, (first, second))
    if k == 1:
        return np.swapaxes(np.flip(m, second), first, second)
    return np.flip(np.swapaxes(m, first, second), second)


copy = Primitive(
    "np.copy",
    lambda x: np.array(x, copy=True),
    vjp=[lambda g, y, x: g],
    reads=[""],
    kind="linear",
    batch=as_it_is,
)
OPS[np.copy] = lambda a, order="K", subok=False: copy(a)
OPS[np.ascontiguousarray] = lambda a, dtype=None, *, like=None: copy(a) if dtype is None else a.astype(dtype)

astype = Primitive(
    "astype",
    lambda x, dtype: x.astype(dtype),
    vjp=[lambda g, y, x, dtype: g],  # the engine gives a gradient its input's dtype
    reads=[""],
    kind="linear",
    batch=as_it_is,
)


@implements("astype", np.astype)
def _astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    dtype = np.dtype(dtype)
    if dtype.kind in "iub":
        return astype(x._data, dtype=dtype)
    if dtype.kind not in "fc":
        raise DtypeError(f"a Variable holds numbers; it cannot become {dtype}{called_at()}")
    if x.dtype.kind == "c" and dtype.kind == "f":
        raise DtypeError(
            f"a complex Variable to a real type would lose a part{called_at()}\n"
            "  → np.real(v), np.imag(v) or np.abs(v)"
        )
    return astype(x, dtype=dtype)


# --- repeating, padding, choosing ----------------------------------------------------------------


def _repeat_rule(g: Any, y: Any, x: Any, repeats: Any, axis: int) -> Any:
    if np.ndim(repeats) == 0 or len(repeats) == 1:
        count = int(np.reshape(repeats, -1)[0])
        shape = (*x.shape[: axis + 1], count, *x.shape[axis + 1 :])
        return np.sum(np.reshape(g, shape), axis=axis + 1)
    source = np.repeat(np.arange(x.shape[axis]), repeats)
    scattered = PRIMITIVES["scatter"]
    return scattered(g, index=(slice(None),) * axis + (source,), shape=x.shape)


repeat = Primitive(
    "np.repeat",
    lambda x, repeats, axis: np.repeat(x, repeats, axis),
    vjp=[_repeat_rule],
    reads=[""],
    kind="linear",
    batch=lambda op, batched, x, repeats, axis: op(x, repeats=repeats, axis=axis + 1),
)


@implements(np.repeat)
def _repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    repeats = frozen(repeats)
    if axis is None:
        return repeat(np.ravel(a), repeats=repeats, axis=0)
    return repeat(a, repeats=repeats, axis=normal_axes(axis, a.ndim)[0])


@implements(np.tile)
def _tile(A: Any, reps: Any) -> Any:
    reps = tuple(reps) if np.ndim(reps) else (reps,)
    lengths = (1,) * (len(reps) - A.ndim) + A.shape
    reps = (1,) * (len(lengths) - len(reps)) + tuple(int(r) for r in reps)
    # (n0, n1) -> (1, n0, 1, n1) -> (r0, n0, r1, n1) -> (r0 n0, r1 n1)
    apart = tuple(n for length in lengths for n in (1, length))
    wide = tuple(n for pair in zip(reps, lengths, strict=True) for n in pair)
    whole = tuple(r * n for r, n in zip(reps, lengths, strict=True))
    return np.reshape(np.broadcast_to(np.reshape(A, apart), wide), whole)


pad_zeros = Primitive(
    "np.pad",
    lambda x, width: np.pad(x, width),
    vjp=[lambda g, y, x, width: g[tuple(slice(a, n - b) for (a, b), n in zip(width, g.shape, strict=True))]],
    reads=[""],
    kind="linear",
    batch=lambda op, batched, x, width: op(x, width=((0, 0), *width)),
)


@implements(np.pad)
def _pad(array: Any, pad_width: Any, mode: Any = "constant", **keywords: Any) -> Any:
    if isinstance(pad_width, dict):
        pad_width = [pad_width.get(i, pad_width.get(i - array.ndim, (0, 0))) for i in range(array.ndim)]
        pad_width = [w if isinstance(w, (tuple, list)) else (w, w) for w in pad_width]
    width = tuple((int(a), int(b)) for a, b in np.broadcast_to(as_array(pad_width), (array.ndim, 2)))
    if mode == "constant":
        padded = pad_zeros(array, width=width)
        values = keywords.pop("constant_values", 0)
        if isinstance(values, Variable):
            raise NoGradientError(
                f"np.pad(constant_values=v) has no gradient in whence{called_at()}\n"
                "  → np.concatenate with v broadcast, or v.data for a constant"
            )
        if keywords:
            raise misfit(f"unsupported keyword arguments for mode 'constant': {set(keywords)}")
        if np.all(np.equal(values, 0)):
            return padded
        frame = np.pad(np.zeros(array.shape, array.dtype), width, constant_values=values)
        return padded + frame
    for axis, ends in enumerate(width):
        if ends != (0, 0):
            array = _pad_axis(array, axis, ends, mode, keywords)
    return array


def _pad_axis(array: Any, axis: int, ends: tuple[int, int], mode: Any, keywords: dict[str, Any]) -> Any:
    """One axis padded with what stands in it: copied, or mixed linearly."""
    n = array.shape[axis]
    if mode in ("edge", "reflect", "symmetric", "wrap") and keywords.get("reflect_type") != "odd":
        return np.take(array, np.pad(np.arange(n), ends, mode=mode, **keywords), axis=axis)
    if mode in ("mean", "linear_ramp", "reflect", "symmetric"):
        if keywords.get("end_values", 0) != 0:
            raise NoGradientError(
                f"np.pad(end_values=) other than 0 has no gradient in whence{called_at()}\n"
                "  → np.concatenate with np.linspace"
            )
        weights = np.pad(np.eye(n), (ends, (0, 0)), mode=mode, **keywords)  # (before + n + after, n)
        mixed = np.tensordot(weights.astype(array.dtype), array, axes=(1, axis))
        return np.moveaxis(mixed, 0, axis)
    if mode in ("maximum", "minimum") and keywords.get("stat_length") is None:
        best = np.max if mode == "maximum" else np.min
        most = best(array, axis=axis, keepdims=True)
        before, after = (
            np.broadcast_to(most, (*array.shape[:axis], k, *array.shape[axis + 1 :])) for k in ends
        )
        return np.concatenate([before, array, after], axis=axis)
    raise NoGradientError(
        f"np.pad(mode={mode!r}) with {keywords or 'no keywords'} has no gradient in whence{called_at()}\n"
        "  → modes constant, edge, reflect, symmetric, wrap, linear_ramp, mean, maximum and minimum have"
    )


where = Primitive(
    "np.where",
    lambda condition, a, b: np.where(condition, a, b),
    vjp=[
        lambda g, y, c, a, b: None,
        lambda g, y, c, a, b: np.where(c, wary(g), np.zeros((), g.dtype)),
        lambda g, y, c, a, b: np.where(c, np.zeros((), g.dtype), wary(g)),
    ],
    reads=["", "0", "0"],
    batch=pointwise,
)


@implements(np.where)
def _where(condition: Any, x: Any = None, y: Any = None, /) -> Any:
    condition = condition._data if isinstance(condition, Variable) else as_array(condition)
    if x is None or y is None:
        if x is not y:
            raise misfit("either both or neither of x and y should be given")
        return np.nonzero(condition)
    return where(condition, x, y)


@implements(np.clip)
def _clip(
    a: Any,
    a_min: Any = None,
    a_max: Any = None,
    out: Any = None,
    *,
    min: Any = np._NoValue,
    max: Any = np._NoValue,
) -> Any:
    no_out("np.clip", out)
    low = a_min if min is np._NoValue else min
    high = a_max if max is np._NoValue else max
    return clip(a, low, high)


def _clip_inner(g: Any, y: Any, x: Any, low: Any, high: Any) -> Any:
    inside = np.ones(np.shape(x), bool)
    if low is not None:
        inside = inside & np.greater_equal(x, low)
    if high is not None:
        inside = inside & np.less_equal(x, high)
    return wary(g) * inside


clip = Primitive(
    "np.clip",
    lambda x, low, high: np.clip(x, low, high),
    vjp=[
        _clip_inner,
        lambda g, y, x, low, high: (
            g * (np.less(x, low) if high is None else np.less(x, low) & ~np.less(high, low))
        ),
        lambda g, y, x, low, high: (
            g * (np.greater(x, high) if low is None else np.greater(x, high) | np.less(high, low))
        ),
    ],
    reads=["012", "012", "012"],
    batch=pointwise,
    chooses=True,
)
