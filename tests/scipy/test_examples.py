"""Distributions and solvers inside vmap: called for each example, values and gradients."""

import numpy as np
import pytest
from scipy import stats

import whence
from whence.errors import BatchingWarning
from whence.scipy import integrate, optimize

X = np.linspace(0.3, 2.0, 4)
TIMES = np.array([0.5, 1.0])

CASES = {
    "norm.logpdf": lambda a: stats.norm.logpdf(a, 0.3, 2.0),
    "gamma.logpdf": lambda a: stats.gamma.logpdf(1.3, a),
    "frozen": lambda a: stats.gamma(a).logpdf(1.3),
    "poisson.logpmf": lambda a: stats.poisson.logpmf(3, a),
    "norm.cdf": lambda a: np.sum(stats.norm.cdf(np.arange(3.0) * a)),
    "multivariate_normal": lambda a: stats.multivariate_normal.logpdf(a * np.ones(2), np.zeros(2), np.eye(2)),
    "quad": lambda a: integrate.quad(lambda t, a: np.exp(-a * t), 0, 1, args=(a,))[0],
    "odeint": lambda a: integrate.odeint(lambda y, t, a: -a * y, np.ones(1), np.arange(2.0), (a,))[-1, 0],
    "solve_ivp": lambda a: integrate.solve_ivp(
        lambda t, y, a: -a * y, (0, 1), np.ones(1), t_eval=TIMES, args=(a,)
    ).y[0, 1],
    "brentq": lambda a: optimize.brentq(lambda x, a: x**2 - a, 0, 3, args=(a,)),
    "root": lambda a: optimize.root(lambda x, a: x**2 - a, np.ones(1), args=(a,)).x[0],
    "minimize": lambda a: optimize.minimize(
        lambda x, a: np.sum((x - a) ** 4 + x**2), np.ones(1), args=(a,)
    ).x[0],
    "least_squares": lambda a: optimize.least_squares(
        lambda x, a: np.stack([x[0] - a, x[0] ** 2]), np.ones(1), args=(a,)
    ).x[0],
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("f", CASES.values(), ids=CASES)
def test_vmap_is_a_loop(f):
    np.testing.assert_allclose(whence.vmap(f)(X), [f(x) for x in X], rtol=1e-12)
    slope = whence.grad(f)
    np.testing.assert_allclose(whence.vmap(slope)(X), [slope(x) for x in X], rtol=1e-10)


def test_the_loop_is_noted():
    with pytest.warns(BatchingWarning):
        whence.vmap(CASES["brentq"])(X)
