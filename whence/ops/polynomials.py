"""Orthogonal polynomials in their argument: each differentiates into one of lower degree.

(DLMF 18.9.15 to 18.9.28.) The degree and the parameters are constants.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from ..core.primitive import Primitive, elementwise
from ..core.variable import as_array
from .declare import frozen
from .orders import constant_only

#: The parameters between the degree and the argument, by function.
PARAMETERS = {
    special.eval_jacobi: ("alpha", "beta"),
    special.eval_sh_jacobi: ("p", "q"),
    special.eval_gegenbauer: ("alpha",),
    special.eval_genlaguerre: ("alpha",),
}


def _lowered(slope: Callable[..., Any]) -> Callable[..., Any]:
    """A rule from ``slope(n, n - 1, *parameters, x)``, which is 0 for the degree 0."""

    def rule(g: Any, y: Any, n: Any, *rest: Any) -> Any:
        degree = as_array(frozen(n))
        constant = np.equal(degree, 0)
        if not np.any(constant):
            return g * slope(degree, degree - 1, *rest)
        lower = np.where(constant, 0, degree - 1)  # some of SciPy's functions are NaN at -1
        return g * np.where(constant, 0, slope(degree, lower, *rest))

    return rule


def _polynomial(function: Any, slope: Callable[..., Any]) -> Primitive:
    name = f"scipy.special.{function.__name__}"
    parameters = PARAMETERS.get(function, ())
    refused = [constant_only(name, operand) for operand in ("n", *parameters)]
    digits = "".join(str(i) for i in range(len(refused) + 1))
    return elementwise(function, vjp=[*refused, _lowered(slope)], reads=[*[""] * len(refused), digits])


eval_jacobi = _polynomial(
    special.eval_jacobi,
    lambda n, k, a, b, x: (n + a + b + 1) / 2 * special.eval_jacobi(k, a + 1, b + 1, x),
)
eval_sh_jacobi = _polynomial(
    special.eval_sh_jacobi, lambda n, k, p, q, x: n * special.eval_sh_jacobi(k, p + 2, q + 1, x)
)
eval_legendre = _polynomial(
    special.eval_legendre, lambda n, k, x: (n + 1) / 2 * special.eval_jacobi(k, 1.0, 1.0, x)
)
eval_sh_legendre = _polynomial(
    special.eval_sh_legendre, lambda n, k, x: (n + 1) * special.eval_jacobi(k, 1.0, 1.0, 2 * x - 1)
)
eval_gegenbauer = _polynomial(
    special.eval_gegenbauer, lambda n, k, a, x: 2 * a * special.eval_gegenbauer(k, a + 1, x)
)
eval_chebyt = _polynomial(special.eval_chebyt, lambda n, k, x: n * special.eval_chebyu(k, x))
eval_chebyu = _polynomial(special.eval_chebyu, lambda n, k, x: 2 * special.eval_gegenbauer(k, 2.0, x))
eval_chebyc = _polynomial(special.eval_chebyc, lambda n, k, x: n * special.eval_chebys(k, x))
eval_chebys = _polynomial(special.eval_chebys, lambda n, k, x: special.eval_gegenbauer(k, 2.0, x / 2))
eval_sh_chebyt = _polynomial(special.eval_sh_chebyt, lambda n, k, x: 2 * n * special.eval_sh_chebyu(k, x))
eval_sh_chebyu = _polynomial(
    special.eval_sh_chebyu, lambda n, k, x: 4 * special.eval_gegenbauer(k, 2.0, 2 * x - 1)
)
eval_hermite = _polynomial(special.eval_hermite, lambda n, k, x: 2 * n * special.eval_hermite(k, x))
eval_hermitenorm = _polynomial(special.eval_hermitenorm, lambda n, k, x: n * special.eval_hermitenorm(k, x))
eval_laguerre = _polynomial(special.eval_laguerre, lambda n, k, x: -special.eval_genlaguerre(k, 1.0, x))
eval_genlaguerre = _polynomial(
    special.eval_genlaguerre, lambda n, k, a, x: -special.eval_genlaguerre(k, a + 1, x)
)
