"""Matrix equations: Sylvester's and Lyapunov's."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg as original

from ...core.primitive import Primitive
from ...ops.batching import leading
from ...ops.factor import adjoint, swapped
from .mirror import doubled, mirrors


def _sylvester_rule(i: int, g: Any, y: Any, a: Any, b: Any, q: Any) -> Any:
    gq = sylvester_(swapped(a), swapped(b), g)
    return gq if i == 2 else -(gq @ swapped(y)) if i == 0 else -(swapped(y) @ gq)


def _sylvester(a: Any, b: Any, q: Any) -> Any:
    # SciPy is wrong where real matrices with complex eigenvalues meet a complex one: it takes the
    # blocks of their real Schur forms for triangles. All complex, it is right.
    kind = np.result_type(a, b, q)
    if kind.kind == "c":
        a, b, q = (x.astype(kind) for x in (a, b, q))
    return original.solve_sylvester(a, b, q)


sylvester_ = Primitive(
    "scipy.linalg.solve_sylvester",
    _sylvester,
    vjp=[
        lambda g, y, a, b, q: _sylvester_rule(0, g, y, a, b, q),
        lambda g, y, a, b, q: _sylvester_rule(1, g, y, a, b, q),
        lambda g, y, a, b, q: _sylvester_rule(2, g, y, a, b, q),
    ],
    reads=["01y", "01y", "01"],
    batch=leading(2, 2, 2),
)


@mirrors(original.solve_sylvester)
def solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    """X with ``a X + X b = q``."""
    return sylvester_(a, b, q)


@mirrors(original.solve_continuous_lyapunov)
def solve_continuous_lyapunov(a: Any, q: Any) -> Any:
    """X with ``a X + X a^H = q``."""
    return sylvester_(a, adjoint(a), q)


@mirrors(original.solve_lyapunov)
def solve_lyapunov(a: Any, q: Any) -> Any:
    """X with ``a X + X a^H = q``."""
    return sylvester_(a, adjoint(a), q)


@mirrors(original.solve_discrete_lyapunov)
def solve_discrete_lyapunov(a: Any, q: Any, method: Any = None) -> Any:
    """X with ``a X a^H - X + q = 0``."""
    a, n = doubled(a), np.shape(a)[-1]
    eye = np.eye(n, dtype=a.dtype)
    if method is None:
        method = "direct" if n < 10 else "bilinear"
    if method.lower() == "direct":
        # vec(a X a^H) in C order is kron(a, conj(a)) vec(X)
        both = a[..., :, None, :, None] * np.conjugate(a)[..., None, :, None, :]
        batch = np.shape(both)[:-4]
        left = np.eye(n * n, dtype=a.dtype) - np.reshape(both, (*batch, n * n, n * n))
        flat = np.linalg.solve(left, np.reshape(q, (*np.shape(q)[:-2], n * n, 1)))
        return np.reshape(flat, (*np.shape(flat)[:-2], n, n))
    if method.lower() != "bilinear":
        raise ValueError(f"Unknown solver {method}")
    ah = adjoint(a)
    inverse = np.linalg.inv(ah + eye)
    b = (ah - eye) @ inverse
    c = 2 * (np.linalg.inv(a + eye) @ q @ inverse)
    return sylvester_(adjoint(b), b, -c)
