"""primitive: derivatives declared by vjp rules, by jvp rules, or both; every order, both modes."""

import numpy as np
import pytest
import scipy.linalg

import whence
from whence import grad, hessian, jacobian, jvp
from whence.errors import GraphError, ShapeError, WhenceError

X, V = np.array([0.3, -0.7, 1.1]), np.array([1.0, -2.0, 0.5])
M = np.array([[2.0, 0.3, 0.1], [0.2, 1.5, 0.4], [0.0, 0.1, 1.0]])


@whence.primitive(jvp=[lambda t, y, a: -y @ t @ y])
def inverse(a):
    return scipy.linalg.inv(a)


@whence.primitive(jvp=[lambda t, y, a, b: -solve(a, t @ y), lambda t, y, a, b: solve(a, t)])
def solve(a, b):
    return scipy.linalg.solve(a, b)


@whence.primitive(kind="elementwise", jvp=[lambda t, y, x: t * np.cos(x)])
def sine(x):
    return np.sin(x)


@whence.primitive(
    jvp=[lambda t, y, r, w: (t * y[0] / r, t * y[1] / r), lambda t, y, r, w: (-t * y[1], t * y[0])]
)
def polar(r, w):
    return r * np.cos(w), r * np.sin(w)


def test_vjp_from_jvp_at_every_order():
    def f(x):
        return np.sum((inverse(M + np.reshape(x, (3, 1)) * np.reshape(x, (1, 3))) @ x) ** 2)

    step = 1e-5
    numerical = [(f(X + step * e) - f(X - step * e)) / (2 * step) for e in np.eye(3)]
    np.testing.assert_allclose(grad(f)(X), numerical, rtol=1e-7)
    numerical = [(grad(f)(X + step * e) - grad(f)(X - step * e)) / (2 * step) for e in np.eye(3)]
    np.testing.assert_allclose(hessian(f)(X), numerical, rtol=1e-7)
    np.testing.assert_allclose(jvp(f, (X,), (V,))[1], grad(f)(X) @ V, rtol=1e-10)
    np.testing.assert_allclose(jvp(grad(f), (X,), (V,))[1], hessian(f)(X) @ V, rtol=1e-10)


def test_a_rule_in_terms_of_the_function_itself():
    def f(b):
        return solve(M, b)

    np.testing.assert_allclose(jvp(f, (X,), (V,))[1], np.linalg.solve(M, V), rtol=1e-12)
    with pytest.raises(GraphError, match="declare vjp= as well"):
        grad(lambda b: np.sum(f(b)))(X)


def test_elementwise_rules_are_their_own_transpose():
    np.testing.assert_allclose(grad(lambda x: np.sum(sine(x)))(X), np.cos(X))
    np.testing.assert_allclose(jvp(whence.deriv(sine), (X,), (V,))[1], -np.sin(X) * V)
    np.testing.assert_allclose(
        hessian(lambda x: np.sum(sine(x) * x))(X), np.diag(2 * np.cos(X) - X * np.sin(X))
    )


def test_several_results():
    def f(p):
        return (lambda x, y: x**2 * y)(*polar(p[0], p[1]))

    def g(p):
        return p[0] ** 3 * np.cos(p[1]) ** 2 * np.sin(p[1])

    p = np.array([1.3, 0.4])
    np.testing.assert_allclose(grad(f)(p), grad(g)(p), rtol=1e-12)
    np.testing.assert_allclose(hessian(f)(p), hessian(g)(p), rtol=1e-12)
    np.testing.assert_allclose(jvp(f, (p,), (V[:2],))[1], grad(g)(p) @ V[:2], rtol=1e-12)
    np.testing.assert_allclose(grad(lambda p: polar(p[0], p[1])[1])(p), [np.sin(0.4), 1.3 * np.cos(0.4)])


def test_both_rules_are_used_each_in_its_mode():
    used = []

    @whence.primitive(
        vjp=[lambda g, y, x: used.append("vjp") or g * 2 * x],
        jvp=[lambda t, y, x: used.append("jvp") or t * 2 * x],
    )
    def square(x):
        return x**2

    assert grad(square)(3.0) == 6.0 and jvp(square, (3.0,), (1.0,))[1] == 6.0
    assert used == ["vjp", "jvp"]
    assert grad(grad(square))(3.0) == 2.0
    assert jvp(lambda x: jvp(square, (x,), (1.0,))[1], (3.0,), (1.0,))[1] == 2.0


def test_complex_rules_are_plain_products():
    @whence.primitive(jvp=[lambda t, y, z: t * y * 1.0])
    def exponential(z):
        return np.exp(z)

    z = 0.3 + 0.4j

    def f(z):
        return np.abs(exponential(z)) ** 2 * np.real(z)

    def g(z):
        return np.abs(np.exp(z)) ** 2 * np.real(z)

    np.testing.assert_allclose(grad(f)(z), grad(g)(z), rtol=1e-12)
    np.testing.assert_allclose(jacobian(exponential)(z), np.exp(z))


def test_none_is_zero():
    @whence.primitive(jvp=[lambda t, y, x, z: t * z, lambda t, y, x, z: None])
    def half(x, z):
        return x * z

    assert grad(half, (0, 1))(2.0, 3.0) == (3.0, 0.0)
    assert jvp(half, (2.0, 3.0), (1.0, 1.0))[1] == 3.0


def test_parameters():
    @whence.primitive(jvp=[lambda t, y, x, n, scale=1.0: scale * n * t * x ** (n - 1)])
    def power(x, n, scale=1.0):
        return scale * x**n

    np.testing.assert_allclose(grad(lambda x: np.sum(power(x, 3, scale=2.0)))(X), 6 * X**2)


def test_bad_declarations():
    with pytest.raises(WhenceError, match="a list of rules"):
        whence.primitive(np.sin)
    with pytest.raises(WhenceError, match="as many jvp rules"):
        whence.primitive(lambda x: x, vjp=[lambda g, y, x: g], jvp=[lambda t, y, x: t] * 2)
    total = whence.primitive(lambda x: np.sum(x), jvp=[lambda t, y, x: t])
    with pytest.raises(ShapeError, match="jvp rule of <lambda> returned shape"):
        jvp(total, (X,), (V,))
