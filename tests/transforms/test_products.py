"""linearize, Gauss–Newton and Fisher products; elementwise derivatives; constants; auxiliary values."""

import numpy as np
import pytest

import whence
from whence import Variable, grad, hessian, jacobian, jvp, vjp
from whence.errors import DtypeError, GraphError, ShapeError

A = np.arange(12.0).reshape(4, 3) / 5 - 1
X, V = np.array([0.3, -0.7, 1.1]), np.array([1.0, -2.0, 0.5])


def model(x):
    return np.tanh(A @ x) * x[0]


def logloss(z):
    return np.log(np.sum(np.exp(z))) - z[1]


def test_linearize_pushes_many_tangents_along_one_graph():
    calls = []

    def f(x, p):
        calls.append(1)
        return {"y": model(x) * p["s"], "z": x @ x}

    y, push = whence.linearize(f, X, {"s": 2.0})
    J = jacobian(f, (0, 1))(X, {"s": 2.0})
    calls.clear()
    for v in np.eye(3):
        out = push(v, {"s": 0.5})
        np.testing.assert_allclose(out["y"], J["y"][0] @ v + J["y"][1]["s"] * 0.5, rtol=1e-12)
        np.testing.assert_allclose(out["z"], 2 * X @ v)
    assert not calls
    assert type(y["y"]) is np.ndarray


def test_linearize_inside_a_gradient():
    def f(x):
        return np.sum(whence.linearize(model, x)[1](V) ** 2)

    def g(x):
        return np.sum(jvp(model, (x,), (V,))[1] ** 2)

    np.testing.assert_allclose(grad(f)(X), grad(g)(X), rtol=1e-12)


def test_gauss_newton_products():
    J = jacobian(model)(X)
    H = hessian(logloss)(model(X))
    product = whence.ggnvp(model, logloss)
    np.testing.assert_allclose(product(X, V), J.T @ H @ J @ V, rtol=1e-12)

    def exact(x):
        return jacobian(model)(x).T @ hessian(logloss)(model(x)) @ jacobian(model)(x) @ V

    np.testing.assert_allclose(jacobian(lambda x: product(x, V))(X), jacobian(exact)(X), rtol=1e-9)
    np.testing.assert_allclose(jacobian(lambda v: product(X, v))(V), J.T @ H @ J, rtol=1e-12)


def test_gauss_newton_products_of_containers():
    def f(p, t):
        return (p["a"] * t, p["b"] + t)

    def loss(r):
        return np.sum(r[0] ** 2) + np.sum(r[1] ** 3)

    t = np.array([1.0, 2.0])
    p, v = {"a": 0.5, "b": np.array([1.0, -1.0])}, {"a": 1.0, "b": np.array([0.5, 2.0])}
    out = whence.ggnvp(f, loss)(p, t, v)
    np.testing.assert_allclose(out["a"], 2 * np.sum(t * t))
    np.testing.assert_allclose(out["b"], 6 * (p["b"] + t) * v["b"])


def test_fisher_products():
    t = np.array([1.0, 2.0, 4.0])

    def logp(q):
        return np.log(q[0]) - q[0] * t + q[1] * np.sin(t)

    S = jacobian(logp)(X[[0, 2]])
    np.testing.assert_allclose(whence.fisher_vp(logp)(X[[0, 2]], V[:2]), S.T @ S @ V[:2], rtol=1e-12)


def test_products_need_a_vector():
    with pytest.raises(GraphError, match="then the vector"):
        whence.ggnvp(model, logloss)(X)
    with pytest.raises(ShapeError, match="tangent of shape"):
        whence.ggnvp(model, logloss)(X, V[:2])


def test_stopped_gradients_are_stopped_at_every_level():
    def f(x):
        return x * whence.stop_gradient({"a": x**2})["a"]

    assert grad(f)(3.0) == 9.0
    assert grad(grad(f))(3.0) == 0.0
    assert jvp(f, (3.0,), (1.0,))[1] == 9.0
    assert grad(lambda x: grad(lambda y: y * whence.stop_gradient(x * y))(x))(3.0) == 0.0
    assert whence.stop_gradient(2.5) == 2.5


@pytest.mark.parametrize("derivative", [whence.elementwise_grad, whence.deriv])
def test_elementwise_derivatives(derivative):
    x = np.linspace(-1, 1, 5)
    np.testing.assert_allclose(derivative(np.tanh)(x), 1 - np.tanh(x) ** 2)
    np.testing.assert_allclose(derivative(derivative(np.sin))(x), -np.sin(x))
    np.testing.assert_allclose(derivative(lambda a, b: a * b**2, 1)(2.0, x), 4 * x)
    y = derivative(np.exp)(Variable(x))
    assert isinstance(y, Variable)


def test_complex_derivatives():
    z = np.array(0.3 + 0.7j)

    def f(z):
        return np.exp(z) * z**2

    slope = np.exp(z) * (z**2 + 2 * z)
    np.testing.assert_allclose(whence.holomorphic_grad(f)(z), slope)
    np.testing.assert_allclose(whence.deriv(f)(z), slope)
    np.testing.assert_allclose(whence.holomorphic_grad(whence.holomorphic_grad(np.exp))(z), np.exp(z))
    with pytest.raises(DtypeError, match="z \\+ 0j"):
        whence.holomorphic_grad(f)(1.0)
    with pytest.raises(DtypeError):
        whence.elementwise_grad(f)(z)


def test_auxiliary_values_of_vjp_and_jvp():
    def f(x):
        return (model(x), {"norm": np.sum(x * x), "name": "n"})

    y, dy, aux = jvp(f, (X,), (V,), has_aux=True)
    np.testing.assert_allclose(dy, jacobian(model)(X) @ V, rtol=1e-12)
    assert aux["name"] == "n"
    np.testing.assert_allclose(aux["norm"], X @ X)
    y, pull, aux = vjp(f, X, has_aux=True)
    np.testing.assert_allclose(pull(y), y @ jacobian(model)(X), rtol=1e-12)
    assert type(aux["norm"]) is np.float64
    with pytest.raises(ShapeError, match="has_aux"):
        jvp(model, (X,), (V,), has_aux=True)
