"""minimize: every method of SciPy's on containers, with exact derivatives, bounds, constraints, errors."""

import dataclasses

import numpy as np
import pytest
import scipy.optimize
from scipy.optimize import Bounds, LinearConstraint, NonlinearConstraint

import whence
from whence import Variable, hessian
from whence.errors import (
    DtypeError,
    GraphError,
    NonFiniteError,
    ShapeError,
    SingularError,
    WhenceError,
)
from whence.optimize import minimize

T = np.random.default_rng(0).gamma(2.0, 1.5, size=200)
START = np.array([-1.2, 1.0, 0.5, 0.8])
METHODS = [
    "Nelder-Mead", "Powell", "CG", "BFGS", "Newton-CG", "L-BFGS-B", "TNC", "COBYLA", "COBYQA", "SLSQP",
    "trust-constr", "dogleg", "trust-ncg", "trust-exact", "trust-krylov",
]  # fmt: skip


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def bowl(p):
    return np.sum((p["a"] - np.array([1.0, -2.0])) ** 2) + np.cosh(p["b"] - 3) + p["a"][0] * p["b"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("method", METHODS)
def test_every_method_on_a_container(method):
    fit = minimize(bowl, {"a": np.zeros(2), "b": 0.0}, method=method, tol=1e-9)
    expected = scipy.optimize.minimize(lambda x: bowl({"a": x[:2], "b": x[2]}), np.zeros(3), tol=1e-9)
    np.testing.assert_allclose(fit.x["a"], expected.x[:2], rtol=2e-3, atol=2e-3)
    np.testing.assert_allclose(fit.x["b"], expected.x[2], rtol=2e-3, atol=2e-3)
    assert fit.x["a"].shape == (2,) and np.ndim(fit.x["b"]) == 0
    assert fit.fun <= expected.fun + 1e-4


@pytest.mark.parametrize("method", ["BFGS", "L-BFGS-B", "trust-exact", "trust-ncg", "Newton-CG", "SLSQP"])
def test_derivatives_are_the_ones_that_scipy_takes(method):
    ours = minimize(rosenbrock, START, method=method)
    gradient, second = whence.grad(rosenbrock), hessian(rosenbrock)
    more = {"hess": second} if method in ("trust-exact", "trust-ncg", "Newton-CG") else {}
    theirs = scipy.optimize.minimize(rosenbrock, START, jac=gradient, method=method, **more)
    np.testing.assert_allclose(ours.x, theirs.x, rtol=1e-6)
    assert ours.success and ours.nit <= theirs.nit + 3


def test_a_point_is_recorded_once():
    calls = []

    def f(x):
        calls.append(np.array(getattr(x, "data", x)))
        return rosenbrock(x)

    fit = minimize(f, START, method="L-BFGS-B")
    assert len(calls) <= fit.nfev + 1
    assert len({c.tobytes() for c in calls}) >= len(calls) - 1


def test_errors_of_maximum_likelihood():
    def nll(p, t):
        shape, rate = np.exp(p["shape"]), np.exp(p["rate"])
        from_stirling = shape * np.log(shape) - shape - 0.5 * np.log(shape / 2 / np.pi) + 1 / (12 * shape)
        return -np.sum((shape - 1) * np.log(t) - rate * t + shape * np.log(rate) - from_stirling)

    fit = minimize(nll, {"shape": 0.1, "rate": 0.0}, args=(T,))

    def flat(x):
        return nll({"rate": x[0], "shape": x[1]}, T)

    H = hessian(flat)(np.array([fit.x["rate"], fit.x["shape"]]))
    np.testing.assert_allclose(fit.hess, H, rtol=1e-10)
    np.testing.assert_allclose(fit.covariance, np.linalg.inv(H), rtol=1e-9)
    np.testing.assert_allclose(fit.standard_errors["shape"], np.sqrt(np.linalg.inv(H)[1, 1]), rtol=1e-9)
    mean = fit.propagate(lambda p: np.exp(p["shape"] - p["rate"]))
    np.testing.assert_allclose(mean.value, T.mean(), rtol=1e-4)
    g = np.array([-mean.value, mean.value])
    np.testing.assert_allclose(mean.error, np.sqrt(g @ fit.covariance @ g), rtol=1e-9)
    assert set(fit.jac) == {"shape", "rate"}
    assert fit.success and fit.nfev > 0


def test_bounds_of_every_form():
    def f(x):
        return np.sum((x - np.array([3.0, -3.0])) ** 2)

    for bounds in ([(0, 1), (-1, None)], [(0, 1), (-1, np.inf)], Bounds([0, -1], [1, np.inf])):
        np.testing.assert_allclose(minimize(f, np.zeros(2), bounds=bounds).x, [1, -1])

    def g(p):
        return f(p["x"]) + (p["y"] + 1) ** 2 + p["z"][0] ** 2

    start = {"x": np.zeros(2), "y": 0.5, "z": [1.0]}
    fit = minimize(g, start, bounds={"x": (np.array([0, -1]), 1.0), "y": (0, None)})
    np.testing.assert_allclose(fit.x["x"], [1, -1])
    np.testing.assert_allclose((fit.x["y"], fit.x["z"][0]), 0, atol=1e-6)
    np.testing.assert_allclose(minimize(f, np.zeros(2), bounds=(-0.5, 0.5)).x, [0.5, -0.5])


def test_bounds_that_do_not_fit():
    with pytest.raises(ShapeError, match="bounds for \\['q'\\], but x0 has \\['x'\\]"):
        minimize(lambda p: p["x"] ** 2, {"x": 1.0}, bounds={"q": (0, 1)})
    with pytest.raises(ShapeError, match=r"lower bound of x\['x'\] is above"):
        minimize(lambda p: p["x"] ** 2, {"x": 1.0}, bounds={"x": (1, 0)})
    with pytest.raises(ShapeError, match="are not understood"):
        minimize(rosenbrock, START, bounds=[(0, 1), (0, 1)] * 3)
    with pytest.raises(ShapeError, match="1 bounds for the 2 parts"):
        minimize(lambda p: p[0] ** 2 + np.sum(p[1]), (1.0, np.ones(2)), bounds=[(0, 1)])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("method", ["SLSQP", "trust-constr", None])
def test_constraints_with_exact_derivatives(method):
    def f(p):
        return p["u"] ** 2 + np.sum(p["v"] ** 2)

    def g(p):
        return p["u"] * p["v"][0] * p["v"][1]

    for constraint in (
        NonlinearConstraint(lambda p: np.stack([g(p)]), 1.0, np.inf),
        {"type": "ineq", "fun": lambda p: g(p) - 1},
        [{"type": "ineq", "fun": lambda p, c: [g(p) - c], "args": (1.0,)}],
    ):
        start = {"u": 1.5, "v": np.array([1.2, 2.0])}
        fit = minimize(f, start, method=method, constraints=constraint)
        np.testing.assert_allclose([fit.x["u"], *fit.x["v"]], 1.0, rtol=1e-4)
    linear = LinearConstraint(np.ones((1, 4)), 1.0, 1.0)
    x = minimize(lambda x: np.sum(x**2), START, constraints=linear).x
    np.testing.assert_allclose(x, 0.25, rtol=2e-3)


def test_callbacks_see_containers():
    seen = []
    minimize(bowl, {"a": np.zeros(2), "b": 0.0}, callback=lambda p: seen.append(p["a"].copy()))

    def watch(intermediate_result):
        seen.append(intermediate_result.x["b"])
        raise StopIteration

    fit = minimize(bowl, {"a": np.zeros(2), "b": 0.0}, callback=watch)
    assert len(seen) > 2 and seen[-1] == fit.x["b"]


def test_dataclasses_lists_and_scalars():
    @dataclasses.dataclass
    class Point:
        x: float
        y: np.ndarray

    fit = minimize(lambda p: (p.x - 1) ** 2 + np.sum((p.y - p.x) ** 2), Point(0.0, np.zeros((2, 1))))
    np.testing.assert_allclose(fit.x.y, np.ones((2, 1)), rtol=1e-5)
    np.testing.assert_allclose(minimize(rosenbrock, [0.5, 0.5, 0.5, 1]).x, 1, rtol=1e-4)
    assert np.ndim(minimize(lambda x: (x - 2) ** 2, 0).x) == 0


def test_solutions_depend_on_arguments_by_the_implicit_function_theorem():
    def f(x, c):
        return np.sum(np.cosh(x - c)) + np.sum(x**2)

    def best(c):
        return minimize(f, np.zeros(3), args=(c,), tol=1e-12).x

    c = np.array([0.3, -1.0, 2.0])
    J = whence.jacobian(best)(c)
    x = best(c)
    np.testing.assert_allclose(J, np.diag(np.cosh(x - c) / (np.cosh(x - c) + 2)), rtol=1e-6)
    with pytest.raises(GraphError, match="bounds or constraints"):
        minimize(f, np.zeros(3), args=(Variable(c),), bounds=[(0, 1)] * 3)


def test_functions_without_a_derivative_are_for_the_methods_that_need_none():
    def f(x):
        return float(np.sum((np.asarray(x) - 1) ** 2))

    np.testing.assert_allclose(minimize(f, np.zeros(2), method="Nelder-Mead").x, 1, atol=1e-3)
    with pytest.raises(WhenceError):
        minimize(f, np.zeros(2))


def test_bad_starts_and_functions():
    with pytest.raises(NonFiniteError, match=r"x0\['a'\] has 1 elements .* first at \(1,\) .*test_minimize"):
        minimize(bowl, {"a": np.array([0.0, np.nan]), "b": 0.0})
    with pytest.raises(NonFiniteError, match="the function is inf at x0"):
        minimize(lambda x: np.sum(x) + np.inf, START)
    with (
        pytest.raises(NonFiniteError, match=r"the derivative for x\[1\] is not finite"),
        np.errstate(all="ignore"),
    ):
        minimize(lambda x: x[0] + np.sqrt(x[1]), np.array([1.0, 0.0]))
    with pytest.raises(ShapeError, match=r"returned shape \(4,\).*test_minimize(.|\n)*least_squares"):
        minimize(np.square, START)
    with pytest.raises(DtypeError, match="is complex"):
        minimize(rosenbrock, START + 1j)
    with pytest.raises(DtypeError, match=r"x0\['b'\] is 'text'"):
        minimize(bowl, {"a": START, "b": "text"})
    with pytest.raises(DtypeError, match="needs a real result"):
        minimize(lambda x: np.sum(x * 1j), START)
    with pytest.raises(WhenceError, match="no method 'sgd'"):
        minimize(rosenbrock, START, method="sgd")
    with pytest.raises(ShapeError, match="holds no numbers"):
        minimize(rosenbrock, np.zeros(0))
    with pytest.raises(GraphError, match="does not remember"):
        minimize(lambda x: 1.0, START)
    with pytest.raises(SingularError, match="not positive definite"):
        _ = minimize(lambda x: np.sum(x[:2] ** 2) + x[2] ** 4, START[:3] * [1, 1, 0]).covariance
