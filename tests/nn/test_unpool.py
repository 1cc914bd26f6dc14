"""Places of max pooling, and what puts elements back there: PyTorch's, where it is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import whence
from whence import Variable, nn
from whence.errors import BoundsError, DtypeError, ShapeError
from whence.nn import functional as F
from whence.testing import check_gradient

SIZES = {1: (2, 3, 9), 2: (2, 3, 6, 7), 3: (1, 2, 4, 5, 4)}
SETTINGS: list[dict[str, Any]] = [
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": 2, "stride": 3, "ceil_mode": True},
    {"kernel_size": 2, "dilation": 2, "stride": 1},
]


def some(ndim: int) -> np.ndarray:
    return np.random.default_rng(ndim).normal(size=SIZES[ndim])


@pytest.mark.parametrize("how", SETTINGS, ids=str)
@pytest.mark.parametrize("ndim", SIZES)
def test_places_are_where_the_elements_are(ndim, how):
    x = some(ndim)
    y, places = getattr(F, f"max_pool{ndim}d")(x, **how, return_indices=True)
    np.testing.assert_array_equal(y, getattr(F, f"max_pool{ndim}d")(x, **how))
    flat = np.take_along_axis(x.reshape(*x.shape[:2], -1), places.reshape(*x.shape[:2], -1), axis=-1)
    np.testing.assert_array_equal(flat.reshape(y.shape), y)
    single = getattr(nn, f"MaxPool{ndim}d")(**how, return_indices=True)(x[0])
    np.testing.assert_array_equal(single[1], places[0])


@pytest.mark.parametrize("how", SETTINGS, ids=str)
@pytest.mark.parametrize("ndim", SIZES)
def test_places_are_pytorchs(ndim, how):
    torch = pytest.importorskip("torch")
    for x in (some(ndim), np.round(some(ndim))):  # the second has elements that tie
        mine = getattr(nn, f"MaxPool{ndim}d")(**how, return_indices=True)(Variable(x))
        theirs = getattr(torch.nn, f"MaxPool{ndim}d")(**how, return_indices=True)(torch.tensor(x))
        np.testing.assert_array_equal(mine[0].data, theirs[0].numpy())
        np.testing.assert_array_equal(mine[1], theirs[1].numpy())


@pytest.mark.parametrize("how", [{"kernel_size": 2}, {"kernel_size": 2, "stride": 3}], ids=str)
@pytest.mark.parametrize("ndim", SIZES)
def test_unpooling_is_pytorchs(ndim, how):
    torch = pytest.importorskip("torch")
    x = some(ndim)
    y, places = getattr(F, f"max_pool{ndim}d")(x, **how, return_indices=True)
    v, t = Variable(y), torch.tensor(y, requires_grad=True)
    for size in (x.shape, x.shape[2:]):
        mine = getattr(nn, f"MaxUnpool{ndim}d")(**how)(v, places, output_size=size)
        theirs = getattr(torch.nn, f"MaxUnpool{ndim}d")(**how)(t, torch.tensor(places), output_size=size)
        np.testing.assert_array_equal(mine.data, theirs.detach().numpy())
        np.sum(mine**3).backward()
        (theirs**3).sum().backward()
        np.testing.assert_allclose(v.grad.data, t.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("ndim", SIZES)
def test_adaptive_places_are_pytorchs(ndim, size):
    torch = pytest.importorskip("torch")
    for x in (some(ndim), np.round(some(ndim))):
        mine = getattr(nn, f"AdaptiveMaxPool{ndim}d")(size, return_indices=True)(Variable(x))
        theirs = getattr(torch.nn, f"AdaptiveMaxPool{ndim}d")(size, return_indices=True)(torch.tensor(x))
        np.testing.assert_array_equal(mine[0].data, theirs[0].numpy())
        np.testing.assert_array_equal(mine[1], theirs[1].numpy())


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("ndim", SIZES)
def test_adaptive_places_are_where_the_elements_are(ndim, size):
    x = some(ndim)
    y, places = getattr(F, f"adaptive_max_pool{ndim}d")(x, size, return_indices=True)
    flat = np.take_along_axis(x.reshape(*x.shape[:2], -1), places.reshape(*x.shape[:2], -1), axis=-1)
    np.testing.assert_array_equal(flat.reshape(y.shape), y)


@pytest.mark.parametrize("ndim", SIZES)
def test_unpooling_undoes_pooling(ndim):
    x = np.abs(some(ndim))
    pooling = getattr(F, f"max_pool{ndim}d")
    y, places = pooling(x, 2, return_indices=True)
    back = getattr(F, f"max_unpool{ndim}d")(y, places, 2, output_size=x.shape)
    assert back.shape == x.shape and isinstance(back, np.ndarray)
    np.testing.assert_array_equal(pooling(back, 2), y)
    assert np.count_nonzero(back) == y.size and np.all((back == x) | (back == 0))


def test_derivatives_and_transforms():
    x = some(2)

    def f(x: Any) -> Any:
        y, places = F.max_pool2d(x, 2, return_indices=True)
        return np.sum(np.sin(F.max_unpool2d(y, places, 2, output_size=(6, 7))))

    check_gradient(f, x[:1, :1], order=2)
    np.testing.assert_allclose(whence.vmap(whence.grad(f))(x)[1], whence.grad(f)(x[1]))


@pytest.mark.parametrize("how", SETTINGS[:3], ids=str)
def test_a_nan_is_the_largest_and_has_a_place(how):
    x = some(2)
    x[np.random.default_rng(0).random(x.shape) < 0.3] = np.nan
    for y, places in (
        F.max_pool2d(x, **how, return_indices=True),
        F.adaptive_max_pool2d(x, 3, return_indices=True),
        whence.vmap(lambda x: F.max_pool2d(x, **how, return_indices=True))(x),
    ):
        flat = np.take_along_axis(x.reshape(2, 3, -1), places.reshape(2, 3, -1), axis=-1)
        np.testing.assert_array_equal(flat.reshape(y.shape), y)
        assert np.isnan(y).any() and not np.isnan(y).all()


def test_of_a_place_named_twice_the_last_element_counts():
    """And has all of the gradient: the others are overwritten."""
    places = np.array([[[1, 1, 4, 4]]])

    def f(y: Any) -> Any:
        return np.sum(np.arange(8.0) * F.max_unpool1d(y, places, 2))

    y = np.array([[[3.0, 2.0, 5.0, 7.0]]])
    np.testing.assert_array_equal(F.max_unpool1d(y, places, 2), [[[0, 2, 0, 0, 7, 0, 0, 0]]])
    np.testing.assert_array_equal(whence.grad(f)(y), [[[0, 1, 0, 4]]])


def test_bad_input_is_named():
    y, places = F.max_pool2d(some(2), 2, return_indices=True)
    for call, error, text in [
        (lambda: F.max_unpool2d(y, places[0], 2), ShapeError, "the same shape"),
        (lambda: F.max_unpool2d(y, places * 1.0, 2), DtypeError, "integers as indices, not float64"),
        (lambda: F.max_unpool2d(y, places + 30, 2), BoundsError, "places outside of"),
        (lambda: F.max_unpool2d(y, places, 2, output_size=(9, 9)), ShapeError, "less than the stride"),
    ]:
        with pytest.raises(error, match=text):
            call()
