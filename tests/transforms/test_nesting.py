"""Transforms inside transforms: levels are never confused."""

import itertools
import math

import numpy as np
import pytest

import whence
from whence import Variable, grad, jacobian, jvp, vjp


def forward(f):
    return lambda x: jvp(f, (x,), (1.0,))[1]


def pulled(f):
    def derivative(x):
        _, pull = vjp(f, x)
        return pull(1.0)

    return derivative


DERIVATIVES = {"grad": grad, "jvp": forward, "vjp": pulled, "jacobian": jacobian}
PAIRS = list(itertools.product(DERIVATIVES, repeat=2))


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_perturbation_confusion(outer, inner):
    """d/dx x · (d/dy (x + y) at y = 1) at x = 1 is 1; mixing the levels up gives 2."""
    d, e = DERIVATIVES[outer], DERIVATIVES[inner]
    assert d(lambda x: x * e(lambda y: x + y)(1.0))(1.0) == 1.0


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_the_inner_derivative_at_the_outer_variable(outer, inner):
    """d/dx [d/dy x y² at y = x] = d/dx 2 x² = 4 x."""
    d, e = DERIVATIVES[outer], DERIVATIVES[inner]
    assert d(lambda x: e(lambda y: x * y * y)(x))(3.0) == 12.0
    # and x is found again inside, as it was: d/dx x² · e^x
    f = d(lambda x: x * e(lambda y: np.exp(y) * x)(x))
    assert f(1.5) == pytest.approx((2 * 1.5 + 1.5**2) * math.exp(1.5), rel=1e-14)


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_a_derivative_of_a_closure_that_escapes(outer, inner):
    """The amazing bug of Manzyuk, Pearlmutter, Radul, Rush and Siskind (2019): a function that is
    made at one level and differentiated at another."""
    d, e = DERIVATIVES[outer], DERIVATIVES[inner]

    def shifted(u):
        return lambda f: lambda x: f(x + u)

    def slope(x):
        return d(lambda u: shifted(u)(np.exp)(x))(0.0)

    assert slope(1.0) == pytest.approx(math.e, rel=1e-15)
    twice = d(lambda u: e(lambda v: shifted(u)(shifted(v)(np.exp))(1.0))(0.0))(0.0)
    assert twice == pytest.approx(math.e, rel=1e-15)


@pytest.mark.parametrize("names", list(itertools.product(("grad", "jvp"), repeat=3)), ids="-".join)
def test_third_derivatives(names):
    def f(x):
        return np.sin(x) * np.exp(2 * x)

    for name in names:
        f = DERIVATIVES[name](f)
    expected = np.exp(2 * 0.3) * (2 * np.sin(0.3) + 11 * np.cos(0.3))
    assert f(0.3) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(
    "names", [("grad",) * 4, ("jvp",) * 4, ("grad", "jvp", "jacobian", "vjp")], ids="-".join
)
def test_fourth_derivatives(names):
    def f(x):
        return x**5 * np.cos(x)

    for name in names:
        f = DERIVATIVES[name](f)
    x = 0.7
    # Leibniz: sum over k of C(4, k) (x⁵)^(k) cos^(4-k)
    powers = [x**5, 5 * x**4, 20 * x**3, 60 * x**2, 120 * x]
    cosines = [np.cos(x), np.sin(x), -np.cos(x), -np.sin(x), np.cos(x)]
    expected = sum(math.comb(4, k) * p * c for k, (p, c) in enumerate(zip(powers, cosines, strict=True)))
    assert f(x) == pytest.approx(expected, rel=1e-12)


def test_sixth_derivative_of_a_polynomial():
    def f(x):
        return x**6 + x**3

    for _ in range(6):
        f = grad(f)
    assert f(2.0) == 720.0


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_backward_of_an_inner_derivative(outer, inner):
    """The oldest way of all, `backward()`, around two levels of transforms."""
    d, e = DERIVATIVES[outer], DERIVATIVES[inner]
    w = Variable(2.0)
    y = d(lambda x: e(lambda z: w**2 * z**3)(x))(3.0)  # 6 w² x
    y.backward()
    assert y.data == 72.0
    assert w.grad.data == 72.0


def test_an_inner_backward_with_create_graph():
    def f(x):
        y = Variable(3.0)
        (x * x * y).backward(create_graph=True)
        return y.grad * x  # x³

    assert grad(f)(2.0) == 12.0


def test_different_levels_meet_in_one_expression():
    def f(x):
        g = grad(lambda y: y**2 * x)  # 2 x y
        h = forward(lambda y: g(y) * y * x)  # d/dy 2 x² y² = 4 x² y
        return g(x) * h(x)  # 2 x² · 4 x³

    assert grad(f)(2.0) == 40 * 2.0**4


def test_gradient_of_a_gradient_step():
    """The derivative of a training run with respect to its learning rate."""

    def trained(rate):
        w = np.array([1.0, -2.0])
        for _ in range(3):
            w = w - rate * grad(lambda w: np.sum(w**4))(w)
        return np.sum(w**2)

    slope = (trained(0.01 + 1e-6) - trained(0.01 - 1e-6)) / 2e-6
    assert grad(trained)(0.01) == pytest.approx(float(slope), rel=1e-7)
    assert forward(trained)(0.01) == pytest.approx(float(slope), rel=1e-7)


def test_a_pull_that_outlives_its_level():
    """A vjp made inside one transform and called inside another."""

    def f(x):
        _, pull = vjp(lambda y: y**2 * x, 3.0)
        return grad(lambda v: pull(v) * v)(x)  # d/dv 6 x v² at v = x: 12 x²

    assert grad(f)(2.0) == 48.0


def test_no_gradient_leaks_out_of_a_level():
    def f(x):
        inner = grad(lambda y: y * float(2))(x)  # 2, a constant
        return inner * x

    assert grad(f)(5.0) == 2.0
    assert whence.hessian(f)(5.0) == 0.0
