"""Batched: the value of each example of a batch, which behaves as the value of one.

``vmap`` runs its function once, on such values. Each holds one *physical* array (or Variable) whose
first axis counts the examples; its ``shape`` is that of one example. An op that meets one applies its
batching rule to the physical values: so what is recorded is an ordinary graph of whole batches, and
derivatives know nothing of batches. Nested batches are Batched values inside Batched values, the
innermost ``vmap`` (the highest ``level``) outside.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, NoReturn

import numpy as np

from ..config import at_levels, levels, mode
from ..errors import BatchingError, BatchingWarning, GraphError, ShapeError, WhenceError
from ..tree import Structure, flatten
from .array import Array, _no_op
from .graph import next_generation
from .origin import called_at, user_frame
from .sweep import sweep
from .table import BATCHING, OF_TYPES, OPS, PLAIN, name_of
from .variable import Variable, constant

ndarray = np.ndarray
_NUMERIC = frozenset("fciub")

#: NumPy's functions whose ops are running just now on batched values, outermost first.
_COMPOSED: ContextVar[tuple[Any, ...]] = ContextVar("whence composed", default=())


class Refused(BatchingError):
    """Of a function whose results differ in shape from example to example: no loop would help."""


class Batched(Variable):
    """A value inside ``vmap``: one for each example of the batch.

    Attributes:
        physical: all examples, along the first axis: an array, a Variable, or a Batched value of a
            lower level.
        level: which ``vmap`` it belongs to.
        given: an argument, which may be written to though it is a view.
    """

    __slots__ = ("given", "level", "physical")
    __hash__ = object.__hash__

    physical: Any
    level: int
    given: bool

    @property
    def _data(self) -> Any:
        """The bare values, batched as they are."""
        bare = self.physical._data if isinstance(self.physical, Variable) else self.physical
        return self if bare is self.physical else wrap(bare, self.level)

    @property
    def data(self) -> Any:  # type: ignore[override]
        """The bare values, still one for each example."""
        return self._data

    @property
    def edge(self) -> None:
        """None: it is the physical value that remembers where it came from."""
        return None

    @property
    def name(self) -> str | None:
        """The name of the physical value."""
        return getattr(self.physical, "name", None)

    @name.setter
    def name(self, name: str | None) -> None:
        if isinstance(self.physical, Variable):
            self.physical.name = name

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes of one example."""
        return self.physical.shape[1:]

    @property
    def ndim(self) -> int:
        """Number of axes of one example."""
        return self.physical.ndim - 1

    @property
    def size(self) -> int:
        """Number of elements of one example."""
        return math.prod(self.physical.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        return self.physical.dtype

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.physical.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of one example."""
        return self.size * self.itemsize

    @property
    def flags(self) -> Any:
        """How one example lies in memory."""
        return self._example().flags

    @property
    def strides(self) -> tuple[int, ...]:
        """How one example lies in memory."""
        return self._example().strides

    def _example(self) -> Any:
        depth, data = 0, self
        while type(data) is Batched:
            depth, data = depth + 1, data.physical
        data = data._data if isinstance(data, Variable) else data
        if 0 in data.shape[:depth]:
            return np.empty(self.shape, self.dtype)
        return data[(0,) * depth + (...,)]

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("len() of a Variable with no axes")
        return self.shape[0]

    def __repr__(self) -> str:
        return (
            f"Batched(shape={self.shape}, dtype={self.dtype}, for each of {self.physical.shape[0]} examples)"
        )

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    # --- what would need one value for all examples ----------------------------------------------

    def _refuse(self, what: str, remedy: str) -> NoReturn:
        raise BatchingError(
            f"{what} of a value that differs from example to example (inside vmap){called_at()}\n"
            f"  it has shape {self.shape} for each of {self.physical.shape[0]} examples\n  → {remedy}"
        )

    def __bool__(self) -> bool:
        self._refuse(
            "if, while, and, or not", "np.where(condition, a, b) computes both branches and chooses for each"
        )

    def __float__(self) -> float:
        self._refuse("float()", "np.exp(v) instead of math.exp(v); np.where instead of if")

    def __complex__(self) -> complex:
        self._refuse("complex()", "np.exp(v) instead of cmath.exp(v); np.where instead of if")

    def __int__(self) -> int:
        self._refuse("int()", "v.astype(int) keeps one for each example; np.where instead of if")

    def __index__(self) -> int:
        self._refuse(
            "an index or a length made", "x[v] with x a Variable or np.take(x, v); in_axes=None for it"
        )

    def item(self, *args: Any) -> Any:
        """Refused: there is one for each example."""
        self._refuse("item()", "work with the value itself; np.where instead of if")

    def tolist(self) -> Any:
        """Refused: there is one for each example."""
        self._refuse("tolist()", "return the value from the function")

    def nonzero(self) -> Any:
        """Refused: how many there are differs from example to example."""
        return np.nonzero(self)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        self._refuse(
            "a plain array made",
            "np.stack([...]) instead of np.array([...]); np.take(x, v) instead of x[v] of a plain array; "
            "np.zeros_like(v) to write into",
        )

    def backward(self, *args: Any, **keywords: Any) -> NoReturn:
        """Refused: use ``whence.grad`` inside ``vmap``."""
        self._refuse("backward()", "whence.grad(f)(x), or backward() of what vmap returns")

    def assign(self, value: Any) -> NoReturn:
        """Refused: parameters are updated outside ``vmap``."""
        self._refuse("assign()", "v[...] = value, or assign outside vmap")

    def detach(self) -> Any:
        """The same values, as constants."""
        return np.copy(self._data)

    def __setitem__(self, index: Any, value: Any) -> None:
        data = self.physical
        while isinstance(data, Variable):
            data = data.physical if type(data) is Batched else data._data
        if data.base is not None and not self.given:
            raise GraphError(
                f"this value is a view; writing into it would not reach the one behind it{called_at()}\n"
                "  → index once (v[0, 1] = x instead of v[0][1] = x), or write to a copy: w = v[0].copy()"
            )
        after = OPS["setitem"](self, value, index)
        if after.level != self.level:
            raise BatchingError(
                f"a value that differs within an inner vmap cannot be written into one that belongs to "
                f"the outer{called_at()}\n  → make the array inside: w = np.copy(v) + 0 * value"
            )
        self.physical = after.physical

    # --- NumPy's protocols -----------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if ufunc not in PLAIN:
            function = ufunc if method == "__call__" else getattr(ufunc, method)
            op = functools.partial(super().__array_ufunc__, ufunc, method)
            return _through(op, (ufunc, method), function, inputs, kwargs)
        if method == "__call__":
            return applied(ufunc, pointwise if not kwargs else None, inputs, kwargs)
        return applied(getattr(ufunc, method), None, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        rule = BATCHING.get(function)
        if rule is None:
            if function in OF_TYPES:
                leaves, structure = flatten((args, kwargs))
                args, kwargs = structure.unflatten([_one_like(x) for x in leaves])
                return function(*args, **kwargs)
            op = OPS.get(function)
            if op is not None:
                return _through(op, function, function, args, kwargs)
            if function not in PLAIN and mode().recording:
                return _no_op(function, args, kwargs)
        return applied(function, rule, args, kwargs)

    # --- comparisons and bits: plain, one for each example -----------------------------------------

    def __lt__(self, other: Any) -> Any:
        return np.less(self, other)

    def __le__(self, other: Any) -> Any:
        return np.less_equal(self, other)

    def __gt__(self, other: Any) -> Any:
        return np.greater(self, other)

    def __ge__(self, other: Any) -> Any:
        return np.greater_equal(self, other)

    def __eq__(self, other: Any) -> Any:
        return np.equal(self, other)

    def __ne__(self, other: Any) -> Any:
        return np.not_equal(self, other)

    def __and__(self, other: Any) -> Any:
        return np.bitwise_and(self, other)

    def __or__(self, other: Any) -> Any:
        return np.bitwise_or(self, other)

    def __xor__(self, other: Any) -> Any:
        return np.bitwise_xor(self, other)

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __lshift__(self, other: Any) -> Any:
        return np.left_shift(self, other)

    def __rshift__(self, other: Any) -> Any:
        return np.right_shift(self, other)

    def __rlshift__(self, other: Any) -> Any:
        return np.left_shift(other, self)

    def __rrshift__(self, other: Any) -> Any:
        return np.right_shift(other, self)

    def __invert__(self) -> Any:
        return np.invert(self)

    def __contains__(self, value: Any) -> bool:
        return bool(np.any(np.equal(self, value)))

    def argmax(self, axis: Any = None, **keywords: Any) -> Any:
        """Where the largest element is."""
        return np.argmax(self, axis, **keywords)

    def argmin(self, axis: Any = None, **keywords: Any) -> Any:
        """Where the smallest element is."""
        return np.argmin(self, axis, **keywords)

    def argsort(self, axis: Any = -1, **keywords: Any) -> Any:
        """The order that sorts."""
        return np.argsort(self, axis, **keywords)

    def any(self, axis: Any = None, **keywords: Any) -> Any:
        """Is any element true?"""
        return np.any(self, axis, **keywords)

    def all(self, axis: Any = None, **keywords: Any) -> Any:
        """Are all elements true?"""
        return np.all(self, axis, **keywords)


def wrap(physical: Any, level: int) -> Batched:
    """The batched value whose examples lie along the first axis of ``physical``."""
    v = object.__new__(Batched)
    v.physical, v.level, v.given, v.grad = physical, level, False, None
    return v


def physical(x: Any, where: Sequence[Any]) -> Any:
    """``x`` with an axis in front for each of these levels (outermost first), repeated along it if need be.

    Values of a level that is not among them (a cotangent that an inner ``vmap`` runs over) stay
    batched over it.
    """
    if not where:
        return x
    if type(x) is Batched and x.level > where[-1].number:
        inner = physical(x.physical, where)  # (levels..., examples, ...)
        return wrap(np.moveaxis(inner, len(where), 0), x.level)
    *lower, last = where
    if type(x) is Batched and x.level == last.number:
        return physical(x.physical, lower)
    return physical(np.broadcast_to(x, (last.size, *np.shape(x))), lower)


def logical(x: Any, where: Sequence[Any]) -> Any:
    """The reverse of ``physical``: the axes in front belong to these levels."""
    if where and type(x) is Batched:  # of a higher level, which stays outside
        return wrap(logical(np.moveaxis(x.physical, 0, len(where)), where), x.level)
    for number, _ in where:
        x = wrap(x, number)
    return x


def peeled(x: Any) -> tuple[Any, tuple[int, ...]]:
    """The array or Variable inside a batched value, and the levels around it, innermost array first."""
    numbers: list[int] = []
    while type(x) is Batched:
        numbers.insert(0, x.level)
        x = x.physical
    return x, tuple(numbers)


def covered(x: Any, numbers: Sequence[int]) -> Any:
    """The reverse of ``peeled``."""
    for number in numbers:
        x = wrap(x, number)
    return x


def is_plain(x: Any) -> bool:
    """Is nothing recorded about ``x``: an array, or a batch of them?"""
    while type(x) is Batched:
        x = x.physical
    return not isinstance(x, Variable)


def holds_batched(parts: Any) -> bool:
    """Is one of these values batched?"""
    return any(type(part) is Batched for part in parts)


# --- applying ops --------------------------------------------------------------------------------


def apply_batched(primitive: Any, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """A primitive on operands of which some are batched: by its rule, or example by example."""
    level = max([a.level for a in args if type(a) is Batched])
    batched = tuple([type(a) is Batched and a.level == level for a in args])
    rule = primitive.batch
    if rule is None:
        return _looped(primitive.apply, primitive.name, level, args, params)
    xs = [a.physical if mine else a for a, mine in zip(args, batched, strict=True)]
    try:
        y = rule(primitive.apply, batched, *xs, **params)
    except WhenceError as error:
        if not isinstance(error, BatchingError):
            shapes = ", ".join(str(np.shape(a)) for a in args)
            error.add_note(f"  inside vmap: for each example {primitive.name} has operands of shape {shapes}")
        raise
    if y is NotImplemented:
        return _looped(primitive.apply, primitive.name, level, args, params)
    return tuple([wrap(part, level) for part in y]) if isinstance(y, tuple) else wrap(y, level)


def applied(function: Any, rule: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """A plain function on arguments of which some are batched."""
    leaves, _ = flatten((args, kwargs))
    level = max(x.level for x in leaves if type(x) is Batched)
    if rule is not None and not holds_batched(flatten(kwargs)[0]):
        batched = tuple([type(a) is Batched and a.level == level for a in args])
        if not holds_batched(x for a in args if not isinstance(a, Batched) for x in flatten(a)[0]):
            xs = [_bare(a).physical if mine else a for a, mine in zip(args, batched, strict=True)]
            y = rule(function, batched, *xs, **kwargs)
            if y is not NotImplemented:
                return wrap(y, level)
    return _looped(function, name_of(function), level, args, kwargs, bare=True)


def _through(op: Callable[..., Any], key: Any, function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """A function by the ops that it is composed of; if its text reads values, for each example.

    The text may read them by a test (of convergence, of a rank), which raises ``BatchingError``, or by
    the same function of their bare values, which comes back here.
    """
    running = _COMPOSED.get()
    found = [x for x in flatten((args, kwargs))[0] if type(x) is Batched]
    if key in running and all(is_plain(x) for x in found):
        return _looped(function, name_of(function), max(x.level for x in found), args, kwargs)
    token = _COMPOSED.set((*running, key))
    try:
        return op(*args, **kwargs)
    except BatchingError as error:
        if isinstance(error, Refused) or not found or found[0].physical.shape[0] == 0:
            raise
    finally:
        _COMPOSED.reset(token)
    return _looped(function, name_of(function), max(x.level for x in found), args, kwargs)


def composing() -> bool:
    """Is the text of a NumPy function running just now, on batched values?"""
    return bool(_COMPOSED.get())


def plainly(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """A NumPy function on bare values; where one of them is batched, on each example."""
    leaves, structure = flatten((args, kwargs))
    leaves = [_bare(x) for x in leaves]
    found = [x.level for x in leaves if type(x) is Batched]
    args, kwargs = structure.unflatten(leaves)
    if found:
        return _looped(function, name_of(function), max(found), args, kwargs)
    return function(*args, **kwargs)


def _bare(x: Any) -> Any:
    return x._data if isinstance(x, Array) else x


def _one_like(x: Any) -> Any:
    return np.zeros(x.shape, x.dtype) if isinstance(x, Batched) else _bare(x)


def pointwise(op: Callable[..., Any], batched: tuple[bool, ...], *xs: Any, **params: Any) -> Any:
    """The batching rule of ops that broadcast their operands: the axes of an example line up."""
    return op(*aligned(batched, xs), **params)


def aligned(batched: Sequence[bool], xs: Sequence[Any], core: Sequence[int] | None = None) -> list[Any]:
    """Physical operands, the axes of an example lined up from the right.

    Batched ones get axes of length one behind the first. The last ``core`` axes of each operand are
    left out of account.
    """
    cores = [0] * len(xs) if core is None else core
    ndims = [np.ndim(x) - mine - inner for x, mine, inner in zip(xs, batched, cores, strict=True)]
    widest = max(ndims)
    return [
        np.expand_dims(x, tuple(range(1, 1 + widest - ndim))) if mine and ndim < widest else x
        for x, mine, ndim in zip(xs, batched, ndims, strict=True)
    ]


# --- example by example --------------------------------------------------------------------------


def _looped(
    call: Callable[..., Any], name: str, level: int, args: Any, kwargs: dict[str, Any], bare: bool = False
) -> Any:
    """``call`` for each example, its results put together again; with a note to the user."""
    return stacked(called_on_rows(call, name, level, args, kwargs, bare), name, level)


def called_on_rows(
    call: Callable[..., Any], name: str, level: int, args: Any, kwargs: dict[str, Any], bare: bool = False
) -> list[Any]:
    """The results of ``call`` for each example; meanwhile its ``vmap`` is not running."""
    if any(running.number == level for running in levels()):
        _note(name)
    leaves, structure = flatten((args, kwargs))
    if bare:
        leaves = [_bare(x) for x in leaves]
    mine = [type(x) is Batched and x.level == level for x in leaves]
    (size, *_) = [x.physical.shape[0] for x, m in zip(leaves, mine, strict=True) if m]
    results = []
    with at_levels(tuple(running for running in levels() if running.number != level)):
        for i in range(size):
            some = structure.unflatten([x.physical[i] if m else x for x, m in zip(leaves, mine, strict=True)])
            results.append(call(*some[0], **some[1]))
    return results


def looped(call: Callable[..., Any], name: str, args: tuple[Any, ...]) -> Any:
    """``call`` for each example of the innermost batch among ``args``."""
    return _looped(call, name, max(x.level for x in flatten(args)[0] if type(x) is Batched), args, {})


def _note(name: str) -> None:
    frame = user_frame(2)
    warnings.warn_explicit(
        f"vmap calls {name} once for each example: it has no rule for whole batches",
        BatchingWarning,
        frame.f_code.co_filename,
        frame.f_lineno,
        registry=frame.f_globals.setdefault("__warningregistry__", {}),
    )


def stacked(results: list[Any], name: str, level: int) -> Any:
    """The results for all examples as one batched result (in their containers)."""
    if not results:
        raise ShapeError(
            f"{name} has no rule for whole batches, and this batch is empty{called_at()}\n"
            "  → leave out the call where there are no examples"
        )
    rows: list[tuple[list[Any], Structure]] = [flatten(result) for result in results]
    columns = zip(*(leaves for leaves, _ in rows), strict=True)
    structure = rows[0][1]
    parts = [None if all(x is None for x in column) else _together(column, name) for column in columns]
    return structure.unflatten([None if part is None else wrap(part, level) for part in parts])


def _together(column: tuple[Any, ...], name: str) -> Any:
    """One array of the results, the examples along its first axis."""
    shapes = {np.shape(x) for x in column}
    if len(shapes) > 1:
        raise BatchingError(
            f"{name} gives results of different shapes from example to example (inside vmap): "
            f"{', '.join(map(str, sorted(shapes)))}{called_at()}\n  → np.where(mask, v, 0) keeps the shape"
        )
    if any(isinstance(x, Variable) for x in column):
        return np.stack(column)
    together = np.stack(column)
    if together.dtype.kind not in _NUMERIC:
        raise BatchingError(
            f"{name} of a value that differs from example to example (inside vmap) gives no "
            f"numbers{called_at()}"
        )
    return together


def pull_rows(
    pull: Callable[[Any, bool, Any], list[Any]], g: Any, record: bool, wanted: Any, name: str
) -> list[Any]:
    """What ``pull`` makes of a batched cotangent, one example at a time.

    ``g`` is one cotangent, or a list of them for several outputs.
    """
    parts = g if isinstance(g, list) else [g]
    level = max(part.level for part in parts if type(part) is Batched)
    mine = [type(part) is Batched and part.level == level for part in parts]
    (size, *_) = [part.physical.shape[0] for part, m in zip(parts, mine, strict=True) if m]
    rows = []
    for i in range(size):
        row = [part.physical[i] if m else part for part, m in zip(parts, mine, strict=True)]
        if record:
            row = [x if x is None or isinstance(x, Variable) else constant(x) for x in row]
        rows.append(pull(row if isinstance(g, list) else row[0], record, wanted))
    if not rows:
        raise ShapeError(f"{name}: no cotangents to pull back{called_at()}")
    columns = zip(*rows, strict=True)
    return [None if all(x is None for x in column) else _column(list(column), level) for column in columns]


def new_level() -> int:
    """A number higher than that of any level before."""
    return next_generation()


def _sweep_by_rows(seeds: Any, **how: Any) -> tuple[dict[Any, Any], bool]:
    """What many sweeps in one would have found, by one sweep for each: where NaNs have to be explained."""
    level = max(g.level for _, g in seeds if type(g) is Batched)
    mine = [type(g) is Batched and g.level == level for _, g in seeds]
    (size, *_) = [g.physical.shape[0] for (_, g), m in zip(seeds, mine, strict=True) if m]
    rows: list[dict[Any, Any]] = []
    foreign = False
    for i in range(size):
        row = [(edge, g.physical[i] if m else g) for (edge, g), m in zip(seeds, mine, strict=True)]
        if how["record"]:
            row = [(edge, g if isinstance(g, Variable) else constant(g)) for edge, g in row]
        found, others = sweep(row, batched=holds_batched(g for _, g in row), **how)
        rows.append(found)
        foreign = foreign or others
    together = {
        edge: [found.get(edge) for found in rows] for edge in dict.fromkeys(e for r in rows for e in r)
    }
    return {edge: _column(column, level) for edge, column in together.items()}, foreign


def _column(column: list[Any], level: int) -> Any:
    """The cotangents of one edge (of several outputs: a list of them), for all rows."""
    some = next(x for x in column if x is not None)
    if isinstance(some, list):
        parts = zip(*[x if x is not None else [None] * len(some) for x in column], strict=True)
        return [None if all(x is None for x in part) else _column(list(part), level) for part in parts]
    full = tuple([np.zeros_like(_bare(some)) if x is None else x for x in column])
    return wrap(_together(full, "a sweep"), level)


OPS["sweep by rows"] = _sweep_by_rows
