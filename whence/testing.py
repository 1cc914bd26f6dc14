"""Checks for users: does a gradient agree with numerical differentiation?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from .config import no_grad
from .core.origin import made_at
from .core.variable import Variable
from .errors import GradientCheckError, WhenceError
from .explore.walk import inputs_of, known_values, nodes_behind, recomputed
from .transforms.forward import jvp
from .transforms.gradient import grad, vjp
from .tree import flatten, flatten_like, paths

_STEP = 1e-20  # of a complex step: no subtraction, so no cancellation
_ROWS = 6  # of the extrapolation tableau, at most
_ENTRIES = 100  # up to here every entry of an argument is checked
_DIRECTIONS = 4  # of a larger argument, besides _ENTRIES of its entries
_FAILURES = 10  # looked at to find the worst


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

    The gradient of ``sum(w * f(x))``, with a random ``w``, is compared entry by entry (for an
    argument of more than 100 entries: 100 of them, and 4 random directions) with a complex step,
    exact to rounding, where ``f`` allows one; else with central differences extrapolated to a
    vanishing step. Then forward mode along a random direction; for ``order=2`` the same for the
    derivative of the gradient along a random direction.

    Args:
        f: a function of arrays (or containers of them) that returns an array or a container.
        args: where to check; arrays of any float type (computed in float64 or complex128).
        order: 1 checks gradients, 2 also second derivatives, and so on.
        rtol, atol: allowed difference; ten times as much at each further order.
        forward: also check ``jvp``.
        seed: of the random weights.

    Raises:
        GradientCheckError: with the worst entry, both values, the op that is wrong and its line.
        WhenceError: there is nothing to differentiate.

    Example:
        >>> import numpy as np, whence
        >>> whence.testing.check_gradient(lambda x: np.sin(x) * x, np.array([0.3, 1.2]))
    """
    leaves, structure = flatten(args)
    xs = [_double(x) for x in leaves]
    if not xs:
        raise WhenceError("check_gradient needs at least one array to differentiate")

    def flat(*values: Any) -> Any:
        return f(*structure.unflatten(values))

    flat.__name__ = getattr(f, "__name__", type(f).__name__)
    names = [f"argument {path[1:].replace(']', '', 1)}" for path in paths(structure)]
    try:
        _check(flat, xs, _Setting(names, rtol, atol, forward, np.random.default_rng(seed)), order)
    except _Disagreement as error:
        raise GradientCheckError(f"{error}\n  {_culprit(flat, xs, error.order)}") from None


class _Disagreement(Exception):
    """Two derivatives of this order differ."""

    def __init__(self, text: str, order: int) -> None:
        super().__init__(text)
        self.order = order


class _Setting(NamedTuple):
    """How to compare, and how to call the arguments in messages."""

    names: list[str]
    rtol: float
    atol: float
    forward: bool
    rng: np.random.Generator
    level: int = 1
    entries: int = _ENTRIES


class _Estimate(NamedTuple):
    """A directional derivative found numerically, and how far it can be trusted."""

    value: float
    error: float
    how: str


class _Miss(NamedTuple):
    """A place where whence and the numerical derivative differ."""

    place: str
    found: float
    estimate: _Estimate


def _double(x: Any) -> Any:
    x = np.array(_bare(x))
    if x.dtype.kind not in "fciub":
        raise WhenceError(f"check_gradient works on numbers, not on {x.dtype} data")
    return x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)


def _check(f: Callable[..., Any], xs: list[Any], setting: _Setting, order: int) -> None:
    """Compare first derivatives, then do the same to the slope along a random direction."""
    rng = setting.rng
    with no_grad():
        weights = [_random(rng, np.asarray(_bare(y))) for y in flatten(f(*xs))[0]]

    def total(*values: Any) -> Any:
        return _inner_product(flatten(f(*values))[0], weights)

    total.__name__ = f.__name__
    numbers = tuple(range(len(xs)))
    for k, g in enumerate(grad(total, numbers)(*xs)):
        _compare(total, xs, k, np.asarray(g), setting)
    if setting.forward:
        _check_forward(f, xs, setting)
    if order > 1:
        directions = [np.conjugate(_random(rng, x)) for x in xs]

        def slope(*values: Any) -> Any:
            return _inner_product(grad(total, numbers)(*values), directions)

        slope.__name__ = f.__name__
        looser = {"rtol": 10 * setting.rtol, "atol": 10 * setting.atol}
        _check(slope, xs, setting._replace(level=setting.level + 1, **looser), order - 1)


def _inner_product(parts: Any, weights: list[Any]) -> Any:
    """``Re(sum(w * y))`` over all parts: one real number."""
    total: Any = 0.0
    for part, w in zip(parts, weights, strict=True):
        total = total + np.sum(np.real(part * w) if np.iscomplexobj(w) else part * w)
    return total


def _compare(f: Callable[..., Any], xs: list[Any], k: int, g: Any, setting: _Setting) -> None:
    """Raise for the worst place where ``g`` differs from the numerical derivative of ``f``."""
    misses: list[_Miss] = []
    tried = 0
    for place, direction in _directions(xs[k], setting):
        tried += 1
        found = float(np.sum(np.real(np.conjugate(g) * direction)))
        estimate = _disagreeing(f, xs, k, direction, found, setting)
        if estimate is not None:
            misses.append(_Miss(place, found, estimate))
            if len(misses) == _FAILURES:
                break
    if not misses:
        return
    worst = max(misses, key=lambda miss: np.nan_to_num(abs(miss.found - miss.estimate.value)))
    how, value, error = worst.estimate.how, worst.estimate.value, worst.estimate.error
    lines = [
        f"wrong gradient (order {setting.level}): {setting.names[k]}{worst.place}",
        f"  whence: {worst.found!r}",
        f"  {how}: {value!r} (± {error:.1e})",
    ]
    if tried > 1:
        lines[0] += f", the worst of {len(misses)} wrong among {tried} checked"
    raise _Disagreement("\n".join(lines), setting.level)


def _directions(x: Any, setting: _Setting) -> Iterator[tuple[str, Any]]:
    """Unit arrays (for complex x also times 1j), with a name for each; random ones for large x."""
    rng = setting.rng
    units = (1.0,) if x.dtype.kind == "f" else (1.0, 1j)
    flat = np.arange(x.size)
    if x.size > setting.entries:
        flat = np.sort(rng.choice(x.size, setting.entries, replace=False))
        for _ in range(_DIRECTIONS):
            yield " along a random direction", _random(rng, x)
    for i in flat:
        index = np.unravel_index(i, x.shape)
        place = f"[{', '.join(str(j) for j in index)}]" if index else ""
        for unit in units:
            direction = np.zeros_like(x)
            direction.flat[i] = unit
            yield place + ("" if unit == 1.0 else " (imaginary part)"), direction


def _disagreeing(
    f: Callable[..., Any], xs: list[Any], k: int, direction: Any, found: float, setting: _Setting
) -> _Estimate | None:
    """None where a numerical derivative agrees with ``found``; else the best one that there is."""

    def agrees(estimate: _Estimate, slack: float = 0.0) -> bool:
        size = max(abs(estimate.value), abs(found))
        allowed = setting.atol + setting.rtol * size + min(slack * estimate.error, 1e-4 * size)
        return bool(abs(found - estimate.value) <= allowed)

    def along(h: Any) -> Any:
        moved = [*xs[:k], xs[k] + h * direction, *xs[k + 1 :]]
        with no_grad(), np.errstate(all="ignore"):
            return _bare(f(*moved))

    exact = None
    if setting.level == 1 and xs[k].dtype.kind == "f":  # grad itself refuses complex results
        exact = _complex_step(along)
        if exact is not None and agrees(exact):
            return None
    best = _Estimate(np.nan, np.inf, "central differences")
    for start in _starts(xs[k][direction != 0]):
        for estimate in _extrapolations(along, start):
            if exact is None and np.isfinite(estimate.error) and agrees(estimate):
                return None
            best = min(best, estimate, key=lambda e: e.error)
        if exact is None and agrees(best, slack=10.0):
            return None
    if exact is None:
        return best
    if abs(exact.value - best.value) <= 1e-4 * abs(exact.value) + 10 * best.error:
        return exact
    return None if agrees(best, slack=10.0) else best  # f is not analytic: no complex steps


def _starts(x: Any) -> list[float]:
    """The first steps to try: what is smooth near by or varies fast needs small ones."""
    size = float(np.abs(x).max(initial=0.0))
    return [step * max(1.0, size) for step in (1e-3, 1e-5, 1e-7)] + [1e-2 * size]


def _extrapolations(along: Callable[[float], Any], h: float) -> Iterator[_Estimate]:
    """Central differences at halving steps, extrapolated to none (Ridders 1982), as they come."""
    row: list[float] = []
    for _ in range(_ROWS if h > 0 else 0):
        new = [float(np.real(along(h) - along(-h))) / (2 * h)]
        best = _Estimate(new[0], np.inf, "central differences")
        for j, old in enumerate(row):
            factor = 4.0 ** (j + 1)
            new.append((factor * new[j] - old) / (factor - 1))
            error = max(abs(new[-1] - new[-2]), abs(new[-1] - old))
            if error < best.error:
                best = _Estimate(new[-1], error, best.how)
        row = new
        h /= 2
        yield best


def _complex_step(along: Callable[[complex], Any]) -> _Estimate | None:
    """``Im f(x + ih) / h``, where ``f`` takes complex numbers."""
    try:
        y = np.asarray(along(1j * _STEP))
    except (TypeError, ValueError, WhenceError):
        return None
    if y.dtype.kind != "c" or y.ndim != 0:
        return None
    value = float(np.imag(y)) / _STEP
    return _Estimate(value, 1e-14 * abs(value), "complex step")


def _check_forward(f: Callable[..., Any], xs: list[Any], setting: _Setting) -> None:
    """``w J v`` must be the same number from the left and from the right."""
    rng = setting.rng
    directions = tuple(_random(rng, x) for x in xs)
    ys, pull = vjp(f, *xs)
    _, pushed = jvp(f, tuple(xs), directions)
    leaves, structure = flatten(ys)
    cotangents = [_random(rng, np.asarray(y)) for y in leaves]
    pulled = pull(structure.unflatten(cotangents))
    pulled = (pulled,) if len(xs) == 1 else pulled
    left = sum(_real_dot(g, v) for g, v in zip(pulled, directions, strict=True))
    pairs = list(zip(cotangents, flatten_like(structure, pushed), strict=True))
    right = sum(_real_dot(w, t) for w, t in pairs)
    size = sum(float(np.sum(np.abs(np.multiply(w, t)))) for w, t in pairs)
    if not abs(left - right) <= setting.atol + setting.rtol * max(size, abs(left)):
        raise _Disagreement(
            f"forward and reverse mode disagree (order {setting.level})\n  jvp: {right!r}\n  vjp: {left!r}",
            setting.level,
        )


def _real_dot(g: Any, v: Any) -> float:
    return float(np.sum(np.real(np.conjugate(g) * v)))


def _random(rng: np.random.Generator, like: Any) -> Any:
    """Numbers of both signs between 0.5 and 1.5 in size: none is so small that it hides an error."""
    w = rng.uniform(0.5, 1.5, like.shape) * rng.choice([-1.0, 1.0], like.shape)
    if like.dtype.kind == "c":
        w = w + 1j * rng.uniform(0.5, 1.5, like.shape)
    return w


def _bare(y: Any) -> Any:
    return y._data if isinstance(y, Variable) else y


# --- which op is wrong ---------------------------------------------------------------------------


def _culprit(f: Callable[..., Any], xs: list[Any], order: int) -> str:
    """The op whose own derivatives are wrong, found by checking each node of the graph by itself."""
    ys = [y for y in flatten(f(*[Variable(x) for x in xs]))[0] if isinstance(y, Variable)]
    nodes = nodes_behind(*[y.edge for y in ys])
    values = known_values(tuple(ys), nodes)
    for node in nodes:
        inputs = inputs_of(node, values)
        if inputs is None:
            continue
        if any(edge not in values for edge in node._ports or (node,)):
            values.update(recomputed(node, values))
        wrong = _wrong_at(node, inputs, order)
        if wrong is not None:
            what = ("gradient", "second derivative", "third derivative")[min(wrong, 3) - 1]
            return f"the {what} of {node.label} is wrong; it was {made_at(node)}"
    return "no single op is wrong by itself: does f depend on something that the graph cannot see?"


def _wrong_at(node: Any, inputs: list[Any], order: int) -> int | None:
    """At which order a node's own derivatives disagree with numerical ones; None if they agree."""

    def again(*xs: Any) -> Any:
        return node.applied_to(*xs)

    again.__name__ = node.label
    try:
        xs = [_double(x) for x in inputs]
        names = [""] * len(xs)
        setting = _Setting(names, 1e-5, 1e-7, True, np.random.default_rng(0), entries=0)
        _check(again, xs, setting, order)
    except _Disagreement as error:
        return error.order
    except WhenceError:
        return None
    return None
