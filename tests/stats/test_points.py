"""Special points: outside the support, at its edges, in the tails, at parameters where formulas change."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from scipy import stats

from whence import Variable, errors, grad

from .table import CASES

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
METHODS = ("pdf", "logpdf", "cdf", "sf", "logcdf", "logsf", "ppf", "isf")
CALLS = [
    pytest.param(dist, method, id=f"{dist.name}.{method}")
    for dist, case in CASES.items()
    for method in METHODS
    if method in case.methods
]


@pytest.mark.parametrize("dist, method", CALLS)
def test_outside_the_support_and_invalid_parameters(dist, method):
    """SciPy's values there, the gradient zero, and neither spoils the others."""
    case = CASES[dist]
    inner = (0.3, 0.6) if method in ("ppf", "isf") else case.point
    x = np.array([*inner, -1e3, 1e3, np.nan])[:, None]
    shapes = [np.array([np.mean(bounds), np.nan]) for bounds in case.shapes]
    scale = np.array([1.0, 1.0]) if shapes else np.array([1.0, -1.0])
    args = [x, *shapes]
    expected = getattr(dist, method)(*args, scale=scale)
    if method.startswith("log"):  # far out SciPy takes the logarithm of a difference, or of 0
        ours = getattr(dist, method)(*map(Variable, args), scale=scale).data
        expected = np.where(expected < -15, ours, expected)
    variables = [Variable(a) for a in args]
    size = Variable(scale)
    y = getattr(dist, method)(*variables, scale=size)
    np.testing.assert_allclose(y.data, expected, rtol=1e-12, atol=1e-14)
    y.backward(gradient=np.where(np.isfinite(expected), 1.0, 0.0))
    for v in (*variables, size):
        assert np.isfinite(v.grad.data).all()
    if method not in ("ppf", "isf"):
        low, high = dist.support(*[s[0] for s in shapes])
        assert not variables[0].grad.data[~((low < x) & (x < high))].any()


EDGES = {
    stats.beta: [(1.0, 1.0), (2.0, 0.5), (0.5, 2.0), (1.0, 3.0)],
    stats.expon: [()],
    stats.gamma: [(0.5,), (1.0,), (2.0,)],
    stats.genpareto: [(-0.5,), (0.0,), (0.5,)],
    stats.halfnorm: [()],
    stats.pareto: [(2.0,)],
    stats.powerlaw: [(1.0,), (0.5,), (3.0,)],
    stats.rayleigh: [()],
    stats.triang: [(0.0,), (0.4,), (1.0,)],
    stats.uniform: [()],
    stats.weibull_min: [(1.0,), (0.5,), (2.0,)],
}


@pytest.mark.parametrize("dist", EDGES, ids=lambda d: d.name)
@pytest.mark.parametrize("method", METHODS)
def test_edges_of_the_support(dist, method):
    for shapes in EDGES[dist]:
        ends = np.array([0.0, 1.0]) if method in ("ppf", "isf") else np.array(dist.support(*shapes))
        ends = np.where(np.isfinite(ends), ends, ends[0])  # at infinity SciPy's density may be NaN
        x = np.append(ends, 0.5 * np.sum(ends) if np.isfinite(ends).all() else ends[0] + 1)
        expected = getattr(dist, method)(x, *shapes)
        v = Variable(x)
        y = getattr(dist, method)(v, *shapes)
        np.testing.assert_allclose(y.data, expected, rtol=1e-13)
        y.backward(gradient=np.ones(3))
        assert not np.isnan(v.grad.data).any(), (shapes, v.grad)


def test_a_logistic_peak_is_smooth():
    """At 0, where the usual formula has an absolute value."""
    assert grad(stats.logistic.logpdf)(0.0) == 0
    np.testing.assert_allclose(grad(grad(stats.logistic.logpdf))(0.0), -0.5)


@pytest.mark.parametrize("c", [-1e-3, -1e-9, 0.0, 1e-9, 1e-3, 0.02, 0.2])
@pytest.mark.parametrize("dist", [stats.genextreme, stats.genpareto], ids=lambda d: d.name)
def test_shape_near_zero(dist, c):
    """The families run through the Gumbel and the exponential distribution smoothly."""
    x = 1.3
    sign = -1 if dist is stats.genextreme else 1

    def exact(c):
        t = mpmath.log1p(sign * c * x) / (sign * c) if c else mpmath.mpf(x)
        return -(1 - c) * t - mpmath.exp(-t) if sign < 0 else -(1 + c) * t

    with mpmath.workdps(60):
        step = mpmath.mpf("1e-12")
        at = [exact(mpmath.mpf(c) + k * step) for k in (-1, 0, 1)]
        first, second = (at[2] - at[0]) / (2 * step), (at[2] - 2 * at[1] + at[0]) / step**2
    f = lambda c: dist.logpdf(x, c)  # noqa: E731
    np.testing.assert_allclose(f(Variable(c)).data, float(at[1]), rtol=1e-13)
    np.testing.assert_allclose(grad(f)(c), float(first), rtol=1e-11)
    np.testing.assert_allclose(grad(grad(f))(c), float(second), rtol=1e-9)


@pytest.mark.parametrize("df", [0.7, 3.0, 59.0, 61.0, 1e4, 1e9])
def test_student_with_many_degrees_of_freedom(df):
    x = 3.0

    def exact(x, n):
        ratio = mpmath.loggamma((n + 1) / 2) - mpmath.loggamma(n / 2) - mpmath.log(mpmath.pi * n) / 2
        return ratio - (n + 1) / 2 * mpmath.log1p(x * x / n)

    with mpmath.workdps(60):
        value = exact(x, mpmath.mpf(df))
        slope = mpmath.diff(lambda n: exact(x, n), mpmath.mpf(df))
    np.testing.assert_allclose(stats.t.logpdf(Variable(x), df).data, float(value), rtol=1e-14)
    np.testing.assert_allclose(grad(stats.t.logpdf)(x, df), -(df + 1) * x / (df + x * x), rtol=1e-14)
    np.testing.assert_allclose(grad(stats.t.logpdf, 1)(x, df), float(slope), rtol=1e-11, atol=1e-16)


def test_student_with_infinitely_many_degrees_of_freedom():
    x, df = np.array([0.3, -1.2])[:, None], np.array([2.0, np.inf])
    for method in ("pdf", "logpdf", "cdf", "sf"):
        f = getattr(stats.t, method)
        v, n = Variable(x), Variable(df)
        y = f(v, n)
        np.testing.assert_allclose(y.data, f(x, df), rtol=1e-13)
        y.sum().backward()
        assert np.isfinite(v.grad.data).all()
        assert n.grad.data[1] == 0


def test_tails_of_the_normal():
    for x in (-40.0, -8.0, 8.0, 40.0):
        with mpmath.workdps(60):
            ratio = mpmath.npdf(x) / mpmath.ncdf(x)
        np.testing.assert_allclose(grad(stats.norm.logcdf)(x), float(ratio), rtol=1e-12)
        np.testing.assert_allclose(grad(stats.norm.logsf)(-x), -float(ratio), rtol=1e-12)


@pytest.mark.parametrize("a, b", [(-2.0, 1.0), (5.0, 9.0), (-30.0, -20.0), (-np.inf, 0.5), (1.0, np.inf)])
def test_truncated_normal(a, b):
    x = a + 0.3 if np.isfinite(a) else b - 0.3
    with mpmath.workdps(80):
        mass = mpmath.ncdf(b) - mpmath.ncdf(a)
        at_a, at_b = mpmath.npdf(a) / mass, mpmath.npdf(b) / mass
        below = (mpmath.ncdf(x) - mpmath.ncdf(a)) / mass
        density = mpmath.npdf(x) / mass
    f = stats.truncnorm.logpdf
    np.testing.assert_allclose(f(Variable(x), a, b).data, float(mpmath.log(density)), rtol=1e-12)
    np.testing.assert_allclose(grad(f, 1)(x, a, b), float(at_a), rtol=1e-9)
    np.testing.assert_allclose(grad(f, 2)(x, a, b), -float(at_b), rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(stats.truncnorm.cdf(Variable(x), a, b).data, float(below), rtol=1e-11)
    np.testing.assert_allclose(grad(stats.truncnorm.cdf)(x, a, b), float(density), rtol=1e-10)


def test_probabilities_that_underflow():
    """SciPy's logcdf is -inf there; its gradient is zero, not NaN."""
    v = Variable(np.array([1e-200, 0.5]))
    y = stats.beta.logcdf(v, 5.0, 2.0)
    assert y.data[0] == -np.inf
    y.backward(gradient=np.ones(2))
    assert v.grad.data[0] == 0
    assert np.isfinite(v.grad.data[1])


def test_nothing_to_compute():
    y = stats.gamma.logpdf(Variable(np.ones((0, 3))), 2.0, loc=np.zeros(3))
    assert y.shape == (0, 3)
    y.sum().backward()


def test_integers():
    x = np.array([1, 2, 3])
    y = stats.gamma.logpdf(x, Variable(2.5), loc=0, scale=2)
    np.testing.assert_allclose(y.data, stats.gamma.logpdf(x, 2.5, 0, 2), rtol=1e-13)
    y = stats.gamma.logpdf(Variable(x), Variable(2), scale=2)
    np.testing.assert_allclose(y.data, stats.gamma.logpdf(x, 2, 0, 2), rtol=1e-13)


@pytest.mark.parametrize("c", [0.0, 0.3, 1.0])
def test_triangles(c):
    x = np.array([0.0, 0.2, 0.3, 0.7, 1.0])
    for method in ("pdf", "cdf", "sf"):
        f = getattr(stats.triang, method)
        np.testing.assert_allclose(f(Variable(x), c).data, f(x, c), rtol=1e-13)


def test_quantiles_of_0_and_1_are_ends_of_the_support():
    q = np.array([0.0, 1.0])
    loc, scale = Variable(0.5), Variable(2.0)
    y = stats.uniform.ppf(q, loc, scale)
    np.testing.assert_array_equal(y.data, [0.5, 2.5])
    y.backward(gradient=np.array([1.0, 3.0]))
    assert (loc.grad.data, scale.grad.data) == (4.0, 3.0)
    assert stats.norm.isf(q, loc, scale).data.tolist() == [np.inf, -np.inf]
    with pytest.raises(errors.NoGradientError, match="between 0 and 1"):
        stats.truncnorm.ppf(q, Variable(-1.0), 1.0)
    np.testing.assert_array_equal(stats.truncnorm.ppf(q, -1.0, 1.0, loc).data, [-0.5, 1.5])
