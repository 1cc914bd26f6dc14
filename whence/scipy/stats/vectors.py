"""Rules of distributions of vectors: normal, t, Dirichlet, multinomial.

Gradients in a covariance or shape matrix are symmetric: those of a symmetric matrix moved symmetrically
(SciPy itself reads only one triangle).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special, stats

from ...core.origin import called_at
from ...core.variable import Variable
from ...errors import NoGradientError
from ...ops.declare import frozen
from .continuous import double
from .helpers import LOG_2PI, LOG_PI
from .several import (
    bare,
    columns,
    declare_several,
    exp_of,
    log_determinant,
    matrix,
    quadratic_form,
    symmetric,
    vector,
)


def _normal_parameters(dist: Any, mean: Any, cov: Any, allow_singular: bool) -> tuple[Any, Any]:
    """Mean and covariance as vector and matrix, after SciPy's own checks."""
    if isinstance(cov, stats.Covariance):
        cov = cov.covariance
    made = dist(frozen(mean), frozen(cov), allow_singular)
    length = np.shape(made.cov)[-1]
    if isinstance(cov, Variable) and allow_singular and _rank(made.cov) < length:
        raise NoGradientError(
            f"a density has no gradient in a singular covariance matrix: any other rank gives another "
            f"density{called_at()}\n"
            "  → leave out the dependent variables, or add a small multiple of np.eye(d); with a constant "
            "matrix there are gradients in x and the mean"
        )
    return vector(mean, length), symmetric(matrix(1.0 if cov is None else cov, length))


def _normal_logpdf(dist: Any, x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
    mean, cov = _normal_parameters(dist, mean, cov, allow_singular)
    length = np.shape(mean)[0]
    away = columns(x, length) - mean
    if allow_singular and not isinstance(cov, Variable) and _rank(cov) < length:
        return _flat_logpdf(away, cov)
    distance = quadratic_form(cov, away)
    return np.squeeze(-0.5 * (length * LOG_2PI + log_determinant(cov) + distance))


def _flat_logpdf(away: Any, cov: np.ndarray) -> Any:
    """The density on the subspace that a singular covariance spans; -inf off it, as in SciPy."""
    lengths, axes = np.linalg.eigh(cov)
    kept = lengths > _THIN * lengths[-1]
    across = away @ (axes[:, kept] / np.sqrt(lengths[kept]))
    off = np.linalg.norm(frozen(away) @ axes[:, ~kept], axis=-1) >= 1e3 * _THIN * lengths[-1]
    log_volume = kept.sum() * LOG_2PI + np.log(lengths[kept]).sum()
    return np.squeeze(np.where(off, -np.inf, -0.5 * (log_volume + np.sum(across**2, axis=-1))))


_THIN = 1e6 * np.finfo(float).eps  # of the largest eigenvalue: what SciPy takes for zero


def _rank(cov: np.ndarray) -> int:
    """How many eigenvalues of a covariance matrix are not zero."""
    lengths = np.linalg.eigvalsh(cov)
    return int(np.sum(lengths > _THIN * lengths[-1]))


def _normal_entropy(dist: Any, mean: Any = None, cov: Any = 1) -> Any:
    mean, cov = _normal_parameters(dist, mean, cov, False)
    return 0.5 * (np.shape(mean)[0] * (LOG_2PI + 1) + log_determinant(cov))


declare_several(
    stats.multivariate_normal([0.0]),
    "mean",
    "cov",
    "allow_singular",
    logpdf=_normal_logpdf,
    pdf=exp_of(_normal_logpdf),
    entropy=_normal_entropy,
)


# --- Student's t -------------------------------------------------------------------------------------


def _t_logpdf(
    dist: Any, x: Any, loc: Any = None, shape: Any = 1, df: Any = 1, allow_singular: bool = False
) -> Any:
    if df is not None and np.isinf(frozen(df)):
        return _normal_logpdf(stats.multivariate_normal, x, loc, shape, allow_singular)
    made = dist(frozen(loc), frozen(shape), bare(df), allow_singular=allow_singular)
    length = np.shape(made.shape)[-1]
    _, shape = _normal_parameters(stats.multivariate_normal, made.loc, shape, allow_singular)
    df = double(made.df if df is None else df)
    if allow_singular and _rank(frozen(shape)) < length:
        raise NoGradientError(
            f"Student's t with a singular shape matrix has no rule in whence{called_at()}\n"
            "  → leave out the dependent variables, or add a small multiple of np.eye(d)"
        )
    distance = quadratic_form(shape, columns(x, length) - vector(loc, length))
    half = 0.5 * (df + length)
    constant = special.gammaln(half) - special.gammaln(0.5 * df) - length / 2 * (np.log(df) + LOG_PI)
    return np.squeeze(constant - 0.5 * log_determinant(shape) - half * np.log1p(distance / df))


declare_several(stats.multivariate_t([0.0]), "loc", "shape", "df", logpdf=_t_logpdf, pdf=exp_of(_t_logpdf))


# --- Dirichlet ---------------------------------------------------------------------------------------


def _log_beta(alpha: Any) -> Any:
    return np.sum(special.gammaln(alpha)) - special.gammaln(np.sum(alpha))


def _dirichlet_logpdf(dist: Any, x: Any, alpha: Any) -> Any:
    dist.logpdf(frozen(x), frozen(alpha))  # SciPy's checks
    x, alpha = double(x), double(alpha)
    if np.shape(x)[0] != np.shape(alpha)[0]:  # the last component is what is left of 1
        x = np.concatenate([x, np.expand_dims(1 - np.sum(x, axis=0), 0)])
    weights = np.reshape(alpha - 1, (-1,) + (1,) * (np.ndim(x) - 1))
    return np.squeeze(np.sum(special.xlogy(weights, x), axis=0) - _log_beta(alpha))


def _dirichlet_mean(dist: Any, alpha: Any) -> Any:
    dist(frozen(alpha))
    alpha = double(alpha)
    return np.squeeze(alpha / np.sum(alpha))


def _dirichlet_var(dist: Any, alpha: Any) -> Any:
    dist(frozen(alpha))
    alpha = double(alpha)
    total = np.sum(alpha)
    return np.squeeze(alpha * (total - alpha) / (total * total * (total + 1)))


def _dirichlet_cov(dist: Any, alpha: Any) -> Any:
    dist(frozen(alpha))
    alpha = double(alpha)
    total = np.sum(alpha)
    mean = alpha / total
    return np.squeeze((np.diag(mean) - np.outer(mean, mean)) / (total + 1))


def _dirichlet_entropy(dist: Any, alpha: Any) -> Any:
    dist(frozen(alpha))
    alpha = double(alpha)
    total, psi = np.sum(alpha), special.digamma
    return _log_beta(alpha) + (total - np.shape(alpha)[0]) * psi(total) - np.sum((alpha - 1) * psi(alpha))


declare_several(
    stats.dirichlet([1.0, 1.0]),
    "alpha",
    logpdf=_dirichlet_logpdf,
    pdf=exp_of(_dirichlet_logpdf),
    mean=_dirichlet_mean,
    var=_dirichlet_var,
    cov=_dirichlet_cov,
    entropy=_dirichlet_entropy,
)


# --- multinomial -------------------------------------------------------------------------------------


def _probabilities(p: Any) -> Any:
    """As given; where a row does not sum to 1 SciPy replaces its last entry by what is left."""
    p = double(p)
    rest = 1 - np.sum(p[..., :-1], axis=-1)
    off = np.abs(frozen(rest) - frozen(p)[..., -1]) > 10 * np.finfo(np.float64).eps
    if not np.any(off):
        return p
    last = np.where(off, rest, p[..., -1])
    return np.concatenate([p[..., :-1], np.expand_dims(last, -1)], axis=-1)


def _multinomial_logpmf(dist: Any, x: Any, n: Any, p: Any) -> Any:
    x, n = np.asarray(frozen(x)), np.asarray(frozen(n))
    value = dist.logpmf(x, n, frozen(p))
    defined = np.isfinite(value)
    p = _probabilities(p)
    if not np.all(defined):
        p = np.where(np.expand_dims(defined, -1), p, 0.5)
    ways = special.gammaln(n + 1) - np.sum(special.gammaln(x + 1.0), axis=-1)
    y = np.sum(special.xlogy(x, p), axis=-1) + np.where(defined, ways, 0.0)
    return y if np.all(defined) else np.where(defined, y, value)


def _multinomial_mean(dist: Any, n: Any, p: Any) -> Any:
    dist.mean(frozen(n), frozen(p))
    return np.expand_dims(np.asarray(frozen(n)), -1) * _probabilities(p)


declare_several(
    stats.multinomial(1, [0.5, 0.5]),
    "n",
    "p",
    logpmf=_multinomial_logpmf,
    pmf=exp_of(_multinomial_logpmf),
    mean=_multinomial_mean,
)
