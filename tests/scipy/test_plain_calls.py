"""SciPy's own functions, given a Variable, name their mirror where there is one."""

from __future__ import annotations

import numpy as np
import pytest
import scipy

import whence
from whence import Variable


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda v: scipy.integrate.simpson(v), "scipy.integrate.simpson"),
        (lambda v: scipy.interpolate.CubicSpline(np.arange(4.0), v), "scipy.interpolate.CubicSpline"),
        (
            lambda v: scipy.interpolate.make_interp_spline(np.arange(4.0), v),
            "scipy.interpolate.make_interp_spline",
        ),
        (lambda v: scipy.optimize.nnls(np.eye(4), v), "scipy.optimize.nnls"),
        (
            lambda v: scipy.sparse.linalg.spsolve(scipy.sparse.csc_array(np.eye(4)), v),
            "scipy.sparse.linalg.spsolve",
        ),
        (lambda v: scipy.sparse.csr_array((v, (range(4), range(4)))), "scipy.sparse.csr_array"),
    ],
)
def test_the_mirror_is_named(call, name):
    v = Variable(np.array([1.0, 2.0, 3.0, 4.0]))
    with pytest.raises(whence.WhenceError) as raised:
        call(v)
    text = str(raised.value)
    assert f"{name}(v) asked for a plain array" in text
    assert f"→ whence.{name} has the same signature" in text
    assert "test_plain_calls.py" in text.splitlines()[0]
    assert "made at" in text


def test_a_spline_of_plain_data_called_with_a_variable():
    spline = scipy.interpolate.CubicSpline(np.arange(4.0), np.arange(4.0))
    with pytest.raises(whence.WhenceError, match=r"whence\.scipy\.interpolate\.CubicSpline has the same"):
        spline(Variable(np.array(1.5)))


def test_without_a_mirror():
    with pytest.raises(whence.WhenceError) as raised:
        scipy.spatial.distance.pdist(Variable(np.ones((3, 2))))
    text = str(raised.value)
    assert "scipy.spatial.distance.pdist(v) asked" in text and "whence.primitive" in text
    assert "same signature" not in text


def test_numpy_asks_as_before():
    with pytest.raises(whence.WhenceError, match=r"np\.stack"):
        np.array([Variable(np.array(1.0)), Variable(np.array(2.0))])
