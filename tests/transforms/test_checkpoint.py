"""checkpoint: the same derivatives, with less kept."""

import tracemalloc

import numpy as np
import pytest

import whence
from whence import Variable, grad, hessian, jvp
from whence.errors import GraphError

X, V = np.array([0.3, -0.7, 1.1]), np.array([1.0, -2.0, 0.5])


def block(x, w=1.0):
    return np.tanh(x * w) * np.exp(-x) + np.sum(x)


def chain(f, x):
    for _ in range(3):
        x = f(x)
    return np.sum(x**2)


def test_derivatives_of_every_order_and_mode():
    plain, kept = lambda x: chain(block, x), lambda x: chain(whence.checkpoint(block), x)
    assert kept(X) == plain(X)
    np.testing.assert_allclose(grad(kept)(X), grad(plain)(X), rtol=1e-13)
    np.testing.assert_allclose(hessian(kept)(X), hessian(plain)(X), rtol=1e-12)
    np.testing.assert_allclose(jvp(kept, (X,), (V,))[1], jvp(plain, (X,), (V,))[1], rtol=1e-12)

    def third(f):
        return grad(lambda x: np.sum(hessian(f)(x) * np.outer(V, V)))(X)

    np.testing.assert_allclose(third(kept), third(plain), rtol=1e-11)


def test_parameters_that_the_function_closes_over():
    w = Variable(np.array([1.0, 2.0, 3.0]))
    f = whence.checkpoint(lambda x: block(x, np.sin(w)))
    np.sum(f(Variable(X)) ** 2).backward()
    expected = grad(lambda w: np.sum(block(X, np.sin(w)) ** 2))(w.data)
    np.testing.assert_allclose(w.grad.data, expected, rtol=1e-13)


def test_containers_several_results_and_keywords():
    @whence.checkpoint
    def f(p, *, scale):
        return {"sum": (p["a"] + p["b"]) * scale, "product": [p["a"] * p["b"], "text"]}

    def total(p):
        out = f(p, scale=2.0)
        assert out["product"][1] == "text"
        return out["sum"] + out["product"][0] ** 2

    g = grad(total)({"a": 2.0, "b": 3.0})
    assert (g["a"], g["b"]) == (2 + 36, 2 + 24)
    assert grad(lambda p: f(p, scale=1.0)["sum"])({"a": 2.0, "b": 3.0})["b"] == 1.0


def test_plain_arguments_give_plain_results():
    assert type(whence.checkpoint(block)(X)) is np.ndarray
    with whence.no_grad():
        assert whence.checkpoint(block)(Variable(X)).creator is None


def test_arguments_may_be_overwritten_afterwards():
    c = np.array([1.0, 2.0, 3.0])
    x = Variable(X)
    y = np.sum(whence.checkpoint(lambda x, c: x * c * x)(x, c))
    c[:] = 0.0
    x.assign(np.zeros(3))
    y.backward()
    np.testing.assert_allclose(x.grad.data, 2 * X * [1, 2, 3])


def test_random_numbers_are_drawn_again_or_refused():
    @whence.checkpoint
    def noisy(x, rng):
        return x * rng.normal(size=3)

    factors = np.random.default_rng(1).normal(size=3)
    g = grad(lambda x: np.sum(noisy(x, np.random.default_rng(1))))(X)
    np.testing.assert_allclose(g, factors)
    rng = np.random.default_rng(1)
    with pytest.raises(GraphError, match="another result when it ran again"):
        grad(lambda x: np.sum(whence.checkpoint(lambda x: x * rng.normal(size=3))(x)))(X)


def test_memory_falls():
    def deep(x):
        for _ in range(20):
            x = np.sin(x) * np.cos(x)
        return x

    def peak(f):
        x = np.linspace(0, 1, 50_000)
        tracemalloc.start()
        grad(lambda x: np.sum(f(f(f(f(x))))))(x)
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    assert peak(whence.checkpoint(deep)) < 0.45 * peak(deep)
