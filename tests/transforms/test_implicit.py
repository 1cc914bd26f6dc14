"""implicit_root, root_of, fixed_point_of: solutions by the implicit function theorem."""

import gc

import numpy as np
import pytest
import scipy.optimize

import whence
from whence import Variable, grad, hessian, jacobian, jvp
from whence.errors import ShapeError, SingularError, WhenceError

A = np.array([[4.0, 1.0, 0.0], [1.0, 3.0, -1.0], [0.5, 0.0, 2.0]])
B = np.array([1.0, -2.0, 0.5])


def equations(x, a, b):
    return a @ x + 0.1 * np.tanh(x) ** 3 - b


@whence.root_of(equations)
def solve(a, b):
    return scipy.optimize.root(equations, np.zeros(3), args=(a, b), tol=1e-13).x


def newton(a, b, x):
    """The same solution through the solver's own steps, which whence can follow."""
    for _ in range(6):
        d = a + np.diag(0.3 * np.tanh(x) ** 2 / np.cosh(x) ** 2)
        x = x - inverse(d) @ equations(x, a, b)
    return x


def inverse(d):
    cof = np.stack([np.stack([_minor(d, i, j) for i in range(3)]) for j in range(3)])
    return cof / np.sum(cof[:, 0] * d[0])


def _minor(d, i, j):
    (r, s), (t, u) = [k for k in range(3) if k != i], [k for k in range(3) if k != j]
    return (-1) ** (i + j) * (d[r, t] * d[s, u] - d[r, u] * d[s, t])


def test_plain_arguments_give_the_solvers_own_result():
    x = solve(A, B)
    assert type(x) is np.ndarray
    np.testing.assert_allclose(equations(x, A, B), 0, atol=1e-12)


@pytest.mark.parametrize("argnums", [0, 1])
def test_first_derivatives(argnums):
    x = solve(A, B)
    expected = jacobian(lambda a, b: newton(a, b, x), argnums)(A, B)
    np.testing.assert_allclose(jacobian(solve, argnums)(A, B), expected, rtol=1e-9, atol=1e-11)


def test_second_and_third_derivatives():
    x = solve(A, B)

    def f(b):
        return np.sum(np.sin(solve(A, b)) * B)

    def g(b):
        return np.sum(np.sin(newton(A, b, x)) * B)

    np.testing.assert_allclose(hessian(f)(B), hessian(g)(B), rtol=1e-8, atol=1e-10)

    def third(h):
        return grad(lambda b: np.sum(hessian(h)(b) * A))(B)

    np.testing.assert_allclose(third(f), third(g), rtol=1e-7, atol=1e-9)


def test_second_derivatives_in_matrices():
    x = solve(A, B)
    h = whence.hvp(lambda a: np.sum(solve(a, B) ** 2))(A, A)
    np.testing.assert_allclose(h, whence.hvp(lambda a: np.sum(newton(a, B, x) ** 2))(A, A), rtol=1e-8)


def test_forward_mode_and_forward_over_reverse():
    x, v = solve(A, B), np.array([0.3, 1.0, -0.7])
    y, dy = jvp(lambda b: solve(A, b), (B,), (v,))
    np.testing.assert_allclose(dy, jacobian(solve, 1)(A, B) @ v, rtol=1e-10)
    np.testing.assert_allclose(y, x)
    slope = grad(lambda b: np.sum(solve(A, b) ** 3))
    expected = jvp(grad(lambda b: np.sum(newton(A, b, x) ** 3)), (B,), (v,))[1]
    np.testing.assert_allclose(jvp(slope, (B,), (v,))[1], expected, rtol=1e-8)


@pytest.mark.parametrize("linear_solver", ["dense", "gmres"])
def test_both_linear_solvers(linear_solver):
    solver = whence.root_of(equations, linear_solver)(
        lambda a, b: scipy.optimize.root(equations, np.zeros(3), args=(a, b), tol=1e-13).x
    )

    def f(b):
        return np.sum(solver(A, b) ** 2)

    np.testing.assert_allclose(hessian(f)(B), hessian(lambda b: np.sum(solve(A, b) ** 2))(B), rtol=1e-8)


def test_what_the_residual_closes_over_is_differentiated():
    def f(p):
        c = np.exp(p["c"])
        x = whence.implicit_root(lambda x: x**3 + x - c * p["d"], scalar_root(p))
        return x**2 * c

    def scalar_root(p):
        with whence.no_grad():
            target = float(np.real(np.exp(p["c"]) * p["d"]))
        return scipy.optimize.brentq(lambda x: x**3 + x - target, -10, 10, xtol=1e-14)

    p = {"c": 0.3, "d": 1.7}
    slope = grad(f)(p)
    for key in p:
        up, down = ({**p, key: p[key] + h} for h in (1e-6, -1e-6))
        values = [scalar_root(q) ** 2 * np.exp(q["c"]) for q in (up, down)]
        np.testing.assert_allclose(slope[key], (values[0] - values[1]) / 2e-6, rtol=1e-8)

    H = hessian(f)(p)
    for key in p:
        up, down = ({**p, key: p[key] + h} for h in (1e-6, -1e-6))
        for other in p:
            expected = (grad(f)(up)[other] - grad(f)(down)[other]) / 2e-6
            np.testing.assert_allclose(H[other][key], expected, rtol=1e-7)


def test_containers_and_multiple_outputs():
    def equations(x, a):
        return {"one": x["u"] * 2 - x["v"].sum() * a, "two": x["v"] ** 2 - a * np.array([1.0, 4.0])}

    @whence.root_of(equations)
    def solver(a):
        v = np.sqrt(a * np.array([1.0, 4.0]))
        return {"u": v.sum() * a / 2, "v": v}

    out = solver(Variable(np.array(2.0)))
    assert out["v"].shape == (2,)

    def f(a):
        return solver(a)["u"] + np.sum(solver(a)["v"] ** 3)

    def exact(a):
        return 1.5 * a**1.5 + 9 * a**1.5

    np.testing.assert_allclose(grad(f)(2.0), grad(exact)(2.0), rtol=1e-12)
    np.testing.assert_allclose(hessian(f)(2.0), hessian(exact)(2.0), rtol=1e-12)
    dy = jvp(lambda a: solver(a)["v"], (2.0,), (1.0,))[1]
    np.testing.assert_allclose(dy, np.array([1.0, 2.0]) / (2 * np.sqrt(2.0)))


def test_fixed_points():
    @whence.fixed_point_of(lambda x, a: np.cos(a * x))
    def solver(a, steps):
        x = np.ones_like(a)
        for _ in range(steps):
            x = np.cos(a * x)
        return x

    with pytest.raises(TypeError):
        solver(0.5)
    a = np.array([0.5, 0.6])
    x = solver(a, steps=200)
    expected = -np.sin(a * x) * x / (1 + a * np.sin(a * x))
    np.testing.assert_allclose(grad(lambda a: solver(a, steps=200).sum())(a), expected, rtol=1e-10)


def test_an_argmin():
    def cost(x, a):
        return np.sum((x - a) ** 2) + np.sum(x**4)

    @whence.root_of(grad(cost))
    def argmin(a):
        return scipy.optimize.minimize(cost, np.zeros(3), args=(a,), jac=grad(cost), tol=1e-12).x

    x = argmin(B)
    np.testing.assert_allclose(jacobian(argmin)(B), np.diag(2 / (2 + 12 * x**2)), rtol=1e-6, atol=1e-9)
    slope = grad(lambda a: np.sum(argmin(a) ** 2))
    whence.testing.check_gradient(lambda a: np.sum(slope(a) * B), B, rtol=1e-4)


def test_complex_solutions():
    @whence.root_of(lambda z, c: z**2 - c)
    def root(c):
        return np.sqrt(c)

    c = 3.0 + 4.0j
    np.testing.assert_allclose(jacobian(root)(c), 0.5 / np.sqrt(c), rtol=1e-12)

    def f(c):
        return np.abs(root(c)) ** 2 + np.real(root(c))

    def g(c):
        return np.abs(np.sqrt(c)) ** 2 + np.real(np.sqrt(c))

    np.testing.assert_allclose(grad(f)(c), grad(g)(c), rtol=1e-12)
    np.testing.assert_allclose(whence.hvp(f)(c, 1.0 + 0.5j), whence.hvp(g)(c, 1.0 + 0.5j), rtol=1e-10)


def test_float32_is_kept():
    @whence.root_of(lambda x, a: x * x - a)
    def root(a):
        return np.sqrt(a)

    a = np.array([4.0, 9.0], np.float32)
    g = grad(lambda a: np.sum(root(a)))(a)
    assert g.dtype == np.float32
    np.testing.assert_allclose(g, [0.25, 1 / 6], rtol=1e-6)


def test_backward_and_dropping_the_graph():
    a = Variable(np.array(4.0))
    x = whence.implicit_root(lambda x: x * x - a, 2.0)
    assert "implicit_root" in x.whence()
    y = x * 3
    y.backward()
    np.testing.assert_allclose(a.grad.data, 0.75)
    gc.collect()
    gc.disable()
    try:
        del x, y
        assert gc.collect() < 200
    finally:
        gc.enable()


def test_without_recording_values_are_constants():
    a = Variable(np.array(4.0))
    with whence.no_grad():
        x = whence.implicit_root(lambda x: x * x - a, 2.0)
    assert x.creator is None


def test_a_double_root_is_refused():
    with pytest.raises(SingularError, match="singular at the solution"):
        grad(lambda a: whence.implicit_root(lambda x: (x - a) ** 2, 1.0))(1.0)
    rows = np.array([[1.0, 2.0], [2.0, 4.0]]) / 3
    with pytest.raises(np.linalg.LinAlgError, match="not a differentiable function"):
        grad(lambda a: np.sum(whence.implicit_root(lambda x: rows @ x - rows @ a, np.ones(2))))(np.ones(2))


def test_bad_arguments():
    with pytest.raises(ShapeError, match="2 equations for 1 unknowns"):
        grad(lambda a: whence.implicit_root(lambda x: np.stack([x, x]) - a, 1.0))(1.0)
    with pytest.raises(WhenceError, match="linear_solver is one of"):
        whence.implicit_root(lambda x: x, 1.0, linear_solver="qr")
