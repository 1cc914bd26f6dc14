"""Discrete distributions: values are SciPy's, gradients those in the shapes; counts are constants."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from whence import Variable, grad, jacobian

from ..ops import calculus as law
from ..ops.entries import Spec, array_of
from .table import COUNTS

CALLS = [
    pytest.param(dist, method, id=f"{dist.name}.{method}")
    for dist, (_, _, methods) in COUNTS.items()
    for method in methods
]
calls = pytest.mark.parametrize("dist, method", CALLS)


def prepared(dist, method):
    """The call as a function of its real shapes, and those."""
    (low, high), shapes, _ = COUNTS[dist]
    k = np.arange(low - 1, high + 1)[:, None] + 2
    arrays = [array_of(Spec((3,), *s), i, 5) for i, s in enumerate(shapes) if isinstance(s, tuple)]
    f = getattr(dist, method)

    def call(*real):
        left = iter(real)
        full = [s if isinstance(s, int) else next(left) for s in shapes]
        return f(*full, loc=2) if method in ("mean", "var", "std", "entropy") else f(k, *full, loc=2)

    return call, arrays


@calls
def test_value_is_scipys(dist, method):
    call, arrays = prepared(dist, method)
    y = call(*[Variable(a) for a in arrays])
    assert isinstance(y, Variable)
    np.testing.assert_allclose(y.data, call(*arrays), rtol=1e-12, atol=1e-15)


@calls
def test_derivatives(dist, method):
    call, arrays = prepared(dist, method)

    def finite(*real):  # -inf outside the support is not a number to add up
        y = call(*real)
        return y[np.isfinite(law.bare(y))]

    law.check_first(finite, arrays, range(len(arrays)), 1)
    law.check_second(finite, arrays, range(len(arrays)), 1)
    law.check_forward(finite, arrays, range(len(arrays)), 1)
    outside = jacobian(lambda p: call(p, *arrays[1:]))(arrays[0])
    assert np.all(np.isfinite(outside))


def test_counts_and_location_are_constants():
    k = np.array([0.0, 1.0, 2.5])
    slope = grad(lambda k: np.sum(stats.poisson.pmf(k, 1.5)))(k)
    np.testing.assert_array_equal(slope, np.zeros(3))
    assert grad(lambda loc: stats.poisson.cdf(3.0, 1.5, loc=loc))(1.0) == 0
    assert grad(lambda loc: stats.poisson.mean(1.5, loc=loc))(1.0) == 1
    assert grad(lambda n: stats.binom.logpmf(2, n, 0.3))(5.0) == 0


def test_quantiles_are_steps():
    q = stats.poisson.ppf(0.4, Variable(3.3))
    assert isinstance(q, Variable)
    assert q.data == stats.poisson.ppf(0.4, 3.3)
    assert grad(lambda mu: stats.poisson.ppf(0.4, mu))(3.3) == 0
    assert stats.geom(Variable(0.2)).median().data == stats.geom.median(0.2)


@pytest.mark.parametrize("method", ["pmf", "logpmf", "cdf", "sf", "logcdf", "logsf"])
def test_outside_and_invalid(method):
    k = np.array([-1.0, 0.5, 2.0, 7.0, np.nan, np.inf, -np.inf])[:, None]
    p = np.array([0.3, -0.1, 1.2, np.nan])
    f = getattr(stats.binom, method)
    v = Variable(p)
    with np.errstate(all="ignore"):
        expected = f(k, 5, p)
    if method == "logcdf":  # SciPy forgets there that the parameters are not valid
        expected[k[:, 0] >= 5, 1:] = np.nan
    y = f(k, 5, v)
    np.testing.assert_allclose(y.data, expected, rtol=1e-12)
    y.backward(gradient=np.where(np.isfinite(expected), 1.0, 0.0))
    assert np.isfinite(v.grad.data).all()
    assert not v.grad.data[1:].any()


def test_masses_at_the_ends_of_a_range():
    """There the logarithm is infinite, and the mass has an honest derivative."""
    k = np.arange(4)
    np.testing.assert_allclose(jacobian(lambda mu: stats.poisson.pmf(k, mu))(0.0), [-1, 1, 0, 0])
    np.testing.assert_allclose(jacobian(lambda p: stats.binom.pmf(k, 3, p))(0.0), [-3, 3, 0, 0])
    np.testing.assert_allclose(jacobian(lambda p: stats.binom.pmf(k, 3, p))(1.0), [0, 0, -3, 3])
    np.testing.assert_allclose(jacobian(lambda p: stats.bernoulli.pmf(k, p))(0.0), [-1, 1, 0, 0])
    np.testing.assert_allclose(jacobian(lambda p: stats.geom.pmf(k, p))(1.0), [0, 1, -1, 0])
    np.testing.assert_allclose(jacobian(lambda p: stats.nbinom.pmf(k, 2.0, p))(1.0), [2, -2, 0, 0])
