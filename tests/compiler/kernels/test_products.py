"""Products of matrices by our own tiles: within the bound of rounding, the same bits for any threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import whence

pytest.importorskip("llvmlite")

RNG = np.random.default_rng(0)
#: (rows, inner, columns): around the heights and widths of tiles, parts of the inner sum, several items.
SIZES = [
    (70, 40, 100),
    (300, 500, 7),
    (1, 300, 400),
    (75, 769, 65),
    (400, 30, 129),
    (513, 64, 64),
    (13, 1000, 17),
]
FORMS = {
    "nn": (lambda a, b: a @ b, False, False),
    "tn": (lambda a, b: a.T @ b, True, False),
    "nt": (lambda a, b: a @ b.T, False, True),
    "tt": (lambda a, b: a.T @ b.T, True, True),
}


def draw(shape: tuple[int, ...], turned: bool, dtype: Any) -> Any:
    shape = (*shape[:-2], shape[-1], shape[-2]) if turned else shape
    return RNG.normal(size=shape).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_within_the_bound_of_rounding(size, form, dtype):
    """``|error| <= k eps |a| |b|`` (Higham, Accuracy and Stability, 2002, section 3.5)."""
    rows, inner, columns = size
    f, left, right = FORMS[form]
    a, b = draw((rows, inner), left, dtype), draw((inner, columns), right, dtype)
    compiled = whence.compile(f)
    wide = np.longdouble
    expected = f(a.astype(wide), b.astype(wide))
    bound = (inner + 2) * np.finfo(dtype).eps * f(abs(a).astype(wide), abs(b).astype(wide))
    found = compiled(a, b)
    assert found.dtype == dtype and np.all(abs(found - expected) <= bound)
    with whence.threads(1):
        np.testing.assert_array_equal(compiled(a, b), found)


@pytest.mark.parametrize("form", FORMS)
def test_batches(form):
    f = {"nn": lambda a, b: a @ b, "tn": lambda a, b: np.swapaxes(a, 1, 2) @ b}.get(
        form, lambda a, b: a @ np.swapaxes(b, 1, 2)
    )
    a, b = RNG.normal(size=(5, 90, 90)), RNG.normal(size=(5, 90, 90))
    np.testing.assert_allclose(whence.compile(f)(a, b), f(a, b), rtol=1e-12, atol=1e-12)
    shared = RNG.normal(size=(90, 90))
    np.testing.assert_allclose(whence.compile(f)(a, shared[None]), f(a, shared[None]), rtol=1e-12, atol=1e-12)


def test_a_factor_that_many_products_read_is_brought_into_order_once():
    def f(x: Any, w: Any) -> Any:
        for _ in range(12):
            x = np.tanh(x @ w.T)
        return x

    x, w = RNG.normal(size=(48, 64)), RNG.normal(size=(64, 64)) / 8
    compiled = whence.compile(f)
    for factor in (1.0, 0.5, 2.0):
        np.testing.assert_allclose(compiled(x, factor * w), f(x, factor * w), rtol=1e-11, atol=1e-14)
    names = [launch.name for launch in compiled.programs[-1].run.program.launches]
    assert names.count("pack") == 1 and names.count("product") == 12


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf, 5e-324])
def test_specials_are_where_numpy_has_them(special):
    a, b = RNG.normal(size=(80, 70)), RNG.normal(size=(70, 90))
    a[3, 5], b[7, 11] = special, special
    with np.errstate(invalid="ignore"):
        expected, found = a @ b, whence.compile(np.matmul)(a, b)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)


def test_views_and_slices():
    a, b = RNG.normal(size=(200, 150)), RNG.normal(size=(150, 130))

    def f(a: Any, b: Any) -> Any:
        return a[3:103, 10:140] @ b[10:140, 5:101], a[::2, :150] @ b

    for found, expected in zip(whence.compile(f)(a, b), f(a, b), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)
