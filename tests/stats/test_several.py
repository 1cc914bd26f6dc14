"""Distributions of several variables: values are SciPy's, gradients those of its values.

SciPy reads one triangle of a symmetric matrix; gradients are compared along symmetric directions.
"""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy import stats

import whence
from whence import Variable, grad

from ..ops import calculus as law

rng = np.random.default_rng(3)
MEAN, POINTS, ONE = rng.normal(size=3), rng.normal(size=(4, 3)), rng.normal(size=3)
FACTOR = np.array([[1.2, 0, 0], [0.3, 0.9, 0], [-0.2, 0.4, 1.1]])
COV = FACTOR @ FACTOR.T
SIMPLEX, ALPHA = np.array([[0.2, 0.5], [0.3, 0.1], [0.5, 0.4]]), np.array([1.5, 0.8, 2.2])
SAMPLES = np.moveaxis(np.array([COV + 0.3 * np.eye(3), 2 * COV, np.eye(3)]), 0, -1)
COUNTED, CHANCES = np.array([[1, 2, 0], [0, 0, 3]]), np.array([0.2, 0.5, 0.3])


def covariance(factor):
    """A symmetric matrix that moves symmetrically."""
    return factor @ np.swapaxes(factor, -1, -2)


def spread(log_scales):
    return np.exp(log_scales)


#: name -> a function of arrays that calls SciPy's text, and the arrays.
CALLS = {
    "normal": (lambda x, m, c: stats.multivariate_normal.logpdf(x, m, covariance(c)), [POINTS, MEAN, FACTOR]),
    "normal one point": (
        lambda x, m, c: stats.multivariate_normal.pdf(x, mean=m, cov=covariance(c)),
        [ONE, MEAN, FACTOR],
    ),
    "normal frozen": (
        lambda x, m, c: stats.multivariate_normal(m, cov=covariance(c)).logpdf(x),
        [POINTS, MEAN, FACTOR],
    ),
    "normal, x alone": (lambda x: stats.multivariate_normal(MEAN, COV).logpdf(x), [POINTS]),
    "normal, diagonal": (
        lambda x, s: stats.multivariate_normal.logpdf(x, MEAN, spread(s)),
        [POINTS, MEAN],
    ),
    "normal, multiple": (
        lambda m, s: stats.multivariate_normal.logpdf(ONE, m, spread(s)),
        [MEAN, np.array(0.3)],
    ),
    "normal, one variable": (
        lambda x, m, s: stats.multivariate_normal.logpdf(x, m, spread(s)),
        [ONE, np.array(0.2), np.array(0.3)],
    ),
    "normal, standard": (lambda x: stats.multivariate_normal.pdf(x, cov=COV), [POINTS[None]]),
    "normal entropy": (lambda c: stats.multivariate_normal.entropy(MEAN, covariance(c)), [FACTOR]),
    "t": (
        lambda x, m, c, df: stats.multivariate_t.logpdf(x, m, covariance(c), df=df),
        [POINTS, MEAN, FACTOR, np.array(3.4)],
    ),
    "t frozen": (lambda x, df: stats.multivariate_t(MEAN, COV, df).pdf(x), [POINTS, np.array(3.4)]),
    "dirichlet": (lambda a: stats.dirichlet.logpdf(SIMPLEX, a), [ALPHA]),
    "dirichlet frozen": (lambda a: stats.dirichlet(a).pdf(SIMPLEX[:, 0]), [ALPHA]),
    "dirichlet short": (lambda x, a: stats.dirichlet.logpdf(x, a), [SIMPLEX[:2], ALPHA]),
    "dirichlet mean": (lambda a: stats.dirichlet(a).mean(), [ALPHA]),
    "dirichlet var": (lambda a: stats.dirichlet.var(a), [ALPHA]),
    "dirichlet cov": (lambda a: stats.dirichlet.cov(a), [ALPHA]),
    "dirichlet entropy": (lambda a: stats.dirichlet.entropy(a), [ALPHA]),
    "multinomial": (
        lambda p: stats.multinomial.logpmf(COUNTED, 3, p / np.sum(p)),
        [CHANCES],
    ),
    "multinomial frozen": (lambda p: stats.multinomial(3, p / np.sum(p)).pmf(COUNTED[0]), [CHANCES]),
    "multinomial mean": (lambda p: stats.multinomial.mean(3, p / np.sum(p)), [CHANCES]),
    "wishart": (
        lambda c, df: stats.wishart.logpdf(SAMPLES, df, covariance(c)),
        [FACTOR, np.array(4.2)],
    ),
    "wishart, x": (lambda c: stats.wishart(5.0, COV).pdf(covariance(c)), [FACTOR]),
    "wishart mean": (lambda c, df: stats.wishart(df, covariance(c)).mean(), [FACTOR, np.array(4.2)]),
    "invwishart": (
        lambda c, df: stats.invwishart.logpdf(SAMPLES, df, covariance(c)),
        [FACTOR, np.array(4.2)],
    ),
    "invwishart, x": (lambda c: stats.invwishart(5.0, COV).pdf(covariance(c)), [FACTOR]),
    "invwishart mean": (lambda c, df: stats.invwishart.mean(df, covariance(c)), [FACTOR, np.array(4.6)]),
    "wishart, one variable": (
        lambda x, df, s: stats.wishart.logpdf(x, df, s),
        [np.array([0.4, 1.2]), np.array(2.5), np.array(1.3)],
    ),
}


@pytest.fixture(params=CALLS)
def call(request):
    return CALLS[request.param]


def plain(f):
    """SciPy takes a number as df, not an array without axes."""
    return lambda *arrays: f(*[a.item() if a.ndim == 0 else a for a in arrays])


def test_value_is_scipys(call):
    f, arrays = call
    expected = plain(f)(*arrays)
    for wrt in (range(len(arrays)), [0], [len(arrays) - 1]):
        y = f(*[Variable(a) if i in wrt else plain(lambda a: a)(a) for i, a in enumerate(arrays)])
        assert isinstance(y, Variable)
        law.assert_same(y, expected, rtol=1e-12)


def test_derivatives(call):
    f, arrays = call
    arrays = [np.asarray(a) for a in arrays]

    def both(*xs):  # whence on Variables; SciPy on numbers and arrays
        return f(*[x.item() if isinstance(x, np.ndarray) and x.ndim == 0 else x for x in xs])

    law.check_first(both, arrays, range(len(arrays)), 1)
    law.check_second(both, arrays, range(len(arrays)), 1)
    law.check_forward(both, arrays, range(len(arrays)), 1)


def test_gradients_of_symmetric_matrices_are_symmetric():
    g = grad(lambda c: np.sum(stats.multivariate_normal.logpdf(POINTS, MEAN, c)))(COV)
    np.testing.assert_allclose(g, g.T, rtol=1e-12)
    inverse, dev = np.linalg.inv(COV), POINTS - MEAN
    expected = 0.5 * (inverse @ dev.T @ dev @ inverse - len(POINTS) * inverse)
    np.testing.assert_allclose(g, expected, rtol=1e-11)


def test_scipys_checks_stay():
    v = Variable(ONE)
    with pytest.raises(ValueError, match="positive"):
        stats.multivariate_normal.logpdf(v, MEAN, -COV)
    with pytest.raises(ValueError, match="Dimension"):
        stats.multivariate_normal.logpdf(v, MEAN, np.eye(2))
    with pytest.raises(np.linalg.LinAlgError):
        stats.multivariate_normal.logpdf(v, MEAN, np.ones((3, 3)))
    with pytest.raises(ValueError, match="simplex"):
        stats.dirichlet.logpdf(Variable(SIMPLEX * 0.9), ALPHA)
    with pytest.raises(ValueError, match="greater than 0"):
        stats.dirichlet(Variable(-ALPHA))
    with pytest.raises(ValueError, match="dimension of scale"):
        stats.wishart.logpdf(COV, 1.0, Variable(COV))


FLAT = FACTOR[:, :2] @ FACTOR[:, :2].T  # of rank 2


def test_singular_covariances():
    """Gradients in the point and the mean, within the plane; none in the matrix."""
    along = rng.normal(size=(4, 2)) @ FACTOR[:, :2].T

    def density(x, mean):
        return stats.multivariate_normal.logpdf(x @ FACTOR[:, :2].T + mean, mean, FLAT, allow_singular=True)

    law.check_first(density, [rng.normal(size=(4, 2)), MEAN], [0, 1], 1)
    law.check_second(density, [rng.normal(size=(4, 2)), MEAN], [0, 1], 1)
    points = Variable(np.stack([MEAN + along[0], MEAN + np.ones(3)]))
    y = stats.multivariate_normal.logpdf(points, MEAN, FLAT, allow_singular=True)
    plain = stats.multivariate_normal.logpdf(points.data, MEAN, FLAT, allow_singular=True)
    assert np.isinf(plain[1])  # off the plane
    np.testing.assert_allclose(y.data, plain, rtol=1e-12)
    np.testing.assert_allclose(
        whence.grad(lambda x: stats.multivariate_normal.logpdf(x, MEAN, FLAT, allow_singular=True))(
            MEAN + along[0]
        ),
        -np.linalg.pinv(FLAT) @ along[0],
    )
    for distribution in (stats.multivariate_normal, stats.multivariate_t):
        with pytest.raises(whence.errors.NoGradientError, match="singular"):
            distribution.logpdf(ONE, MEAN, Variable(FLAT), allow_singular=True)


def test_a_covariance_object():
    shape = stats.Covariance.from_diagonal([1.0, 2.0, 3.0])
    y = stats.multivariate_normal.logpdf(Variable(POINTS), MEAN, shape)
    np.testing.assert_allclose(y.data, stats.multivariate_normal.logpdf(POINTS, MEAN, shape))


def test_infinite_degrees_of_freedom():
    y = stats.multivariate_t.logpdf(Variable(POINTS), MEAN, COV, df=np.inf)
    np.testing.assert_allclose(y.data, stats.multivariate_normal.logpdf(POINTS, MEAN, COV))


def test_counts_outside_the_support():
    p = Variable(CHANCES)
    x = np.array([[1, 2, 0], [1, 1, 0]])
    y = stats.multinomial.logpmf(x, 3, p)
    np.testing.assert_allclose(y.data, stats.multinomial.logpmf(x, 3, CHANCES))
    stats.multinomial.pmf(x, 3, p).sum().backward()
    assert np.isfinite(p.grad.data).all()


def test_parameters_of_frozen_ones():
    mean = Variable(MEAN)
    made = stats.multivariate_normal(mean, COV)
    assert made.mean is mean
    with pytest.raises(AttributeError):
        _ = made.nothing
    with pytest.raises(whence.errors.NoGradientError):
        made.rvs()
    plain_one = stats.multivariate_normal(MEAN, COV)
    assert (pickle.loads(pickle.dumps(plain_one)).mean == MEAN).all()


@pytest.mark.filterwarnings("ignore::whence.errors.BatchingWarning")
@pytest.mark.parametrize(
    "density, values",
    [
        (lambda m: stats.multivariate_normal.logpdf(ONE, m, COV), POINTS),
        (lambda m: stats.multivariate_normal(m, COV).logpdf(POINTS), POINTS),
        (lambda x: stats.multivariate_normal(MEAN, COV).logpdf(x), POINTS),
        (lambda a: stats.dirichlet.logpdf(SIMPLEX[:, 0], a), 1 + POINTS**2),
        (lambda d: stats.wishart.logpdf(COV, df=d, scale=np.eye(3)), np.array([4.0, 5.5])),
        (lambda m: stats.poisson.logpmf(np.arange(3), m), np.array([0.5, 2.0])),
        (lambda p: stats.binom.cdf(3, 7, p), np.array([0.2, 0.7])),
        (lambda k: stats.nbinom(5.2, 0.4).pmf(k), np.array([0, 3])),
        (lambda m: stats.geom(m).mean(), np.array([0.2, 0.7])),
        (lambda m: stats.norm(loc=m).logpdf(0.3), np.array([0.2, 0.7])),
    ],
)
def test_vmap(density, values):
    """One example at a time where SciPy looks at the values, also of gradients and of nested batches."""
    expected = np.stack([density(x) for x in values])
    np.testing.assert_allclose(whence.vmap(density)(values), expected)
    nested = whence.vmap(whence.vmap(density))(np.stack([values, values]))
    np.testing.assert_allclose(nested, np.stack([expected, expected]))
    if values.dtype.kind == "f":
        slope = grad(lambda x: np.sum(density(x)))
        np.testing.assert_allclose(whence.vmap(slope)(values), np.stack([slope(x) for x in values]))
