"""Checks for users: does a gradient agree with numerical differentiation?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .config import no_grad
from .core.origin import made_at
from .core.variable import Variable
from .errors import GradientCheckError, WhenceError
from .explore.walk import nodes_behind
from .transforms.forward import jvp
from .transforms.gradient import grad, vjp
from .tree import flatten, flatten_like

Numbers = np.ndarray[Any, Any]
_STEP = 1e-20  # of a complex step: no subtraction, so no cancellation


class Estimate(NamedTuple):
    """A directional derivative found numerically, and how far it can be trusted."""

    value: float
    error: float
    how: str


def check_gradient(
    f: Callable[..., Any],
    *args: Any,
    order: int = 2,
    rtol: float = 1e-6,
    atol: float = 1e-8,
    forward: bool = True,
    seed: int = 0,
) -> None:
    """Compare the gradients of ``f`` at ``args`` with numerical differentiation in float64.

    Every entry of the gradient of ``sum(w * f(x))``, with a random ``w``, is compared with a
    complex step (exact to rounding) where ``f`` allows one, else with central differences
    extrapolated to a vanishing step. Then forward mode along a random direction; for
    ``order=2`` the same for the gradient's own derivative along random directions.

    Args:
        f: a function of arrays (or containers of them) that returns an array or a container.
        args: where to check; arrays of any float type (computed in float64 or complex128).
        order: 1 checks gradients, 2 also second derivatives, and so on.
        rtol, atol: allowed difference, beyond the numerical derivative's own uncertainty.
        forward: also check ``jvp``.
        seed: of the random weights.

    Raises:
        GradientCheckError: with the worst entry, both values, the op that is wrong and its line.

    Example:
        >>> import numpy as np, whence
        >>> whence.testing.check_gradient(lambda x: np.sin(x) * x, np.array([0.3, 1.2]))
    """
    rng = np.random.default_rng(seed)
    leaves, structure = flatten(args)
    xs = [_double(x) for x in leaves]
    if not xs:
        raise WhenceError("check_gradient needs at least one array to differentiate")

    def flat(*values: Any) -> Any:
        return f(*structure.unflatten(values))

    _check(flat, xs, order, rtol, atol, forward, rng, 1)


def _double(x: Any) -> Any:
    x = np.array(x._data if isinstance(x, Variable) else x)
    if x.dtype.kind not in "fciub":
        raise WhenceError(f"check_gradient works on numbers, not {x.dtype}")
    return x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)


def _check(
    f: Callable[..., Any],
    xs: list[Any],
    order: int,
    rtol: float,
    atol: float,
    forward: bool,
    rng: Any,
    level: int,
) -> None:
    with no_grad():
        ys = [np.asarray(_bare(y)) for y in flatten(f(*xs))[0]]
    weights = [_random(rng, y) for y in ys]

    def total(*values: Any) -> Any:
        parts = flatten(f(*values))[0]
        y: Any = 0.0
        for part, w in zip(parts, weights, strict=True):
            y = y + np.sum(np.real(part * w) if np.iscomplexobj(w) else part * w)
        return y

    gs = grad(total, argnums=tuple(range(len(xs))))(*xs)
    for k, (x, g) in enumerate(zip(xs, gs, strict=True)):
        g = np.asarray(g)
        for index in np.ndindex(x.shape):
            for unit, found in ((1.0, g[index].real), (1j, g[index].imag)):
                if unit == 1j and x.dtype.kind != "c":
                    continue
                estimate = _numerical(total, xs, k, index, unit)
                _compare(found, estimate, rtol, atol, total, xs, k, index, level, "gradient")
    if forward:
        _check_forward(f, xs, rtol, atol, rng, level)
    if order > 1:
        directions = [_random(rng, x) for x in xs]

        def slope(*values: Any) -> Any:
            inner = grad(total, argnums=tuple(range(len(values))))(*values)
            y: Any = 0.0
            for g, v in zip(inner, directions, strict=True):
                y = y + np.sum(np.real(g * np.conjugate(v)) if np.iscomplexobj(v) else g * v)
            return y

        _check(slope, xs, order - 1, rtol * 10, atol * 10, forward, rng, level + 1)


def _check_forward(
    f: Callable[..., Any], xs: list[Any], rtol: float, atol: float, rng: Any, level: int
) -> None:
    """``w J v`` must be the same number from the left and from the right."""
    directions = tuple(_random(rng, x) for x in xs)
    ys, pull = vjp(f, *xs)
    _, pushed = jvp(f, tuple(xs), directions)
    leaves, structure = flatten(ys)
    cotangents = [_random(rng, np.asarray(y)) for y in leaves]
    pulled = pull(structure.unflatten(cotangents))
    pulled = (pulled,) if len(xs) == 1 else pulled
    left = sum(_inner(g, v) for g, v in zip(pulled, directions, strict=True))
    tangents = flatten_like(structure, pushed)
    right = sum(_inner(w, t) for w, t in zip(cotangents, tangents, strict=True))
    size = sum(float(np.sum(np.abs(np.multiply(w, t)))) for w, t in zip(cotangents, tangents, strict=True))
    if not abs(left - right) <= atol + rtol * max(size, abs(left)):
        raise GradientCheckError(
            f"forward and reverse mode disagree (order {level}): jvp gives {right!r}, vjp gives {left!r}"
        )


def _inner(g: Any, v: Any) -> float:
    return float(np.sum(np.real(np.conjugate(g) * v)))


def _random(rng: Any, like: Any) -> Any:
    w = rng.uniform(0.5, 1.5, like.shape) * rng.choice([-1.0, 1.0], like.shape)
    if like.dtype.kind == "c":
        w = w + 1j * rng.uniform(0.5, 1.5, like.shape)
    return w


def _bare(y: Any) -> Any:
    return y._data if isinstance(y, Variable) else y


def _numerical(f: Callable[..., Any], xs: list[Any], k: int, index: Any, unit: Any) -> Estimate:
    """The derivative of a scalar function along one entry."""

    def along(h: float) -> float:
        moved = list(xs)
        moved[k] = xs[k].copy()
        moved[k][index] += h * unit
        with no_grad(), np.errstate(all="ignore"):
            return float(np.real(_bare(f(*moved))))

    central = _extrapolated(along, max(1.0, abs(xs[k][index])))
    if unit == 1.0 and all(x.dtype.kind == "f" for x in xs):
        exact = _complex_step(f, xs, k, index)
        if exact is not None and abs(exact - central.value) <= 100 * central.error + 1e-5 * abs(exact):
            return Estimate(exact, 1e-14 * abs(exact), "complex step")
    return central


def _extrapolated(along: Callable[[float], float], scale: float) -> Estimate:
    """Central differences at shrinking steps, extrapolated (Ridders 1982); the best of the tableau."""
    h, shrink = 0.02 * scale, 2.0
    best = Estimate(np.nan, np.inf, "central differences")
    row: list[float] = []
    for i in range(8):
        new = [(along(h) - along(-h)) / (2 * h)]
        for j, old in enumerate(row):
            factor = shrink ** (2 * (j + 1))
            new.append((factor * new[j] - old) / (factor - 1))
            error = max(abs(new[-1] - new[-2]), abs(new[-1] - old))
            if error < best.error:
                best = Estimate(new[-1], error, "central differences")
        row = new[: i + 2]
        h /= shrink
    return best


def _complex_step(f: Callable[..., Any], xs: list[Any], k: int, index: Any) -> float | None:
    moved = [x.astype(np.complex128) for x in xs]
    moved[k][index] += 1j * _STEP
    try:
        with no_grad(), np.errstate(all="ignore"):
            y = np.asarray(_bare(f(*moved)))
    except (TypeError, ValueError, WhenceError):
        return None
    return float(y.imag) / _STEP if y.dtype.kind == "c" and y.ndim == 0 else None


def _compare(
    found: float,
    estimate: Estimate,
    rtol: float,
    atol: float,
    f: Callable[..., Any],
    xs: list[Any],
    k: int,
    index: Any,
    level: int,
    what: str,
) -> None:
    allowed = atol + rtol * abs(estimate.value) + 10 * estimate.error
    if abs(found - estimate.value) <= allowed:
        return
    entry = f"[{', '.join(map(str, index))}]" if index else ""
    raise GradientCheckError(
        f"wrong {what} (order {level}): argument {k}{entry}\n"
        f"  whence gives  {float(found)!r}\n"
        f"  {estimate.how} give {estimate.value!r} (± {estimate.error:.1e})\n"
        f"  {_culprit(f, xs)}"
    )


def _culprit(f: Callable[..., Any], xs: list[Any]) -> str:
    """The op whose own gradient is wrong, found by checking each node of the graph."""
    variables = [Variable(x) for x in xs]
    y = f(*variables)
    rng = np.random.default_rng(0)
    for node in nodes_behind(y.edge):
        if not _node_is_right(node, rng):
            return f"the gradient of {node.label} is wrong; it was {made_at(node)}"
    return "no single op is wrong by itself at first order: look at values that the graph cannot see"


def _node_is_right(node: Any, rng: Any) -> bool:
    values = [value for _, value in node.operands()]
    if node.ports is not None or any(not hasattr(v, "astype") or v.dtype.kind != "f" for v in values):
        return True
    values = [np.array(v, dtype=np.float64) for v in values]
    with np.errstate(all="ignore"):
        y = np.asarray(node.forward(*values))
        w = _random(rng, y)
        pulled = node.pull(w if y.ndim else w[()], False)
        for k, g in enumerate(pulled):
            v = rng.normal(size=values[k].shape)

            def along(h: float, k: int = k, v: Any = v) -> float:
                moved = [x + h * v if i == k else x for i, x in enumerate(values)]
                return float(np.sum(np.real(w * node.forward(*moved))))

            estimate = _extrapolated(along, 1.0)
            found = 0.0 if g is None else float(np.sum(g * v))
            if abs(found - estimate.value) > 1e-7 + 1e-5 * abs(estimate.value) + 10 * estimate.error:
                return False
    return True
