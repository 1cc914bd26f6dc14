"""least_squares, root, curve_fit, propagate: against SciPy's, with their errors."""

import numpy as np
import pytest
import scipy.optimize
from scipy.sparse import issparse

import whence
from whence import Variable
from whence.errors import GraphError, NonFiniteError, ShapeError, SingularError, WhenceError
from whence.optimize import curve_fit, least_squares, propagate, root

rng = np.random.default_rng(5)
T = np.linspace(0, 4, 40)
NOISE = 0.02 * rng.normal(size=40)
Y = 2.5 * np.exp(-1.3 * T) + 0.5 + NOISE


def model(t, a, k, c):
    return a * np.exp(-k * t) + c


def residuals(p):
    return model(T, p["a"], p["k"], p["c"]) - Y


P0 = {"a": 1.0, "k": 1.0, "c": 0.0}


@pytest.mark.parametrize("method", [None, "lm", "trf", "dogbox"])
@pytest.mark.parametrize("sparse", [False, True])
def test_least_squares_is_scipys(method, sparse):
    if sparse and method == "lm":
        return
    fit = least_squares(residuals, P0, method=method, sparse=sparse)
    expected = scipy.optimize.least_squares(lambda x: model(T, *x) - Y, [1.0, 1.0, 0.0])
    np.testing.assert_allclose([fit.x[k] for k in "akc"], expected.x, rtol=1e-5)
    np.testing.assert_allclose(fit.cost, expected.cost, rtol=1e-8)
    assert issparse(fit.jac) == sparse
    _, covariance = scipy.optimize.curve_fit(model, T, Y, [1.0, 1.0, 0.0])
    order = [0, 2, 1]  # the container's: a, c, k
    np.testing.assert_allclose(fit.covariance, covariance[np.ix_(order, order)], rtol=1e-4)
    np.testing.assert_allclose(fit.standard_errors["k"], np.sqrt(covariance[1, 1]), rtol=1e-4)


def test_least_squares_with_bounds_losses_and_arguments():
    def f(p, y):
        return {"r": model(T, p["a"], p["k"], 0.5) - y}

    fit = least_squares(f, {"a": 1.0, "k": 0.5}, (Y,), bounds={"k": (0, 1.0)})
    np.testing.assert_allclose(fit.x["k"], 1.0, rtol=1e-5)
    wild = Y + 5.0 * (np.arange(40) == 7)
    fit = least_squares(f, {"a": 1.0, "k": 0.5}, (wild,), loss="soft_l1", f_scale=0.05)
    np.testing.assert_allclose([fit.x["a"], fit.x["k"]], [2.5, 1.3], rtol=0.05)
    x = least_squares(lambda x: x - np.array([1.0, 5.0]), np.zeros(2), bounds=(-2, [2.0, 3.0])).x
    np.testing.assert_allclose(x, [1.0, 3.0], rtol=1e-6)


def test_more_parameters_than_residuals():
    fit = least_squares(lambda x: x[:2] + x[2:] - 1, np.zeros(4))
    np.testing.assert_allclose(fit.x, 0.5, rtol=1e-6)
    with pytest.raises(ShapeError, match="too few for method='lm'"):
        least_squares(lambda x: x[:2] + x[2:] - 1, np.zeros(4), method="lm")


def test_a_large_sparse_problem():
    n = 400

    def f(x):
        return np.concatenate([10 * (x[1:] - x[:-1] ** 2), 1 - x])

    fit = least_squares(f, np.full(n, 0.5), sparse=True)
    np.testing.assert_allclose(fit.x, 1.0, rtol=1e-6)
    assert fit.jac.nnz == 3 * n - 2


def test_roots():
    def f(p, c):
        return (p["x"] ** 2 + p["y"] - c, p["x"] - p["y"] ** 2)

    fit = root(f, {"x": 1.0, "y": 1.0}, args=(3.0,))
    np.testing.assert_allclose(
        [fit.x["x"] ** 2 + fit.x["y"], fit.x["x"] - fit.x["y"] ** 2], [3, 0], atol=1e-9
    )

    def solve(c):
        return root(f, {"x": 1.0, "y": 1.0}, args=(c,), tol=1e-13).x["x"]

    slope = (solve(3 + 1e-5) - solve(3 - 1e-5)) / 2e-5
    np.testing.assert_allclose(whence.grad(solve)(3.0), slope, rtol=1e-8)
    for method in ("lm", "krylov"):
        other = root(f, {"x": 1.0, "y": 1.0}, args=(3.0,), method=method)
        np.testing.assert_allclose(other.x["x"], fit.x["x"], rtol=1e-5)
    with pytest.raises(ShapeError, match="1 equations for 2 unknowns"):
        root(lambda x: x[0] * x[1], np.ones(2))


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("form", ["none", "vector", "number", "matrix"])
def test_curve_fit_is_scipys(form, absolute):
    sigma = {
        "none": None,
        "vector": 0.01 + 0.02 * np.abs(np.sin(T)),
        "number": 0.02,
        "matrix": 0.0004 * (np.eye(40) + 0.3 * np.eye(40, k=1) + 0.3 * np.eye(40, k=-1)),
    }[form]
    p0 = [1.0, 1.0, 0.1]
    popt, pcov = curve_fit(model, T, Y, p0, sigma=sigma, absolute_sigma=absolute)
    scipys = np.full(40, sigma) if form == "number" else sigma
    expected = scipy.optimize.curve_fit(model, T, Y, p0, sigma=scipys, absolute_sigma=absolute)
    np.testing.assert_allclose(popt, expected[0], rtol=1e-5)
    np.testing.assert_allclose(pcov, expected[1], rtol=1e-3)


def test_predictions_have_errors():
    fit = curve_fit(model, T, Y, [1.0, 1.0, 0.1])
    value, error = fit.predict(T)
    np.testing.assert_allclose(value, model(T, *fit.x), rtol=1e-12)
    J = np.stack([np.exp(-fit.x[1] * T), -T * fit.x[0] * np.exp(-fit.x[1] * T), np.ones(40)], axis=1)
    np.testing.assert_allclose(error, np.sqrt(np.diag(J @ fit.covariance @ J.T)), rtol=1e-10)
    assert fit.predict(1.0).error.shape == ()


def test_models_of_a_container_and_unknown_starts():
    fit = curve_fit(lambda t, p: model(t, p["a"], p["k"], p["c"]), T, Y, P0)
    np.testing.assert_allclose(fit.x["k"], curve_fit(model, T, Y).x[1], rtol=1e-6)
    assert set(fit.standard_errors) == {"a", "k", "c"}
    assert "standard_errors" in repr(fit)
    with pytest.raises(WhenceError, match="give p0"):
        curve_fit(lambda t, *p: p[0] * t, T, Y)


def test_bounded_and_sparse_curve_fits():
    fit = curve_fit(model, T, Y, [1.0, 0.9, 0.1], bounds=([0, 0, 0], [np.inf, 1.0, np.inf]))
    np.testing.assert_allclose(fit.x[1], 1.0, rtol=1e-6)
    np.testing.assert_allclose(curve_fit(model, T, Y, [1.0, 0.9, 0.1], sparse=True).x[1], 1.3, rtol=0.1)


def test_bad_data():
    with pytest.raises(NonFiniteError, match=r"ydata has 1 elements that are not finite .*test_squares"):
        curve_fit(model, T, np.where(T[3] == T, np.nan, Y))
    with pytest.raises(ShapeError, match="gives shape"):
        curve_fit(model, T[:-1], Y)
    with pytest.raises(ShapeError, match="2 observations for 3 parameters"):
        curve_fit(model, T[:2], Y[:2])
    with pytest.raises(ShapeError, match="sigma of shape"):
        curve_fit(model, T, Y, sigma=np.ones(3))
    with pytest.raises(NonFiniteError, match="sigma must be positive"):
        curve_fit(model, T, Y, sigma=np.zeros(40))
    with pytest.raises(ShapeError, match="not positive definite"):
        curve_fit(model, T, Y, sigma=-np.eye(40))
    with pytest.raises(SingularError, match="do not determine"):
        _ = curve_fit(lambda t, a, b: (a + b) * t, T, T).covariance
    with pytest.raises(GraphError, match="plain ndarray"):
        least_squares(lambda x: np.ones(3), np.ones(2))
    with pytest.raises(GraphError, match="not differentiable in its args"):
        least_squares(lambda x, c: x * c, np.ones(2), (Variable(np.ones(2)),))
    with pytest.raises(NonFiniteError, match="not finite in 2 of 2"):
        least_squares(lambda x: x * np.nan, np.ones(2))


def test_propagation():
    value, error = propagate(
        lambda x: {"sum": np.sum(x), "parts": x**2}, np.array([1.0, 2.0]), np.array([0.04, 0.09])
    )
    np.testing.assert_allclose(error["sum"], np.sqrt(0.13))
    np.testing.assert_allclose(error["parts"], [0.4, 1.2])
    C = np.array([[0.04, 0.01], [0.01, 0.09]])
    out = propagate(lambda x: np.stack([np.sum(x), x[0] * x[1]]), np.array([1.0, 2.0]), C)
    J = np.array([[1.0, 1.0], [2.0, 1.0]])
    np.testing.assert_allclose(out.covariance, J @ C @ J.T)
    assert value["sum"] == 3.0
    with pytest.raises(ShapeError, match="covariance of shape"):
        propagate(np.sin, np.ones(2), np.ones(3))
