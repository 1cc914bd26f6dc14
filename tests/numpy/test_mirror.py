"""whence.numpy is NumPy, name by name, but for the few names that are listed here."""

from __future__ import annotations

import importlib
import subprocess
import sys

import numpy as np
import pytest

import whence
import whence.numpy
from whence import Variable

#: What whence has something of its own for, because NumPy does not ask Variables.
OWN = {
    "numpy": {
        *("arange", "array", "asanyarray", "asarray", "asarray_chkfinite", "ascontiguousarray"),
        *("asfortranarray", "c_", "from_dlpack", "fromiter", "full", "isscalar", "mgrid", "ogrid"),
        *("r_", "require", "vectorize"),
        *("fft", "linalg", "polynomial", "random", "testing"),
    },
    "numpy.fft": set(),
    "numpy.linalg": set(),
    "numpy.polynomial": set(),
    "numpy.random": {
        *("beta", "binomial", "chisquare", "choice", "dirichlet", "exponential", "f", "gamma"),
        *("geometric", "gumbel", "hypergeometric", "laplace", "logistic", "lognormal", "logseries"),
        *("multinomial", "multivariate_normal", "negative_binomial", "noncentral_chisquare"),
        *("noncentral_f", "normal", "pareto", "permutation", "poisson", "power", "rayleigh", "shuffle"),
        *("standard_gamma", "standard_t", "triangular", "uniform", "vonmises", "wald", "weibull", "zipf"),
    },
    "numpy.testing": {
        *("assert_allclose", "assert_almost_equal", "assert_approx_equal", "assert_array_almost_equal"),
        *("assert_array_almost_equal_nulp", "assert_array_equal", "assert_array_less"),
        *("assert_array_max_ulp", "assert_equal"),
    },
}


@pytest.mark.parametrize("room", OWN)
def test_every_public_name_is_here(room):
    numpys, ours = importlib.import_module(room), importlib.import_module(f"whence.{room}")
    names = {*numpys.__all__}
    if room == "numpy":
        names |= {name for name in dir(np) if not name.startswith("_")}
        names |= {"__version__", "__array_namespace_info__"}
    for name in sorted(names):
        if name in OWN[room]:
            assert getattr(ours, name) is not getattr(numpys, name), f"{room}.{name} is NumPy's own"
        else:
            assert getattr(ours, name) is getattr(numpys, name), f"{room}.{name}"
    assert set(OWN[room]) <= names


def test_signatures_are_numpys():
    a = np.arange(6.0).reshape(2, 3)
    for name in ("array", "asarray", "asanyarray", "ascontiguousarray", "asfortranarray", "require"):
        ours, numpys = getattr(whence.numpy, name), getattr(np, name)
        for args in [(a,), (a, np.float32), ([1, 2],), ([[1], [2.5]], complex), (3.0,)]:
            y, e = ours(*args), numpys(*args)
            assert type(y) is type(e) and y.dtype == e.dtype and y.shape == e.shape
            np.testing.assert_array_equal(y, e)
    assert whence.numpy.array([1, 2], ndmin=3).shape == (1, 1, 2)
    assert whence.numpy.asarray(a) is a
    assert whence.numpy.array(a) is not a
    np.testing.assert_array_equal(whence.numpy.full((2, 3), [1, 2, 3]), np.full((2, 3), [1, 2, 3]))
    for args in [(3,), (1, 3), (0, 1, 0.25), (0, 4, 1, float)]:
        np.testing.assert_array_equal(whence.numpy.arange(*args), np.arange(*args))
    np.testing.assert_array_equal(whence.numpy.arange(start=1, stop=3), [1, 2])
    np.testing.assert_array_equal(whence.numpy.mgrid[0:2, 0:3], np.mgrid[0:2, 0:3])
    np.testing.assert_array_equal(whence.numpy.c_[[1, 2], [3, 4]], np.c_[[1, 2], [3, 4]])


def test_import_whence_leaves_the_mirror_unopened():
    code = (
        "import sys, whence\n"
        "print(any(m.startswith(('whence.numpy', 'whence.compat')) for m in sys.modules))\n"
        "print(whence.numpy.pi, whence.Variable(1.0).__array_namespace__() is whence.numpy.array_api)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["False", str(np.pi), "True"]


def test_random_parameters_are_refused_with_a_remedy():
    v = Variable(np.array(2.0))
    with pytest.raises(whence.WhenceError, match=r"np\.random\.normal has no gradient.*\n.*mean \+ scale"):
        whence.numpy.random.normal(v)
    with pytest.raises(whence.WhenceError, match="permutation"):
        whence.numpy.random.permutation(Variable(np.arange(3.0)))
    first = whence.numpy.random.default_rng(0).normal(size=3)
    np.testing.assert_array_equal(first, np.random.default_rng(0).normal(size=3))
    assert whence.numpy.random.normal(size=3).shape == (3,)


def test_assertions_look_at_values():
    v = Variable(np.array([1.0, 2.0]))
    whence.numpy.testing.assert_allclose(v, [1.0, 2.0])
    whence.numpy.testing.assert_equal({"a": v}, {"a": np.array([1.0, 2.0])})
    with pytest.raises(AssertionError):
        whence.numpy.testing.assert_array_equal(v, [1.0, 3.0])
