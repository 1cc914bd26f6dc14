"""Rules of distributions of matrices: Wishart and inverse Wishart.

Gradients in a symmetric matrix are symmetric, as in ``vectors``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special, stats

from ...ops.declare import frozen
from .continuous import double
from .helpers import LN2, LOG_PI
from .several import bare, declare_several, exp_of, log_determinant, matrix, symmetric


def _parameters(dist: Any, df: Any, scale: Any) -> tuple[Any, Any, int]:
    made = dist(bare(df), frozen(scale))
    length = np.shape(made.scale)[-1]
    return double(df), symmetric(matrix(scale, length)), length


def _points(x: Any, length: int) -> Any:
    """Matrices ``(n, p, p)`` of what SciPy takes: ``(p, p)``, ``(p, p, n)``, a diagonal, numbers."""
    x = double(x)
    if length == 1:
        return np.reshape(x, (-1, 1, 1))
    if np.ndim(x) == 0:
        x = x * np.eye(length)
    if np.ndim(x) == 1:
        x = np.diag(x)
    return symmetric(np.expand_dims(x, 0) if np.ndim(x) == 2 else np.moveaxis(x, -1, 0))


def _log_multigamma(a: Any, p: int) -> Any:
    """The logarithm of the multivariate gamma function."""
    total = p * (p - 1) / 4 * LOG_PI
    return sum((special.gammaln(a - j / 2) for j in range(p)), start=total)


def _trace_of_quotient(a: Any, b: Any) -> Any:
    """``tr(inv(a) b)`` of stacks of matrices."""
    return np.trace(np.linalg.solve(*np.broadcast_arrays(a, b)), axis1=-2, axis2=-1)


def _wishart_logpdf(dist: Any, x: Any, df: Any, scale: Any) -> Any:
    df, scale, p = _parameters(dist, df, scale)
    dist.logpdf(frozen(x), bare(df), frozen(scale))  # SciPy's checks
    points = _points(x, p)
    body = 0.5 * (df - p - 1) * log_determinant(points) - 0.5 * _trace_of_quotient(scale, points)
    norm = 0.5 * df * (p * LN2 + log_determinant(scale)) + _log_multigamma(0.5 * df, p)
    return np.squeeze(body - norm)


def _invwishart_logpdf(dist: Any, x: Any, df: Any, scale: Any) -> Any:
    df, scale, p = _parameters(dist, df, scale)
    dist.logpdf(frozen(x), bare(df), frozen(scale))
    points = _points(x, p)
    body = -0.5 * (df + p + 1) * log_determinant(points) - 0.5 * _trace_of_quotient(points, scale)
    norm = 0.5 * df * (log_determinant(scale) - p * LN2) - _log_multigamma(0.5 * df, p)
    return np.squeeze(body + norm)


def _wishart_mean(dist: Any, df: Any, scale: Any) -> Any:
    df, scale, _ = _parameters(dist, df, scale)
    return np.squeeze(df * scale)


def _invwishart_mean(dist: Any, df: Any, scale: Any) -> Any:
    df, scale, p = _parameters(dist, df, scale)
    if frozen(df) <= p + 1:
        return dist.mean(bare(df), frozen(scale))
    return np.squeeze(scale / (df - p - 1))


declare_several(
    stats.wishart(1, 1.0),
    "df",
    "scale",
    logpdf=_wishart_logpdf,
    pdf=exp_of(_wishart_logpdf),
    mean=_wishart_mean,
)
declare_several(
    stats.invwishart(1, 1.0),
    "df",
    "scale",
    logpdf=_invwishart_logpdf,
    pdf=exp_of(_invwishart_logpdf),
    mean=_invwishart_mean,
)
