"""The functions of whence.numpy that NumPy does not let a Variable answer for."""

from __future__ import annotations

import numpy
import pytest

import whence
import whence.numpy as np
from whence import Variable
from whence.errors import NoGradientError, ShapeError

#: A complex step through float() has to be tried before it is known not to work.
pytestmark = [
    pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning"),
    pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning"),
]

X = numpy.array([0.5, 1.5, 2.5])

#: Functions of one array, spelt with ``np``; each is compared with NumPy and its gradient checked.
CALLS = {
    "array": lambda np, x: np.array(x),
    "array of scalars": lambda np, x: np.array([x[0], x[1] * x[2]]),
    "array of lists": lambda np, x: np.array([[x[0], 1.0], [2.0, x[1]]]),
    "array of lists and arrays": lambda np, x: np.array([x, [x[0], 1.0, x[2]], [1.0, 2.0, 3.0], X]),
    "array of tuples": lambda np, x: np.array(((x[0], x[1]), (x[2], 3))),
    "array of arrays": lambda np, x: np.array([x, x * x]),
    "array, deep": lambda np, x: np.array([[[x[0]], [x[1]]], [[x[2]], [4]]]),
    "array, ndmin": lambda np, x: np.array(x[0], ndmin=2),
    "array, complex": lambda np, x: np.array([x[0], 1j * x[1]]),
    "array, dtype": lambda np, x: np.array([x[0], x[1]], dtype=complex),
    "asarray": lambda np, x: np.asarray([x, x]),
    "asarray of itself": lambda np, x: np.asarray(x) * 2,
    "asanyarray": lambda np, x: np.asanyarray((x[1], x[0])),
    "ascontiguousarray": lambda np, x: np.ascontiguousarray(x[0]),
    "asfortranarray": lambda np, x: np.asfortranarray(x[::-1]),
    "asarray_chkfinite": lambda np, x: np.asarray_chkfinite([x[0], 2.0]),
    "require": lambda np, x: np.require(x, requirements=["C"]),
    "fromiter": lambda np, x: np.fromiter((t * t for t in x), float),
    "fromiter, count": lambda np, x: np.fromiter((t * t for t in x), float, 2),
    "full": lambda np, x: np.full((2, 3), x),
    "full of one": lambda np, x: np.full(4, x[0]),
    "full of a list": lambda np, x: np.full((2, 2), [x[0], 1.0]),
    "arange, start": lambda np, x: np.arange(x[0], 4),
    "arange, step": lambda np, x: np.arange(0, 3.2, x[0]),
    "arange, both": lambda np, x: np.arange(x[0], x[2] + 0.1, x[1] / 3),
    "r_": lambda np, x: np.r_[x, 1, 2:4, x[0]],
    "r_ of one": lambda np, x: np.r_[x],
    "r_, axis": lambda np, x: np.r_["0,2", x, X, x * 2],
    "r_, trailing": lambda np, x: np.r_["-1,2,0", x, x],
    "r_, count": lambda np, x: np.r_[0:1:3j, x],
    "r_, moving slice": lambda np, x: np.r_[x[0] : x[2] : 4j],
    "c_": lambda np, x: np.c_[x, X],
    "c_ of ranges": lambda np, x: np.c_[x, 1:4],
    "c_ of matrices": lambda np, x: np.c_[np.full((3, 2), 1.0), x],
    "mgrid": lambda np, x: np.mgrid[x[0] : 4, 0 : x[1] : 3j],
    "mgrid of one": lambda np, x: np.mgrid[x[0] : 3.2 : 0.5],
    "ogrid": lambda np, x: np.ogrid[x[0] : 3.2, 0:2][0],
    "vectorize": lambda np, x: np.vectorize(lambda t: t if t > 1 else t * t)(x),
    "vectorize, two": lambda np, x: np.vectorize(lambda a, b: a * b)(x[:, None], X),
    "vectorize, excluded": lambda np, x: np.vectorize(lambda p, t: p[0] * t, excluded=[0])(x, X),
    "vectorize, named": lambda np, x: np.vectorize(lambda a, b: a - b)(x, b=2.0),
    "vectorize, signature": lambda np, x: np.vectorize(
        lambda a, b: np.sum(a * b), signature="(n),(n)->()"
    )(np.array([x, X]), x),
    "vectorize, tuple": lambda np, x: np.vectorize(lambda t: (t, t * t))(x)[1],
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_value_and_gradient(name):
    call = CALLS[name]
    y, e = call(np, Variable(X)), call(numpy, X)
    assert isinstance(y, Variable)
    assert y.shape == numpy.shape(e) and y.dtype == e.dtype
    numpy.testing.assert_allclose(y.data, e, rtol=1e-15)
    assert call(np, X).dtype == e.dtype  # and plain arrays go through
    whence.testing.check_gradient(lambda x: call(np, x), X)


def test_single_stays_single():
    v = Variable(X.astype(numpy.float32))
    for y in (np.array([v[0], v[1]]), np.array([v, v]), np.r_[v, v], np.full(2, v[0]), np.c_[v, v]):
        assert y.dtype == numpy.float32
    assert np.array([v[0], 1.0]).dtype == numpy.array([numpy.float32(1), 1.0]).dtype
    assert np.array([v[0], 1.0], numpy.float32).dtype == numpy.float32


def test_integer_arrays_of_variables_are_plain():
    v = Variable(X)
    assert type(np.array([v[0], v[1]], dtype=int)) is numpy.ndarray
    assert type(np.asarray(v, int)) is numpy.ndarray


def test_array_is_a_copy_and_asarray_is_not():
    v = Variable(X)
    assert np.asarray(v) is v
    w = np.array(v)
    w[0] = 9.0
    assert v.data[0] == 0.5
    assert np.array(v, copy=None) is v


def test_object_arrays_of_variables_are_opened():
    v = Variable(X)
    boxes = numpy.empty((2, 2), object)
    boxes[0, 0], boxes[0, 1], boxes[1, 0], boxes[1, 1] = v[0], 1.0, 2.0, v[1]
    numpy.testing.assert_array_equal(np.array(boxes).data, [[0.5, 1.0], [2.0, 1.5]])


def test_many_operands_make_one_node():
    xs = [Variable(float(i)) for i in range(50)]
    y = np.array([xs[:25], xs[25:]])
    assert y.shape == (2, 25) and len(y.creator.inputs) == 50


@pytest.mark.parametrize("ragged", [lambda v: [v, v[0]], lambda v: [[v[0], v[1]], [v[0]]]])
def test_parts_of_different_shapes_are_refused(ragged):
    with pytest.raises(ShapeError, match="different"):
        np.array(ragged(Variable(X)))


def test_what_cannot_be_done_says_so():
    with pytest.raises(NoGradientError, match="matrix"):
        np.r_["r", Variable(X), Variable(X)]
    with pytest.raises(ValueError, match="infs or NaNs"):
        np.asarray_chkfinite(Variable(numpy.array([1.0, numpy.nan])))
    with pytest.raises(TypeError, match="stop"):
        np.arange(start=Variable(1.0))


def test_scalars():
    assert np.isscalar(Variable(X)[0]) and not np.isscalar(Variable(X)) and np.isscalar(2.0)
    assert np.array(Variable(X)[0]).ndim == 0


def test_the_readme_way_of_autograd_users():
    def rosenbrock(p):
        a = np.array([1 - p[0], 10 * (p[1] - p[0] ** 2)])
        return np.dot(a, a)

    numpy.testing.assert_allclose(whence.grad(rosenbrock)(np.array([1.0, 1.0])), 0, atol=1e-12)
    numpy.testing.assert_allclose(
        whence.hessian(rosenbrock)(np.array([1.0, 1.0])), [[802, -400], [-400, 200]]
    )
