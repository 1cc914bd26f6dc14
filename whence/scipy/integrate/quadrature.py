"""Integrals of a user's function: ``quad`` and what is made of it.

The derivative of an integral is the integral of the derivative, by the same adaptive rule:
``d/dp ∫ f(x, p) dx = ∫ ∂f/∂p dx``, each component to the tolerances of the call; and at the ends
``d/db ∫ f dx = f(b)`` (Leibniz). The derivative is recorded as an integral again, so every order
comes from the one text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import LowLevelCallable, integrate

from ...config import mode
from ...core.origin import called_at
from ...core.primitive import Primitive
from ...core.variable import Variable, as_data, constant
from ...errors import NonFiniteError
from ..beyond import bare, holds_variable, no_gradient
from ..examples import for_each
from ..outer import Outer

Rule = Callable[[Callable[..., Any]], Any]  # from an integrand of plain numbers to its integral

# zero-length Gauss–Legendre rule: exact for derivatives at an end up to the tenth
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(5)
_NODES, _WEIGHTS = (_NODES + 1) / 2, _WEIGHTS / 2


def _pulled(g: Any, y: Any, theta: Any, outer: Outer, rule: Rule, value: Any) -> Any:
    return integral(lambda x: outer.pull(g, x), rule, outer.name)


_integral = Primitive(
    "scipy.integrate.quad",
    lambda theta, outer, rule, value: value,
    vjp=[_pulled],
    listed=False,
)


def integral(f: Callable[[Any], Any], rule: Rule, name: str) -> Any:
    """``rule(f)``, a Variable where ``f`` depends on Variables from outside.

    Args:
        f: the integrand, of a plain number; scalar or array.
        rule: the integral of an integrand that returns plain values.
        name: SciPy's name, for messages.
    """
    outer = Outer(f, name)
    value = rule(outer.plain)
    theta = outer.packed()
    return value if theta is None else _integral(theta, outer=outer, rule=rule, value=value)


def _by_component(f: Callable[[Any], Any], a: Any, b: Any, options: dict[str, Any]) -> Any:
    """``quad`` of each component of an integrand, which is called once for each node."""
    seen: dict[float, Any] = {}

    def at(x: float) -> Any:
        if x not in seen:
            seen[x] = f(x)
        return seen[x]

    middle = np.asarray(at(_inside(a, b)))
    if middle.ndim == 0:
        return np.float64(integrate.quad(f, a, b, complex_func=False, **options)[0])
    parts = [integrate.quad(lambda x, k=k: at(x)[k], a, b, **options)[0] for k in range(middle.size)]
    return np.array(parts, middle.dtype)


def _inside(a: float, b: float) -> float:
    """A number between two limits."""
    if np.isfinite(a) and np.isfinite(b):
        return float(a + 0.41 * (b - a))
    if np.isfinite(a):
        return float(a + np.sign(b))
    return float(b + np.sign(a)) if np.isfinite(b) else 0.3


@for_each
def quad(
    func: Any,
    a: Any,
    b: Any,
    args: Any = (),
    full_output: Any = 0,
    epsabs: float = 1.49e-8,
    epsrel: float = 1.49e-8,
    limit: int = 50,
    points: Any = None,
    weight: Any = None,
    wvar: Any = None,
    wopts: Any = None,
    maxp1: int = 50,
    limlst: int = 50,
    complex_func: bool = False,
) -> Any:
    """``scipy.integrate.quad``: ``∫_a^b func(x, *args) dx``, with derivatives.

    With respect to everything in ``args`` (Variables, or containers of them), to Variables that
    ``func`` closes over, and to ``a`` and ``b``. Infinite limits, ``points`` and ``weight`` work as
    in SciPy; with ``weight`` the limits and ``wvar`` are constants.

    Returns:
        SciPy's tuple, ``(integral, error estimate, …)``.

    Raises:
        NoGradientError: a Variable in ``points``, ``wvar``, or as a limit together with ``weight``.
        NonFiniteError: the integrand is not finite at a limit that is a Variable.

    Example:
        >>> import numpy as np, whence
        >>> from whence.scipy.integrate import quad
        >>> print(round(whence.grad(lambda p: quad(lambda x, p: np.exp(-p * x), 0, np.inf, (p,))[0])(2.0), 9))
        -0.25
    """
    args = args if isinstance(args, tuple) else (args,)
    if holds_variable(points, wvar) or (weight is not None and holds_variable(a, b)):
        raise no_gradient("scipy.integrate.quad with a Variable in weight=, wvar= or points=")
    low, high = bare(a), bare(b)
    options = {
        "epsabs": epsabs, "epsrel": epsrel, "limit": limit, "points": bare(points), "weight": weight,
        "wvar": bare(wvar), "wopts": wopts, "maxp1": maxp1, "limlst": limlst,
    }  # fmt: skip
    if isinstance(func, LowLevelCallable):
        if holds_variable(args, a, b):
            raise no_gradient("scipy.integrate.quad of a compiled function")
        return integrate.quad(func, low, high, bare(args), full_output, complex_func=complex_func, **options)

    def integrand(x: Any) -> Any:
        return func(x, *args)

    outer = Outer(integrand, "scipy.integrate.quad")
    result = list(
        integrate.quad(outer.plain, low, high, (), full_output, complex_func=complex_func, **options)
    )
    theta = outer.packed()
    if theta is not None:

        def rule(f: Callable[..., Any]) -> Any:
            if complex_func:
                return _complex_components(f, low, high, options)
            return _by_component(f, low, high, options)

        value = np.asarray(result[0])[()]
        result[0] = _integral(theta, outer=outer, rule=rule, value=value)
    result[0] = _with_ends(result[0], integrand, a, b)
    return tuple(result)


def _complex_components(f: Callable[..., Any], a: Any, b: Any, options: dict[str, Any]) -> Any:
    """The same where the integrand (and so perhaps its cotangents) is complex."""
    real = _by_component(lambda x: np.real(f(x)), a, b, options)
    return real + 1j * _by_component(lambda x: np.imag(f(x)), a, b, options)


def _with_ends(value: Any, f: Callable[[Any], Any], a: Any, b: Any) -> Any:
    """The integral, made to depend on those of its limits that are Variables."""
    for end, sign in ((a, -1), (b, 1)):
        if isinstance(end, Variable):
            if not mode().recording:
                value = value if isinstance(value, Variable) else constant(as_data(value)[()])
            elif np.isfinite(end._data):
                value = value + sign * _beyond_end(f, end, end._data)
    return value


def _beyond_end(f: Callable[[Any], Any], end: Any, at: Any) -> Any:
    """``∫`` from where the limit is (a constant) to the limit: zero, with derivative ``f(end)``."""
    step = end - at
    total: Any = 0.0
    for node, w in zip(_NODES, _WEIGHTS, strict=True):
        y = f(at + step * node)
        if not np.all(np.isfinite(bare(y))):
            raise NonFiniteError(
                f"scipy.integrate.quad: the integrand is {bare(y)} at the limit {at}, so the integral has "
                f"no derivative with respect to it{called_at()}\n  → pass the bare limit, b.data"
            )
        total = total + w * y
    return step * total


@for_each
def quad_vec(f: Any, a: Any, b: Any, *positional: Any, args: Any = (), **options: Any) -> Any:
    """``scipy.integrate.quad_vec``: the integral of an array-valued function, with derivatives.

    With respect to ``args`` and to what ``f`` closes over, and to ``a`` and ``b``.

    Example:
        >>> import numpy as np, whence
        >>> from whence.scipy.integrate import quad_vec
        >>> f = lambda p: quad_vec(lambda x: np.stack([p, x * p ** 2]), 0, 1)[0]
        >>> print(np.round(whence.jacobian(f)(3.0), 9))
        [1. 3.]
    """
    low, high = bare(a), bare(b)
    args = args if isinstance(args, tuple) else (args,)

    def integrand(x: Any) -> Any:
        return f(x, *args)

    outer = Outer(integrand, "scipy.integrate.quad_vec")
    result = list(integrate.quad_vec(outer.plain, low, high, *positional, **options))
    theta = outer.packed()
    if theta is not None:
        options = {key: value for key, value in options.items() if key != "full_output"}
        plain = [value for i, value in enumerate(positional) if i != 9]

        def rule(h: Callable[..., Any]) -> Any:
            return integrate.quad_vec(h, low, high, *plain, **options)[0]

        result[0] = _integral(theta, outer=outer, rule=rule, value=np.asarray(result[0])[()])
    result[0] = _with_ends(result[0], integrand, a, b)
    return tuple(result)
