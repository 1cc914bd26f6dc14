"""Functions of matrices: expm, logm, sqrtm and their kin.

Their derivatives are functions of matrices again: ``f([[A, E], [0, A]])`` has the derivative of f
along E in its upper right block (Mathias 1996, SIAM J. Matrix Anal. Appl. 17(3)).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import linalg as original

from ...core.primitive import Primitive
from ...ops.batching import as_it_is
from ...ops.declare import frozen
from ...ops.factor import swapped
from .mirror import doubled, mirrors, no_gradient
from .sylvester import sylvester_


def _blocks(a: Any, e: Any) -> Any:
    """``[[a, e], [0, a]]``."""
    top = np.concatenate([a, e], axis=-1)
    bottom = np.concatenate([np.zeros(e.shape, e.dtype), a], axis=-1)
    return np.concatenate([top, bottom], axis=-2)


def derivative(f: Callable[..., Any], a: Any, e: Any, **params: Any) -> Any:
    """The derivative of a function of matrices at ``a`` along ``e``."""
    n = a.shape[-1]
    large, size = np.abs(frozen(e)).max(initial=0), np.abs(frozen(a)).max(initial=0)
    scale = float(size / large) if size and large else 1.0  # e as large as a: no digits are lost
    e = e * scale
    return f(_blocks(a, e), **params)[..., :n, n:] * (1 / scale)


expm_ = Primitive(
    "scipy.linalg.expm",
    original.expm,
    vjp=[lambda g, y, a: derivative(expm, swapped(a), g)],
    reads=["0"],
    batch=as_it_is,
)
logm_ = Primitive(
    "scipy.linalg.logm",
    original.logm,
    vjp=[lambda g, y, a: derivative(logm, swapped(a), g)],
    reads=["0"],
    batch=as_it_is,
)
# X X = A: X dX + dX X = dA
sqrtm_ = Primitive(
    "scipy.linalg.sqrtm",
    original.sqrtm,
    vjp=[lambda g, y, a: sylvester_(swapped(y), swapped(y), g)],
    reads=["y"],
    batch=as_it_is,
)
power_ = Primitive(
    "scipy.linalg.fractional_matrix_power",
    original.fractional_matrix_power,
    vjp=[lambda g, y, a, t: derivative(fractional_matrix_power, swapped(a), g, t=t)],
    reads=["0"],
    batch=as_it_is,
)


@mirrors(original.expm)
def expm(A: Any) -> Any:
    """``exp(A)``."""
    return expm_(A)


@mirrors(original.logm)
def logm(A: Any) -> Any:
    """The principal logarithm."""
    return logm_(A)


@mirrors(original.sqrtm)
def sqrtm(A: Any) -> Any:
    """The principal square root."""
    return sqrtm_(A)


@mirrors(original.fractional_matrix_power)
def fractional_matrix_power(A: Any, t: Any) -> Any:
    """``A**t``; differentiable in A."""
    if hasattr(t, "_data"):
        raise no_gradient("the exponent of scipy.linalg.fractional_matrix_power", "expm(t * logm(A))")
    return power_(A, t=t)


@mirrors(original.expm_frechet)
def expm_frechet(
    A: Any, E: Any, method: Any = None, compute_expm: bool = True, check_finite: bool = True
) -> Any:
    """``expm(A)`` and its derivative along E."""
    A, E, n = doubled(A), doubled(E), np.shape(A)[-1]
    y = expm(_blocks(A, E))
    own, along = y[..., :n, :n], y[..., :n, n:]
    own = np.real(own) if A.dtype.kind != "c" else own
    return (own, along) if compute_expm else along


@mirrors(original.cosm)
def cosm(A: Any) -> Any:
    """``(exp(iA) + exp(-iA)) / 2``."""
    return 0.5 * (expm(1j * A) + expm(-1j * A)) if A.dtype.kind == "c" else np.real(expm(1j * A))


@mirrors(original.sinm)
def sinm(A: Any) -> Any:
    """``(exp(iA) - exp(-iA)) / 2i``."""
    return -0.5j * (expm(1j * A) - expm(-1j * A)) if A.dtype.kind == "c" else np.imag(expm(1j * A))


@mirrors(original.tanm)
def tanm(A: Any) -> Any:
    """``cosm(A)^-1 sinm(A)``."""
    return np.linalg.solve(cosm(A), sinm(A))


@mirrors(original.coshm)
def coshm(A: Any) -> Any:
    """``(exp(A) + exp(-A)) / 2``."""
    return 0.5 * (expm(A) + expm(-A))


@mirrors(original.sinhm)
def sinhm(A: Any) -> Any:
    """``(exp(A) - exp(-A)) / 2``."""
    return 0.5 * (expm(A) - expm(-A))


@mirrors(original.tanhm)
def tanhm(A: Any) -> Any:
    """``coshm(A)^-1 sinhm(A)``."""
    return np.linalg.solve(coshm(A), sinhm(A))
