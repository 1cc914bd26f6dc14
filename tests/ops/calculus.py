"""The laws that every op obeys, checked on one call of it.

Derivatives are compared with a five-point stencil along one random direction. Its error is about
``STEP**4 * f''''' / 30`` (1e-14 times a fifth derivative that reaches 1e5 at the edges of the
domains) plus ``eps / STEP`` (1e-12) of rounding: so ``RTOL`` 1e-7 of the size of the terms is honest,
and a wrong entry, which changes the sum by about its own size, is far outside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest

import whence
from whence import Variable
from whence.errors import NonFiniteError

STEP = 3e-4
RTOL = 1e-7
Function = Callable[..., Any]


class Layout(NamedTuple):
    """A way to hold an array: ``view(store(a))`` has the values of ``a``."""

    store: Callable[[np.ndarray], np.ndarray]
    view: Callable[[Any], Any]


def _spaced(a: np.ndarray) -> np.ndarray:
    wide = np.full([2 * n for n in a.shape], 0.25, a.dtype)
    wide[(slice(None, None, 2),) * a.ndim] = a
    return wide


LAYOUTS = {
    "plain": Layout(lambda a: a, lambda v: v),
    "intermediate": Layout(lambda a: a, lambda v: v * 1.0),
    "reversed": Layout(
        lambda a: a[(slice(None, None, -1),) * a.ndim].copy(),
        lambda v: v[(slice(None, None, -1),) * v.ndim],
    ),
    "strided": Layout(_spaced, lambda v: v[(slice(None, None, 2),) * v.ndim]),
    "transposed": Layout(lambda a: a.T.copy(), lambda v: v.T),
    "fortran": Layout(lambda a: a, lambda v: np.asfortranarray(v) if type(v) is np.ndarray else v.T.copy().T),
}


def parts(y: Any) -> tuple[Any, ...]:
    """The outputs of a call, one or several."""
    return tuple(y) if isinstance(y, (tuple, list)) else (y,)


def bare(y: Any) -> Any:
    return y._data if isinstance(y, Variable) else y


def weights_for(y: Any, seed: int) -> list[np.ndarray]:
    """Random weights, one array for each output, complex where it is."""
    rng = np.random.default_rng(seed)
    return [noise(rng, part) for part in parts(y)]


def noise(rng: np.random.Generator, like: Any) -> np.ndarray:
    like = np.asarray(bare(like))
    w = rng.uniform(-1, 1, like.shape)
    return w + 1j * rng.uniform(-1, 1, like.shape) if like.dtype.kind == "c" else w


def loss(y: Any, weights: Sequence[np.ndarray]) -> Any:
    """``Re sum(w * y)``: a real number that every element of the outputs takes part in."""
    total: Any = 0.0
    for part, w in zip(parts(y), weights, strict=True):
        term = np.sum(w * part)
        total = total + (np.real(term) if bare(term).dtype.kind == "c" else term)
    return total


def gradients(f: Function, arrays: Sequence[Any], wrt: Sequence[int], weights: Any, **how: Any) -> Any:
    """The inputs as Variables, and the loss after its ``backward(**how)``."""
    xs = [Variable(a) if i in wrt else a for i, a in enumerate(arrays)]
    total = loss(f(*xs), weights)
    if isinstance(total, Variable):
        total.backward(**how)
    return [xs[i] for i in wrt]


def inner(u: Any, v: Any) -> float:
    """The change of a real function with steepest ascent ``u`` along ``v``."""
    return float(np.sum(np.real(np.conjugate(u) * v)))


def stencil(f: Callable[[Sequence[Any]], float], arrays: Sequence[Any], along: dict[int, Any]) -> float:
    """The derivative of ``f`` at ``arrays`` along a direction, by a five-point stencil."""

    def at(step: float) -> float:
        return float(f([a + step * along[i] if i in along else a for i, a in enumerate(arrays)]))

    with np.errstate(all="ignore"):
        return (8 * (at(STEP) - at(-STEP)) - (at(2 * STEP) - at(-2 * STEP))) / (12 * STEP)


def grad_of(x: Variable) -> Any:
    return np.zeros(x.shape, x.dtype) if x.grad is None else bare(x.grad)


def assert_same(actual: Any, expected: Any, rtol: float = 1e-13) -> None:
    """Equal values, shapes and dtypes."""
    actual, expected = np.asarray(bare(actual)), np.asarray(expected)
    assert actual.dtype == expected.dtype, f"{actual.dtype} instead of {expected.dtype}"
    assert actual.shape == expected.shape, f"{actual.shape} instead of {expected.shape}"
    if actual.dtype.itemsize in (4, 8) and actual.dtype in (np.float32, np.complex64):
        rtol = max(rtol, 1e-5)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol)


def check_value(f: Function, plain: Function, arrays: Sequence[Any], wrt: Sequence[int]) -> None:
    """NumPy's value, shape and dtype; and never an object array."""
    xs = [Variable(a) if i in wrt else a for i, a in enumerate(arrays)]
    ys, expected = parts(f(*xs)), parts(plain(*arrays))
    assert len(ys) == len(expected)
    for y, e in zip(ys, expected, strict=True):
        assert isinstance(y, Variable)
        assert_same(y, e)


def check_first(f: Function, arrays: Sequence[Any], wrt: Sequence[int], seed: int) -> None:
    """The gradient along a random direction is the derivative of the loss."""
    rng = np.random.default_rng(seed)
    weights = weights_for(f(*arrays), seed)
    xs = gradients(f, arrays, wrt, weights)
    along = {i: noise(rng, arrays[i]) for i in wrt}
    for i, x in zip(wrt, xs, strict=True):
        if x.grad is not None:
            assert isinstance(x.grad, Variable)
            assert (x.grad.shape, x.grad.dtype) == (x.shape, x.dtype), (i, x.grad.dtype, x.dtype)
    numeric = stencil(lambda a: bare(loss(f(*a), weights)), arrays, along)
    ours = sum(inner(grad_of(x), along[i]) for i, x in zip(wrt, xs, strict=True))
    size = sum(np.sum(np.abs(grad_of(x) * along[i])) for i, x in zip(wrt, xs, strict=True))
    assert abs(ours - numeric) <= RTOL * (1 + size), f"gradient {ours}, stencil {numeric}"


def check_second(f: Function, arrays: Sequence[Any], wrt: Sequence[int], seed: int) -> None:
    """The recorded gradient is the gradient, and its gradient is the derivative of it."""
    rng = np.random.default_rng(seed)
    weights = weights_for(f(*arrays), seed)
    turn = [noise(rng, arrays[i]) for i in wrt]
    along = {i: noise(rng, arrays[i]) for i in wrt}

    def slope(a: Sequence[Any]) -> float:
        xs = gradients(f, a, wrt, weights)
        return sum(inner(u, grad_of(x)) for u, x in zip(turn, xs, strict=True))

    xs = gradients(f, arrays, wrt, weights, create_graph=True)
    firsts = [x.grad for x in xs]
    for x, plain in zip(xs, gradients(f, arrays, wrt, weights), strict=True):
        np.testing.assert_allclose(grad_of(x), grad_of(plain), rtol=1e-10, atol=1e-10)
    total: Any = 0.0
    for x, g, u in zip(xs, firsts, turn, strict=True):
        x.cleargrad()
        if g is not None:
            term = np.sum(np.conjugate(u) * g)
            total = total + (np.real(term) if bare(term).dtype.kind == "c" else term)
    if isinstance(total, Variable):
        total.backward()
    numeric = stencil(slope, arrays, along)
    ours = sum(inner(grad_of(x), along[i]) for i, x in zip(wrt, xs, strict=True))
    size = sum(np.sum(np.abs(grad_of(x) * along[i])) for i, x in zip(wrt, xs, strict=True))
    assert abs(ours - numeric) <= 10 * RTOL * (1 + size), f"second {ours}, stencil {numeric}"


def check_single(f: Function, plain: Function, arrays: Sequence[Any], wrt: Sequence[int], seed: int) -> None:
    """In single precision the value and the gradients are single too, and near the double ones."""
    weights = weights_for(f(*arrays), seed)
    exact = gradients(f, arrays, wrt, weights)
    narrow = [_narrowed(a) for a in arrays]
    check_value(f, plain, narrow, wrt)
    xs = gradients(f, narrow, wrt, [_narrowed(w) for w in weights])
    for x, e in zip(xs, exact, strict=True):
        if x.grad is None:
            continue
        assert (x.grad.dtype, x.grad.shape) == (x.dtype, x.shape)
        assert x.dtype in (np.float32, np.complex64)
        size = 1 + np.max(np.abs(grad_of(e)), initial=0)  # inputs were rounded to 6e-8 of their size
        np.testing.assert_allclose(grad_of(x), grad_of(e), rtol=2e-3, atol=2e-4 * size)


def _narrowed(a: Any) -> Any:
    kinds = {"f": np.float32, "c": np.complex64}
    kind = a.dtype.kind if isinstance(a, (np.ndarray, np.generic)) else ""
    return a.astype(kinds[kind]) if kind in kinds else a


def check_memory(f: Function, arrays: Sequence[Any], wrt: Sequence[int], seed: int, **how: Any) -> None:
    """A gradient can be written to, and shares memory with nothing else."""
    xs = [Variable(a) if i in wrt else a for i, a in enumerate(arrays)]
    ys = [y for y in parts(f(*xs)) if isinstance(y, Variable) and not any(y is x for x in xs)]
    for y in ys:
        y.grad = Variable(noise(np.random.default_rng(seed), y).astype(y.dtype))
        y.backward(**how)
    others = [bare(x) for x in xs] + [bare(y) for y in ys] + [y.grad.data for y in ys]
    leaves = [xs[i] for i in wrt if xs[i].grad is not None]
    for k, x in enumerate(leaves):
        g = x.grad.data
        if type(g) is not np.ndarray:
            continue
        assert g.flags.writeable
        rest = others + [bare(other.grad) for other in leaves[:k] + leaves[k + 1 :]]
        for other in rest:
            assert not np.shares_memory(g, other)


jvp = getattr(whence, "jvp", None)


def check_forward(f: Function, arrays: Sequence[Any], wrt: Sequence[int], seed: int) -> None:
    """Forward mode agrees with reverse: ``Re(w . J v) = Re(conj(grad) . v)``."""
    if jvp is None:
        return
    rng = np.random.default_rng(seed)
    weights = weights_for(f(*arrays), seed)
    along = {i: noise(rng, arrays[i]) for i in wrt}
    xs = gradients(f, arrays, wrt, weights)

    def of_some(*some: Any) -> Any:
        full = list(arrays)
        for i, x in zip(wrt, some, strict=True):
            full[i] = x
        return loss(f(*full), weights)

    _, dy = jvp(of_some, tuple(arrays[i] for i in wrt), tuple(along[i] for i in wrt))
    ours = sum(inner(grad_of(x), along[i]) for i, x in zip(wrt, xs, strict=True))
    size = sum(np.sum(np.abs(grad_of(x) * along[i])) for i, x in zip(wrt, xs, strict=True))
    assert abs(float(bare(dy)) - ours) <= 1e-10 * (1 + size)


# --- batches -------------------------------------------------------------------------------------

FACTORS = (1.0, 0.99, 0.985)  # the examples differ, and stay in the domain


def batch_of(a: Any, axis: int) -> np.ndarray:
    """Examples like ``a``, stacked along ``axis``."""
    a = np.asarray(a)
    return np.stack([(a * np.asarray(c, a.dtype)).astype(a.dtype) for c in FACTORS], axis)


def example_of(batch: np.ndarray, axis: int, i: int) -> Any:
    return np.moveaxis(batch, axis, 0)[i]  # a view: some functions look at the layout


def assert_close(actual: Any, expected: Any, rtol: float = 1e-11) -> None:
    """Equal shapes and types, and values within rounding (products add up in another order)."""
    actual, expected = np.asarray(bare(actual)), np.asarray(bare(expected))
    assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype), (actual, expected)
    if actual.dtype in (np.float32, np.complex64):
        rtol = max(rtol, 1e-4)
    size = 1 + np.max(np.abs(expected[np.isfinite(expected)]), initial=0) if expected.size else 1
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol * size)


def check_vmap(f: Function, arrays: Sequence[Any], mapped: Sequence[int], axis: int) -> None:
    """``vmap`` gives what a loop over the examples gives; some operands are the same for all."""
    given = [batch_of(a, axis) if i in mapped else a for i, a in enumerate(arrays)]
    in_axes = tuple(axis if i in mapped else None for i in range(len(arrays)))
    batched = parts(whence.vmap(lambda *xs: parts(f(*xs)), in_axes, axis)(*given))
    for i in range(len(FACTORS)):
        one = [example_of(x, axis, i) if j in mapped else x for j, x in enumerate(given)]
        for y, e in zip(batched, parts(f(*one)), strict=True):
            assert_close(example_of(bare(y), axis, i), e)


def check_vmap_of_grad(f: Function, arrays: Sequence[Any], mapped: Sequence[int], seed: int) -> None:
    """Gradients under ``vmap`` are those of a loop, also for what is the same for all examples."""
    weights = weights_for(f(*arrays), seed)
    everything = tuple(range(len(arrays)))

    def total(*xs: Any) -> Any:
        return loss(f(*xs), weights) + sum(0.0 * np.sum(np.real(x)) for x in xs)

    slope = whence.grad(total, everything)
    given = [batch_of(a, 0) if i in mapped else a for i, a in enumerate(arrays)]
    batched = whence.vmap(slope, tuple(0 if i in mapped else None for i in everything))(*given)
    for i in range(len(FACTORS)):
        one = [x[i] if j in mapped else x for j, x in enumerate(given)]
        for g, e in zip(batched, slope(*one), strict=True):
            assert_close(g[i], e, 1e-9)


def check_jacobian(f: Function, arrays: Sequence[Any], wrt: Sequence[int]) -> None:
    """Many rows (or columns) in one sweep are the rows one by one, and columns are rows."""
    chosen = tuple(wrt)

    def of_floats(*xs: Any) -> tuple[Any, ...]:
        return parts(f(*xs))

    rows = whence.jacobian(of_floats, chosen, "forward", 1)(*arrays)
    ways = (
        ["forward", "reverse"] if all(part.dtype.kind == "f" for row in rows for part in row) else ["forward"]
    )
    for way in ways:
        found = whence.jacobian(of_floats, chosen, way, 3)(*arrays)
        for row, expected in zip(found, rows, strict=True):
            for part, e in zip(row, expected, strict=True):
                assert_close(part, e, 1e-9)


def check_hessian(f: Function, arrays: Sequence[Any], wrt: Sequence[int], seed: int) -> None:
    """The same for second derivatives: rows of a recorded sweep."""
    weights = weights_for(f(*arrays), seed)
    chosen = tuple(wrt)

    def total(*xs: Any) -> Any:
        return loss(f(*xs), weights) + sum(0.0 * np.sum(xs[i]) for i in wrt)

    try:
        one_by_one = whence.hessian(total, chosen, chunk_size=1)(*arrays)
    except NonFiniteError:  # at a corner: many rows at once are refused as one is
        with pytest.raises(NonFiniteError):
            whence.hessian(total, chosen)(*arrays)
        return
    for row, expected in zip(whence.hessian(total, chosen)(*arrays), one_by_one, strict=True):
        for part, e in zip(row, expected, strict=True):
            assert_close(part, e, 1e-9)
