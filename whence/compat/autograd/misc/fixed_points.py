"""The fixed point of an iteration, differentiated by the implicit function theorem."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..differential_operators import make_vjp
from ..extend import defvjp, primitive
from ..spaces import vspace


@primitive
def fixed_point(f: Callable[..., Any], a: Any, x0: Any, distance: Callable[..., Any], tol: float) -> Any:
    """``x`` with ``x = f(a)(x)``, iterated from ``x0`` until a step is at most ``tol`` by ``distance``.

    The gradient with respect to ``a`` solves ``w = g + w df/dx``, again by iteration; ``x0`` has none.
    """
    step = f(a)
    before, x = x0, step(x0)
    while distance(x, before) > tol:
        before, x = x, step(x)
    return x


def _pull(ans: Any, f: Any, a: Any, x0: Any, distance: Any, tol: Any) -> Callable[[Any], Any]:
    def reverse(parameters: Any) -> Callable[[Any], Any]:
        a, x, g = parameters
        pull_x, _ = make_vjp(f(a))(x)
        return lambda w: vspace(x).add(pull_x(w), g)

    pull_a, _ = make_vjp(lambda a, x: f(a)(x))(a, ans)
    return lambda g: pull_a(fixed_point(reverse, (a, ans, g), vspace(x0).zeros(), distance, tol))


defvjp(fixed_point, None, _pull, None)
