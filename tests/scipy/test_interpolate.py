"""Interpolation: what the laws do not reach (roots, refusals, plain data, points at knots)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import interpolate as plain

import whence
from whence import Variable
from whence.scipy import interpolate as ours

X = np.linspace(0, 3, 7)


def test_plain_data_give_scipys_values():
    for make in (
        lambda m: m.CubicSpline(X, np.sin(X)),
        lambda m: m.PchipInterpolator(X, np.sin(X)),
        lambda m: m.make_interp_spline(X, np.sin(X)),
        lambda m: m.interp1d(X, np.sin(X)),
    ):
        y = make(ours)(np.array([0.3, 1.5]))
        assert type(y) is np.ndarray
        np.testing.assert_array_equal(y, make(plain)(np.array([0.3, 1.5])))


def test_the_derivative_in_the_point_is_the_derivative():
    spline = ours.CubicSpline(X, np.sin(X))
    np.testing.assert_allclose(whence.grad(spline)(1.2), plain.CubicSpline(X, np.sin(X))(1.2, 1), rtol=1e-14)
    third = whence.grad(whence.grad(whence.grad(spline)))
    np.testing.assert_allclose(third(1.2), plain.CubicSpline(X, np.sin(X))(1.2, 3), rtol=1e-13)


def test_roots_differentiate():
    def first_root(level):
        return ours.CubicSpline(X, np.cos(X)).solve(level)[0]

    slope = plain.CubicSpline(X, np.cos(X))(first_root(0.1), 1)
    np.testing.assert_allclose(whence.grad(first_root)(0.1), 1 / slope, rtol=1e-12)

    def root(y):
        return ours.CubicSpline(X, y).roots()[0]

    spline = whence.grad(lambda y: ours.CubicSpline(X, y)(root(np.cos(X))))(np.cos(X))
    slope = plain.CubicSpline(X, np.cos(X))(root(np.cos(X)), 1)
    np.testing.assert_allclose(whence.grad(root)(np.cos(X)), -spline / slope, rtol=1e-10, atol=1e-14)


def test_a_level_chord_gives_no_nan():
    g = whence.grad(lambda y: ours.PchipInterpolator(X, y)(1.1))(np.zeros(7))
    assert np.all(np.isfinite(g))
    g = whence.grad(lambda y: ours.Akima1DInterpolator(X, y)(1.1))(np.zeros(7))
    assert np.all(np.isfinite(g))


def test_outside():
    outside = Variable(np.array(9.0))
    assert np.isnan(ours.CubicSpline(X, np.sin(X), extrapolate=False)(outside).data)
    with pytest.raises(whence.WhenceError, match="outside of the interpolation range"):
        ours.interp1d(X, np.sin(X))(outside)
    with pytest.raises(ValueError, match="strictly increasing"):
        ours.CubicSpline(X[::-1], Variable(np.sin(X)))


def test_fill_values_differentiate():
    def f(fill):
        return ours.interp1d(X, np.sin(X), bounds_error=False, fill_value=fill)(np.array([-1.0, 1.0]))[0]

    assert whence.grad(f)(3.0) == 1.0


def test_refusals():
    v = Variable(np.sin(X))
    with pytest.raises(whence.WhenceError, match=r"UnivariateSpline has no gradient[^$]*CubicSpline"):
        ours.UnivariateSpline(X, v)
    with pytest.raises(whence.WhenceError, match=r"periodic[^$]*CubicSpline"):
        ours.make_interp_spline(X, v * 0, bc_type="periodic")
    with pytest.raises(whence.WhenceError, match=r'method="cubic"[^$]*method="linear"'):
        ours.RegularGridInterpolator((X, X), np.outer(v, v), "cubic")(np.array([[1.0, 1.0]]))
    with pytest.raises(whence.WhenceError, match=r"CubicSpline\.extend"):
        ours.CubicSpline(X, v).extend(np.zeros((4, 1)), np.array([4.0]))


def test_basis_element():
    t = np.array([0.0, 1.0, 2.5, 3.0])
    theirs = plain.BSpline.basis_element(t)(1.2)
    np.testing.assert_allclose(ours.BSpline.basis_element(Variable(t))(1.2).data, theirs)
