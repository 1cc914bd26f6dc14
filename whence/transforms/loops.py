"""Loops and branches that values decide about: scan, while_loop, cond.

Eagerly they are what Python's own ``for``, ``while`` and ``if`` are: ordinary ops in turn, so every
transform goes through. While ``compile`` records a program, each becomes one call in it, whatever its length.
Inside ``vmap`` a choice is made for each example.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..config import Level, at_levels, levels, mode
from ..core.batched import Batched, logical, physical, wrap
from ..core.origin import called_at
from ..core.variable import Variable, as_data
from ..errors import DtypeError, ShapeError
from ..tree import Structure, TreeError, flatten

Flat = Callable[..., Any]  # of lists of leaves


def scan(
    step: Callable[..., Any], init: Any, xs: Any = None, length: int | None = None, reverse: bool = False
) -> tuple[Any, Any]:
    """A loop that carries a state along an axis: ``carry, ys[i] = step(carry, xs[i])`` for each ``i``.

    In reverse mode the gradient runs the same steps backward. A compiled loop keeps the carry of each
    step and computes the inside of a step again when its gradient is wanted (Griewank and Walther,
    *Evaluating Derivatives*, 2008, chapter 12).

    Args:
        step: ``step(carry, x) -> (carry, y)``. It must change nothing outside.
        init: the first carry, an array or a container of arrays. Numbers become float64 and int64.
        xs: an array or a container of arrays of shape ``(length, ...)``; ``step`` gets ``xs[i]``.
            None: it gets None.
        length: how many steps, where ``xs`` does not tell.
        reverse: from the last element to the first; ``ys[i]`` still belongs to ``xs[i]``.

    Returns:
        The last carry, and the results ``y`` of all steps stacked along a new first axis (None for None).

    Raises:
        ShapeError: ``xs`` of different lengths; a carry that changes its shape.
        DtypeError: a carry that changes its type. TreeError: one that changes its structure.

    Example:
        >>> import numpy as np, whence
        >>> def growth(balance, rate):
        ...     balance = balance * (1 + rate)
        ...     return balance, balance
        >>> last, balances = whence.scan(growth, 100.0, np.array([0.1, 0.2]))
        >>> print(np.round(balances, 9))
        [110. 132.]
        >>> print(whence.grad(lambda r: whence.scan(growth, 100.0, r)[0])(np.array([0.1, 0.2])))
        [120. 110.]
    """
    carry, structure = _opened(init)
    columns, of_xs = flatten(xs)
    count = _length(columns, length)
    body = _Step(step, structure, of_xs, [c is None for c in columns], carry)
    given = [c if isinstance(c, Variable) else as_data(c) for c in columns if c is not None]
    tracer = mode().tracer
    if not count:
        with np.errstate(all="ignore"):
            _, found = body(carry, [np.zeros(np.shape(c)[1:], c.dtype)[()] for c in given])
        ys = [np.zeros((0, *np.shape(y)), y.dtype) for y in found]
    elif tracer is None:
        carry, ys = _in_turn(body, carry, given, count, reverse)
    elif levels():
        carry, ys = _scan_of_batches(tracer, body, carry, given, count, reverse, levels())
    else:
        carry, ys = tracer.control.scan(tracer, body, carry, given, count, reverse)
    return structure.unflatten(carry), body.results(ys)


def while_loop(condition: Callable[..., Any], body: Callable[..., Any], init: Any) -> Any:
    """``carry = body(carry)`` as long as ``condition(carry)`` is true; the last carry.

    It differentiates in reverse mode as well as forward: the steps that were made are run backward.
    Inside ``vmap`` the loop goes on until all examples are done; those that are do not change any more.

    Args:
        condition: of the carry, one boolean.
        body: ``body(carry) -> carry``, of the same structure, shapes and types. It must change nothing
            outside.
        init: the first carry, an array or a container of arrays. Numbers become float64 and int64.

    Returns:
        The first carry for which ``condition`` is false. A loop without end is left by Ctrl-C.

    Raises:
        DtypeError: the condition is no boolean, or the carry changes its type. ShapeError: the condition
            is more than one, or the carry changes its shape. TreeError: it changes its structure.

    Example:
        >>> import whence
        >>> def root(a):                                     # Heron's rule, until it is good enough
        ...     return whence.while_loop(lambda x: abs(x * x - a) > 1e-12, lambda x: (x + a / x) / 2, a)
        >>> print(round(root(2.0), 12), round(whence.grad(root)(2.0), 9))
        1.414213562373 0.353553391
    """
    carry, structure = _opened(init)

    def proceed(xs: Sequence[Any]) -> Any:
        return _truth(condition(structure.unflatten(xs)), "while_loop: the condition")

    def step(xs: Sequence[Any]) -> list[Any]:
        return _carried(body(structure.unflatten(xs)), structure, xs, "while_loop: the body")

    running = levels()
    if running:
        carry = _while_of_batches(proceed, step, carry, running)
    elif mode().tracer is not None:
        carry = mode().tracer.control.while_loop(mode().tracer, proceed, step, carry)
    else:
        while bool(_plain(proceed(carry))):
            carry = step(carry)
    return structure.unflatten(carry)


def cond(predicate: Any, true: Callable[..., Any], false: Callable[..., Any], *operands: Any) -> Any:
    """``true(*operands)`` where ``predicate`` is true, else ``false(*operands)``.

    Only the branch that is taken runs, and only it is differentiated. Inside ``vmap``, where examples may
    differ, both run and each example takes its own; nothing of the other reaches its gradient, not even a
    NaN.

    Args:
        predicate: one boolean.
        true, false: functions of the operands (and of what they close over), whose results have the same
            structure, shapes and types. They must change nothing outside.
        operands: anything.

    Returns:
        What the branch returns.

    Raises:
        DtypeError: the predicate is no boolean. ShapeError: it is more than one. While compiling and inside
            ``vmap`` also DtypeError, ShapeError, TreeError: the results of the branches differ.

    Example:
        >>> import numpy as np, whence
        >>> def safe_log(x):
        ...     return whence.cond(x > 0, np.log, lambda x: 0 * x, x)
        >>> print(whence.grad(safe_log)(4.0), whence.vmap(whence.grad(safe_log))(np.array([4.0, 0.0])))
        0.25 [0.25 0.  ]
    """
    chosen = _truth(predicate, "cond: the predicate")
    branches = [_Branch(true, operands), _Branch(false, operands)]
    tracer = mode().tracer
    if type(chosen) is Batched or (tracer is not None and levels() and not _is_known(chosen)):
        with np.errstate(all="ignore"):  # of examples that do not take the branch
            results = [
                branch.of_its_own(chosen, which)
                for branch, which in zip(branches, (True, False), strict=True)
            ]
        _alike(branches, results)
        ys = [_selected(chosen, a, b) for a, b in zip(*results, strict=True)]
    elif tracer is None or _is_known(chosen):
        return (true if bool(_plain(chosen)) else false)(*operands)
    else:
        ys = tracer.control.cond(tracer, chosen, *branches, functools.partial(_alike, branches))
    return branches[0].structure.unflatten(ys)


# --- carries and results ---------------------------------------------------------------------------


def _opened(init: Any) -> tuple[list[Any], Structure]:
    """The leaves of a first carry, as arrays."""
    leaves, structure = flatten(init)
    return [x if isinstance(x, Variable) else as_data(x) for x in leaves], structure


def _plain(x: Any) -> Any:
    return x._data if isinstance(x, Variable) else x


def _is_known(x: Any) -> bool:
    return isinstance(x, (bool, np.ndarray, np.generic))


def _truth(value: Any, what: str) -> Any:
    """One boolean, bare."""
    value = _plain(value)
    shape, dtype = np.shape(value), getattr(value, "dtype", None)
    if not (isinstance(value, bool) or dtype == np.bool_):
        kind = type(value).__name__ if dtype is None else dtype
        raise DtypeError(f"{what} is a boolean, not {kind}{called_at()}\n  → x > 0, np.any(x), n != 0")
    if shape != ():
        raise ShapeError(
            f"{what} is one boolean, not {shape} of them{called_at()}\n"
            "  → np.any(...) or np.all(...); np.where chooses element by element"
        )
    return value


def _carried(tree: Any, structure: Structure, before: Sequence[Any], what: str) -> list[Any]:
    """The leaves of a new carry, which must be like the one before."""
    leaves, found = flatten(tree)
    if found != structure:
        raise TreeError(
            f"{what} returns a carry of another structure than it was given{called_at()}\n"
            f"  given     {_drawn(structure)}\n  returned  {_drawn(found)}"
        )
    return [_as_before(x, old, what) for x, old in zip(leaves, before, strict=True)]


def _as_before(x: Any, old: Any, what: str) -> Any:
    if type(x) in (int, float, complex) and np.result_type(x, old.dtype) == old.dtype:
        x = old.dtype.type(x)  # a Python number takes the type of what it meets
    x = x if isinstance(x, Variable) else as_data(x)
    if np.shape(x) != np.shape(old):
        raise ShapeError(
            f"{what} makes a carry of shape {np.shape(x)} from one of shape {np.shape(old)}{called_at()}\n"
            "  → all steps have the same shapes; begin with an array of the final shape"
        )
    if x.dtype != old.dtype:
        raise DtypeError(
            f"{what} makes a carry of {x.dtype} from one of {old.dtype}{called_at()}\n"
            f"  → begin with {x.dtype}, or return carry.astype({old.dtype.name!r})"
        )
    return x


def _drawn(structure: Structure) -> str:
    return repr(structure.unflatten(["*"] * structure.leaves)).replace("'*'", "*")


def _length(columns: Sequence[Any], length: int | None) -> int:
    shapes = [np.shape(c) for c in columns if c is not None]
    if any(not shape for shape in shapes):
        raise ShapeError(
            f"scan: xs holds a number, which has no axis to go along{called_at()}\n"
            "  → close over it, or put it into the carry"
        )
    counts = {shape[0] for shape in shapes} | (set() if length is None else {length})
    if not counts:
        raise ShapeError(f"scan: how many steps?{called_at()}\n  → length=n where there are no xs")
    if len(counts) > 1:
        raise ShapeError(f"scan: different numbers of steps, {sorted(counts)}{called_at()}")
    return counts.pop()


class _Step:
    """The step of a scan, from leaves to leaves."""

    def __init__(
        self, step: Flat, structure: Structure, of_xs: Structure, missing: list[bool], like: Sequence[Any]
    ) -> None:
        self.step, self.structure, self.of_xs, self.missing, self.like = step, structure, of_xs, missing, like
        self.of_ys: Structure | None = None
        self.none: list[bool] = []

    def __call__(self, carry: Sequence[Any], xs: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """The new carry and the results that are arrays."""
        rest = iter(xs)
        x = self.of_xs.unflatten([None if missing else next(rest) for missing in self.missing])
        out = self.step(self.structure.unflatten(carry), x)
        if not (isinstance(out, tuple) and len(out) == 2):
            raise TreeError(f"scan: the step returns (carry, y), not {type(out).__name__}{called_at()}")
        new = _carried(out[0], self.structure, carry, "scan: the step")
        ys, of_ys = flatten(out[1])
        if self.of_ys is not None and self.of_ys != of_ys:
            raise TreeError(f"scan: the steps return results of different structure{called_at()}")
        self.of_ys, self.none = of_ys, [y is None for y in ys]
        return new, [y if isinstance(y, Variable) else as_data(y) for y in ys if y is not None]

    def results(self, ys: Sequence[Any]) -> Any:
        """The stacked results in their container."""
        assert self.of_ys is not None
        rest = iter(ys)
        return self.of_ys.unflatten([None if none else next(rest) for none in self.none])


def _in_turn(
    body: Flat, carry: list[Any], xs: Sequence[Any], count: int, reverse: bool
) -> tuple[list[Any], list[Any]]:
    rows: list[Any] = [None] * count
    for i in reversed(range(count)) if reverse else range(count):
        carry, rows[i] = body(carry, [x[i] for x in xs])
    return carry, [np.stack(column) for column in zip(*rows, strict=True)]


class _Branch:
    """A branch of cond, its operands bound; it returns leaves."""

    def __init__(self, function: Flat, operands: tuple[Any, ...]) -> None:
        self.function, self.operands = function, operands
        self.structure: Any = None

    def __call__(self) -> list[Any]:
        """The leaves of the result."""
        leaves, self.structure = flatten(self.function(*self.operands))
        return [y if isinstance(y, Variable) else as_data(y) for y in leaves]

    def of_its_own(self, chosen: Any, which: bool) -> list[Any]:
        """For all examples; those that take the other branch are given an operand of one that takes this."""
        known = type(chosen) is Batched and isinstance(chosen.physical, np.ndarray)
        mine = np.flatnonzero(chosen.physical == which) if known else np.zeros(0, int)
        if not mine.size:
            return self()
        rows = np.where(chosen.physical == which, np.arange(len(chosen.physical)), mine[0])
        leaves, structure = flatten(self.operands)
        leaves = [
            wrap(x.physical[rows], x.level) if type(x) is Batched and x.level == chosen.level else x
            for x in leaves
        ]
        found, self.structure = flatten(self.function(*structure.unflatten(leaves)))
        return [y if isinstance(y, Variable) else as_data(y) for y in found]


def _alike(branches: Sequence[_Branch], results: Sequence[Sequence[Any]]) -> None:
    """The same structure, shapes and types from both branches."""
    first, second = branches
    if first.structure != second.structure:
        raise TreeError(
            f"cond: the branches return different structures{called_at()}\n"
            f"  true   {_drawn(first.structure)}\n  false  {_drawn(second.structure)}"
        )
    for a, b in zip(*results, strict=True):
        if np.shape(a) != np.shape(b):
            raise ShapeError(f"cond: the branches return {np.shape(a)} and {np.shape(b)}{called_at()}")
        if a.dtype != b.dtype:
            raise DtypeError(
                f"cond: the branches return {a.dtype} and {b.dtype}{called_at()}\n"
                f"  → y.astype({a.dtype.name!r}) in one of them"
            )


# --- inside vmap -------------------------------------------------------------------------------------


def _selected(chosen: Any, a: Any, b: Any) -> Any:
    return a if a is b else np.where(chosen, a, b)


def _while_of_batches(proceed: Flat, step: Flat, carry: list[Any], running: tuple[Level, ...]) -> list[Any]:
    """Whole batches, until no example goes on; the first leaf says which do."""

    def asked(xs: Sequence[Any]) -> Any:
        return physical(proceed([logical(x, running) for x in xs]), running)

    def any_goes_on(state: Sequence[Any]) -> Any:
        return np.any(_plain(state[0]))

    def one_more(state: Sequence[Any]) -> list[Any]:
        active, *old = state
        active = _plain(active)
        with at_levels(running):
            with np.errstate(all="ignore"):  # of examples that are done
                new = [physical(x, running) for x in step([logical(x, running) for x in old])]
            new = [
                np.where(np.reshape(active, active.shape + (1,) * (x.ndim - active.ndim)), x, o)
                for x, o in zip(new, old, strict=True)
            ]
            return [np.logical_and(active, _plain(asked(new))), *new]

    state = [physical(x, running) for x in carry]
    state = [_plain(asked(state)), *state]
    with at_levels(()):
        tracer = mode().tracer
        if tracer is not None:
            state = tracer.control.while_loop(tracer, any_goes_on, one_more, state)
        else:
            while any_goes_on(state):
                state = one_more(state)
    return [logical(x, running) for x in state[1:]]


def _scan_of_batches(
    tracer: Any,
    body: Flat,
    carry: list[Any],
    xs: Sequence[Any],
    count: int,
    reverse: bool,
    running: tuple[Level, ...],
) -> tuple[list[Any], list[Any]]:
    """A scan that carries whole batches."""
    depth = len(running)
    batched = [type(x) is Batched for x in xs]

    def of_batches(state: Sequence[Any], rows: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        with at_levels(running):
            rows = [logical(x, running) if b else x for x, b in zip(rows, batched, strict=True)]
            new, ys = body([logical(x, running) for x in state], rows)
            return [physical(x, running) for x in new], [physical(y, running) for y in ys]

    state = [physical(x, running) for x in carry]
    given = [
        np.moveaxis(physical(x, running), depth, 0) if b else x for x, b in zip(xs, batched, strict=True)
    ]
    with at_levels(()):
        state, ys = tracer.control.scan(tracer, of_batches, state, given, count, reverse)
        ys = [np.moveaxis(y, 0, depth) for y in ys]
    return [logical(x, running) for x in state], [logical(y, running) for y in ys]
