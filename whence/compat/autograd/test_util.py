"""``check_grads``: derivatives against central differences along random directions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

from .products import make_jvp, make_vjp
from .spaces import vspace
from .wrap_util import get_name, unary_to_nary, wraps

TOL = 1e-6
RTOL = 1e-6
EPS = 1e-6


def scalar_close(a: Any, b: Any) -> bool:
    """Are two numbers equal to within ``TOL``, or ``RTOL`` of their sum?"""
    return bool(abs(a - b) < TOL or abs(a - b) / abs(a + b) < RTOL)


def make_numerical_jvp(f: Callable[..., Any], x: Any) -> Callable[[Any], Any]:
    """The Jacobian times a vector, from two values of ``f``."""
    space, result = vspace(x), vspace(f(x))

    def push(v: Any) -> Any:
        ahead = f(space.add(x, space.scalar_mul(v, EPS / 2)))
        behind = f(space.add(x, space.scalar_mul(v, -EPS / 2)))
        return result.scalar_mul(result.add(ahead, result.scalar_mul(behind, -1.0)), 1 / EPS)

    return push


def check_vjp(f: Callable[..., Any], x: Any) -> None:
    """Reverse mode at ``x``."""
    pull, y = make_vjp(f, x)
    space, result = vspace(x), vspace(y)
    v, w = space.randn(), result.randn()
    pulled = space.covector(pull(result.covector(w)))
    assert vspace(pulled) == space
    exact = space.inner_prod(v, pulled)
    numeric = result.inner_prod(w, make_numerical_jvp(f, x)(v))
    assert scalar_close(numeric, exact), (
        f"Derivative (VJP) check of {get_name(f)} failed with arg {x}:\n"
        f"analytic: {exact}\nnumeric:  {numeric}"
    )


def check_jvp(f: Callable[..., Any], x: Any) -> None:
    """Forward mode at ``x``."""
    v = vspace(x).randn()
    check_equivalent(make_jvp(f, x)(v)[1], make_numerical_jvp(f, x)(v))


def check_equivalent(x: Any, y: Any) -> None:
    """Do two values have the same shapes and types, and the same inner product with a random one?"""
    space, other = vspace(x), vspace(y)
    assert space == other, f"VSpace mismatch:\nx: {space}\ny: {other}"
    v = space.randn()
    assert scalar_close(space.inner_prod(x, v), space.inner_prod(y, v)), f"Value mismatch:\nx: {x}\ny: {y}"


@unary_to_nary
def check_grads(f: Callable[..., Any], x: Any, modes: Sequence[str] = ("fwd", "rev"), order: int = 2) -> None:
    """Check the derivatives of ``f`` at ``x`` to this order, in these modes."""
    assert all(mode in ("fwd", "rev") for mode in modes)
    if "fwd" in modes:
        check_jvp(f, x)
        if order > 1:
            again = wraps(f, "jvp_{fun}")(lambda x, v: make_jvp(f, x)(v)[1])
            check_grads(again, (0, 1), modes, order=order - 1)(x, vspace(x).randn())
    if "rev" in modes:
        check_vjp(f, x)
        if order > 1:
            again = wraps(f, "vjp_{fun}")(lambda x, v: make_vjp(f, x)[0](v))
            check_grads(again, (0, 1), modes, order=order - 1)(x, vspace(f(x)).randn())


def combo_check(fun: Callable[..., Any], *checked: Any, **options: Any) -> Callable[..., Any]:
    """``check_grads`` for every combination of lists of arguments and keywords."""

    def check(*args: Any, **kwargs: Any) -> None:
        names = list(kwargs)
        for values in product(*args):
            for chosen in product(*kwargs.values()):
                keywords = dict(zip(names, chosen, strict=True))
                check_grads(fun, *checked, **options)(*values, **keywords)

    return check
