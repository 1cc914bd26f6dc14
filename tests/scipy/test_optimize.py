"""Solutions of equations and minima: their derivatives against those of SciPy's own answers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize as plain

import whence
from whence import Variable
from whence.scipy import optimize as ours

POINT = np.array([1.3, 0.7])
TIMES = np.linspace(0, 2, 9)
DATA = 1.3 * np.exp(-0.7 * TIMES) + 0.1 * np.sin(9 * TIMES)
rng = np.random.default_rng(0)
MATRIX, RIGHT = rng.normal(size=(6, 3)), np.random.default_rng(1).normal(size=6)
SHARP = {"xtol": 1e-14, "ftol": 1e-14}


def valley(x, a):
    return (a[0] - x[0]) ** 2 + 10 * a[1] * (x[1] - x[0] ** 2) ** 2 + 0.1 * x[1] ** 2


def bowl(x, a):
    return np.sum((x - a) ** 2 * np.array([1, 2.0])) + 0.3 * np.sum(x) ** 2 + np.sum(x**4)


def weighted(x):
    return np.sum(x * np.array([1, 2.0]))


def line_and_circle(x, a, b):
    return [x[0] ** 3 - a * x[1], x[1] + np.exp(x[0]) - b - 2]


def decay(t, a, b):
    return a * np.exp(-b * t)


def minimized(m, f, a, **how):
    jac = None if m is ours else whence.grad(f)
    return weighted(m.minimize(f, [0.5, 0.5], (a,), jac=jac, tol=1e-14, **how).x)


def constraints(a):
    return (
        {"type": "eq", "fun": lambda x: x[0] + 2 * x[1] - a[0] * 2},
        {"type": "ineq", "fun": lambda x, b: b - x[0] ** 2, "args": (a[1],)},
    )


def residuals(p, y):
    return p[0] * np.exp(-p[1] * TIMES) - y


def cosine(x, a, b):
    return np.cos(x) * a - b * x


CASES = {
    "root": (lambda m, a: m.root(line_and_circle, [1.0, 0.5], (a[0], a[1]), tol=1e-13).x[0], POINT),
    "root-lm": (lambda m, a: m.root(line_and_circle, [1, 0.5], (a[0], a[1]), "lm", tol=1e-14).x[0], POINT),
    "fsolve": (lambda m, a: m.fsolve(line_and_circle, [1.0, 0.5], (a[0], a[1]), xtol=1e-13)[1], POINT),
    "fixed_point": (
        lambda m, a: m.fixed_point(lambda x, a: np.sqrt(a[0] / (x + a[1])), 1.2, (a,), xtol=1e-13),
        POINT,
    ),
    **{
        name: (
            lambda m, a, name=name: getattr(m, name)(cosine, 0, 2, (a[0], a[1]), xtol=1e-14),
            POINT,
        )
        for name in ("brentq", "brenth", "bisect", "ridder", "toms748")
    },
    "newton": (lambda m, a: np.sum(m.newton(lambda x, a: x**3 - a, np.ones(2), args=(a,), tol=1e-14)), POINT),
    "root_scalar": (
        lambda m, a: m.root_scalar(cosine, args=(a[0], a[1]), bracket=(0, 2), xtol=1e-14).root,
        POINT,
    ),
    "minimize": (lambda m, a: minimized(m, valley, a, method="BFGS"), POINT),
    "minimize-bounds": (lambda m, a: minimized(m, valley, a, bounds=[(None, 0.6), (0, None)]), POINT),
    "minimize-moving-bound": (
        lambda m, a: minimized(m, valley, a, bounds=[(None, a[1] * 0.8), (0, None)]),
        POINT,
    ),
    "minimize-constraints": (
        lambda m, a: minimized(m, valley, a, constraints=constraints(a), method="SLSQP"),
        POINT,
    ),
    "minimize-nonlinear": (
        lambda m, a: minimized(
            m,
            bowl,
            a,
            method="SLSQP",
            constraints=plain.NonlinearConstraint(lambda x: np.sum(x**2), 0, 0.5),
        ),
        POINT,
    ),
    "minimize-linear": (
        lambda m, a: minimized(
            m, bowl, a, method="SLSQP", constraints=plain.LinearConstraint([[1, 1.0]], 0, 0.5)
        ),
        POINT,
    ),
    "minimize-fun": (lambda m, a: m.minimize(valley, [0.5, 0.5], (a,), tol=1e-12).fun, POINT),
    "minimize_scalar": (
        lambda m, a: (
            m.minimize_scalar(lambda x, a: (x - a[0]) ** 2 + np.exp(a[1] * x), args=(a,), tol=1e-12).x
        ),
        POINT,
    ),
    "minimize_scalar-at-bound": (
        lambda m, a: (
            m.minimize_scalar(lambda x, a: (x - a[0]) ** 2 + np.exp(a[1] * x), args=(a,), bounds=(a[0], 3)).x
        ),
        POINT,
    ),
    **{
        f"least_squares-{loss}": (
            lambda m, y, loss=loss: np.sum(
                m.least_squares(
                    residuals, [1.0, 1.0], args=(y,), loss=loss, f_scale=0.05, gtol=1e-14, **SHARP
                ).x
            ),
            DATA,
        )
        for loss in ("linear", "huber", "soft_l1", "cauchy", "arctan")
    },
    "curve_fit": (lambda m, y: np.sum(m.curve_fit(decay, TIMES, y, [1.0, 1.0], **SHARP)[0]), DATA),
    "curve_fit-covariance": (lambda m, y: np.sum(m.curve_fit(decay, TIMES, y, **SHARP)[1]), DATA),
    "curve_fit-x": (lambda m, x: np.sum(m.curve_fit(decay, x, DATA, [1.0, 1.0], **SHARP)[0]), TIMES),
    "curve_fit-sigma": (
        lambda m, s: sum(map(np.sum, m.curve_fit(decay, TIMES, DATA, [1, 1], s, True, **SHARP))),
        0.1 + TIMES,
    ),
    "nnls": (lambda m, b: np.sum(m.nnls(MATRIX, b)[0] * np.arange(1, 4)) + m.nnls(MATRIX, b)[1], RIGHT),
    "nnls-matrix": (lambda m, A: np.sum(m.nnls(A.reshape(6, 3), RIGHT)[0]), MATRIX.ravel()),
    "lsq_linear": (
        lambda m, A: np.sum(m.lsq_linear(A.reshape(6, 3), RIGHT, (0, 0.3), tol=1e-14).x),
        MATRIX.ravel(),
    ),
}
LOOSE = {"minimize_scalar": 1e-4, "minimize_scalar-at-bound": 1e-4, "lsq_linear": 1e-4}


def five_points(f, x, step):
    rows = []
    for i in range(x.size):
        e = np.zeros(x.size)
        e[i] = step
        rows.append((8 * (f(x + e) - f(x - e)) - f(x + 2 * e) + f(x - 2 * e)) / (12 * step))
    return np.array(rows)


cases = pytest.mark.parametrize("name", CASES)
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


@cases
def test_first_derivative(name):
    f, at = CASES[name]
    value, g = whence.value_and_grad(lambda x: f(ours, x))(at)
    np.testing.assert_allclose(value, f(plain, at), rtol=1e-6)
    step = 1e-2 if name in LOOSE else 1e-3
    numeric = five_points(lambda x: f(plain, x), at, step)
    tol = LOOSE.get(name, 2e-5)
    np.testing.assert_allclose(g, numeric, rtol=tol, atol=tol * np.abs(numeric).max())


@pytest.mark.parametrize(
    "name", ["root", "brentq", "fixed_point", "minimize", "minimize-constraints", "curve_fit", "nnls"]
)
def test_second_derivative_and_forward(name):
    f, at = CASES[name]
    slope = whence.grad(lambda x: f(ours, x))
    H = whence.hessian(lambda x: f(ours, x))(at)
    numeric = five_points(slope, at, 1e-3)
    np.testing.assert_allclose(H, numeric, rtol=1e-4, atol=1e-9 + 1e-4 * np.abs(numeric).max())
    along = np.linspace(-1, 1, at.size)
    _, dy = whence.jvp(lambda x: f(ours, x), (at,), (along,))
    np.testing.assert_allclose(dy, slope(at) @ along, rtol=1e-8, atol=1e-9)


def test_closed_over_and_containers():
    a = Variable(np.array([2.0, 3.0]))
    x = ours.root(lambda x: x**2 - a, np.ones(2)).x
    np.sum(x).backward()
    np.testing.assert_allclose(a.grad.data, 0.5 / np.sqrt(a.data))
    g = whence.grad(lambda p: ours.brentq(lambda x, p: x**2 * p["a"] - p["b"][0], 0, 9, ({**p},)))(
        {"a": 2.0, "b": [8.0]}
    )
    assert abs(g["b"][0] - 1 / 8) < 1e-9 and abs(g["a"] + 0.5) < 1e-9


def test_plain_calls_are_scipys():
    def f(x):
        return x**2 - 2.0

    assert ours.brentq(f, 0, 2) == plain.brentq(f, 0, 2)
    mine, theirs = ours.minimize(valley, [0.5, 0.5], (POINT,)), plain.minimize(valley, [0.5, 0.5], (POINT,))
    np.testing.assert_array_equal(mine.x, theirs.x)
    assert mine.nfev == theirs.nfev and type(mine.x) is np.ndarray
    covariances = [m.curve_fit(decay, TIMES, DATA)[1] for m in (ours, plain)]
    np.testing.assert_array_equal(*covariances)


def test_full_output():
    a = Variable(np.array(2.0))
    x, info = ours.brentq(lambda x, a: x**2 - a, 0, 2, (a,), full_output=True)
    assert isinstance(x, Variable) and info.converged
    x, info, flag, _ = ours.fsolve(lambda x, a: x**2 - a, 1.0, a, full_output=True)
    assert isinstance(x, Variable) and flag == 1
    assert len(ours.curve_fit(decay, TIMES, Variable(DATA), full_output=True)) == 5
    x, info = ours.newton(lambda x, a: x**2 - a, 1.0, args=(a,), full_output=True)
    assert isinstance(x, Variable) and info.converged


def test_with_given_derivatives():
    def both(x, a):
        return np.sum((x - a) ** 2), 2 * (x - a)

    def f(a):
        return np.sum(ours.minimize(both, np.zeros(2), (a,), jac=True).x)

    np.testing.assert_allclose(whence.grad(f)(POINT), [1.0, 1.0])

    def r(a):
        return np.sum(ours.root(lambda x, a: (x**2 - a, np.diag(2 * x)), np.ones(2), (a,), jac=True).x)

    np.testing.assert_allclose(whence.grad(r)(POINT), 0.5 / np.sqrt(POINT), rtol=1e-6)


def test_no_solution_has_no_derivative():
    a = Variable(np.array(-2.0))
    sol = ours.root(lambda x, a: x**2 - a, [1.0], (a,))
    assert not sol.success
    with pytest.raises(whence.WhenceError, match=r"root did not converge[^$]*check sol.success"):
        sol.x.backward()


def test_a_double_root_is_refused():
    a = Variable(np.array(0.0))
    x = ours.newton(lambda x, a: x**2 - a, 0.0, fprime=lambda x, a: 2 * x + 1e-9, args=(a,))
    with pytest.raises(whence.WhenceError, match="singular"):
        x.backward()


def test_assignment_and_refusals():
    cost = Variable(np.array([[4.0, 1.0], [2.0, 3.0]]))
    rows, columns = ours.linear_sum_assignment(cost)
    np.sum(cost[rows, columns]).backward()
    np.testing.assert_array_equal(cost.grad.data, [[0, 1], [1, 0]])
    with pytest.raises(whence.WhenceError, match="linprog has no gradient"):
        ours.linprog(Variable(np.ones(2)))
    with pytest.raises(whence.WhenceError, match=r"leastsq has no gradient[^$]*least_squares"):
        ours.leastsq(residuals, np.ones(2), args=(Variable(DATA),))
    assert ours.OptimizeResult is plain.OptimizeResult and ours.Bounds is plain.Bounds
