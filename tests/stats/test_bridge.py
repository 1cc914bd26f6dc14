"""The bridge: plain calls keep their gradient, everything else is SciPy's, in either order of import."""

from __future__ import annotations

import copy
import inspect
import pickle
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

import whence
from whence import Variable, grad


def python(code: str) -> str:
    """What a fresh interpreter prints, warnings being errors."""
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


SLOPE = "print(whence.grad(lambda m: stats.norm.logpdf(2.0, loc=m, scale=0.5))(1.0), end=' ')\n"


@pytest.mark.parametrize(
    "imports",
    [
        "import whence\nfrom scipy import stats\n",
        "from scipy import stats\nimport whence\n",
        "import whence, scipy\nstats = scipy.stats\n",
        "import whence.scipy.stats as stats\nimport whence\n",
        "from scipy.stats import norm\nimport whence\nclass stats: norm = norm\n",
        "import whence\nfrom scipy.stats._continuous_distns import norm\nclass stats: norm = norm\n",
        "import scipy.stats as stats, importlib, whence\nimportlib.reload(stats)\n",
    ],
)
def test_either_order_of_imports(imports):
    assert python(imports + SLOPE) == "4.0"


def test_nothing_is_imported_that_nobody_asked_for():
    code = "import sys, whence\nprint('scipy.stats' in sys.modules, 'whence.scipy.stats' in sys.modules)\n"
    assert python(code) == "False False"
    code = "import sys, whence, scipy.stats\nprint('whence.scipy.stats' in sys.modules)\n"
    assert python(code) == "False"


def test_the_finder_leaves_and_the_loader_is_pythons():
    code = (
        "import sys, whence\nbefore = len(sys.meta_path)\nimport scipy.stats as s\n"
        "print(before - len(sys.meta_path), type(s.__loader__).__name__, type(s.__spec__.loader).__name__)\n"
        "from importlib.resources import files\nprint(files('scipy.stats').joinpath('_qmc.py').is_file())"
    )
    assert python(code).split() == ["1", "SourceFileLoader", "SourceFileLoader", "True"]


def test_an_import_that_fails_fails_as_before_and_may_be_tried_again():
    code = (
        "import sys, whence\nsys.modules['scipy.stats._qmc'] = None\n"
        "try:\n    import scipy.stats\nexcept ImportError:\n    print('failed', end=' ')\n"
        "for name in [n for n in sys.modules if n.startswith('scipy.stats')]:\n    del sys.modules[name]\n"
        "from scipy import stats\n" + SLOPE
    )
    assert python(code) == "failed 4.0"


def test_wrapped_once():
    whence.bridge.connect(stats)
    method = type(stats.norm).logpdf
    assert not hasattr(method.__wrapped__, "__wrapped__")


@pytest.mark.parametrize("name", ["pdf", "cdf", "ppf", "fit", "rvs", "entropy", "__call__"])
def test_signatures_names_and_documents_stay(name):
    method = getattr(stats.rv_continuous, name)
    original = method.__wrapped__
    assert inspect.signature(method) == inspect.signature(original)
    assert (method.__name__, method.__doc__) == (original.__name__, original.__doc__)
    assert method.__qualname__ == original.__qualname__
    assert method.__module__.startswith("scipy.stats")


@pytest.mark.parametrize(
    "made",
    [
        stats.norm,
        stats.gamma(2.0, scale=3.0),
        stats.poisson,
        stats.binom(5, 0.3),
        stats.multivariate_normal([0.0, 1.0]),
        stats.dirichlet,
    ],
)
def test_pickles_and_copies(made):
    for again in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made)):
        assert type(again) is type(made)
    if made is stats.norm:
        assert pickle.loads(pickle.dumps(made)).pdf(0.3) == made.pdf(0.3)


def test_pickled_method():
    method = pickle.loads(pickle.dumps(stats.norm.pdf))
    assert method(0.3) == stats.norm.pdf(0.3)


SHAPES = {"beta": (2.1, 3.2), "gamma": (1.7,), "truncnorm": (-1.0, 2.0), "poisson": (2.3,), "binom": (7, 0.4)}


@pytest.mark.parametrize("name", ["norm", "expon", "logistic", *SHAPES])
def test_plain_calls_are_scipys_to_the_bit(name):
    dist, shapes = getattr(stats, name), SHAPES.get(name, ())
    rng = np.random.default_rng(5)
    density = ("pmf", "logpmf") if hasattr(dist, "pmf") else ("pdf", "logpdf")
    for method in (*density, "cdf", "sf", "logcdf", "logsf", "ppf", "isf"):
        ours = getattr(dist, method)
        scipys = getattr(type(dist), method).__wrapped__
        for x in (rng.uniform(-1, 3, (3, 2)), 0.25, np.array([]), [1, 0], np.float32(0.5), np.nan):
            for keywords in ({}, {"loc": rng.uniform(-1, 1, 2)}):
                if np.size(x) == 0 and keywords:
                    continue
                a, b = ours(x, *shapes, **keywords), scipys(dist, x, *shapes, **keywords)
                assert type(a) is type(b)
                np.testing.assert_array_equal(a, b, strict=True)


# --- calls with Variables ----------------------------------------------------------------------------


def test_anywhere_in_the_call():
    x, m, s = 0.7, 0.2, 1.3
    expected = stats.norm.logpdf(x, m, s)
    v, loc, scale = Variable(x), Variable(m), Variable(s)
    for y in (
        stats.norm.logpdf(v, m, s),
        stats.norm.logpdf(x, loc, s),
        stats.norm.logpdf(x, m, scale),
        stats.norm.logpdf(x=v, loc=loc, scale=scale),
        stats.norm.logpdf(x, scale=scale, loc=m),
        stats.norm(loc, scale).logpdf(x),
        stats.norm(scale=s, loc=loc).logpdf(v),
        stats.norm(m, s).logpdf(v),
        stats.norm.freeze(m, scale).logpdf(x),
        stats.norm(loc, scale).dist.logpdf(v, loc, scale),
    ):
        assert isinstance(y, Variable)
        np.testing.assert_allclose(y.data, expected, rtol=1e-14)


def test_frozen_distributions_are_scipys_own():
    made, plain = stats.pareto(Variable(2.5), scale=Variable(3.0)), stats.pareto(2.5, scale=3.0)
    assert type(made) is type(plain)
    assert (made.a, made.b) == (1.0, np.inf)
    for method in ("mean", "var", "std", "median", "entropy"):
        y = getattr(made, method)()
        np.testing.assert_allclose(y.data, getattr(plain, method)(), rtol=1e-13)
    low, high = made.interval(0.9)
    np.testing.assert_allclose([low.data, high.data], plain.interval(0.9), rtol=1e-13)


def test_what_has_no_rule_raises_and_says_so():
    v = Variable(1.0)
    for call, name in [
        (lambda: stats.hypergeom.pmf(v, 3, 4, 5), "hypergeom.pmf"),
        (lambda: stats.vonmises.cdf(v, 1.0), "vonmises.cdf"),
        (lambda: stats.norm.rvs(loc=v), "norm.rvs"),
        (lambda: stats.norm.moment(2, loc=v), "norm.moment"),
        (lambda: stats.norm(v, 1.0).stats(), "norm.stats"),
        (lambda: stats.norm.fit(v), "norm.fit"),
        (lambda: stats.matrix_normal.logpdf(Variable(np.eye(2))), "matrix_normal.logpdf"),
        (
            lambda: stats.multivariate_normal(np.zeros(2)).cdf(Variable(np.zeros(2))),
            "multivariate_normal.cdf",
        ),
    ]:
        if name == "norm.fit":  # a method of norm's own, which asks for a plain array
            with pytest.raises(whence.errors.GraphError):
                call()
            continue
        with pytest.raises(whence.errors.NoGradientError) as caught:
            call()
        text = str(caught.value)
        assert f"scipy.stats.{name} has no gradient" in text
        assert "test_bridge.py" in text and "v.data" in text


def test_lists_of_variables_and_complex_numbers_are_refused():
    with pytest.raises(whence.WhenceError, match="stack"):
        stats.norm.logpdf([Variable(1.0), Variable(2.0)])
    with pytest.raises(whence.errors.DtypeError, match="real"):
        stats.norm.logpdf(Variable(1.0 + 2j))


def test_argument_errors_are_scipys():
    with pytest.raises(TypeError):
        stats.norm.logpdf(Variable(1.0), 1, 2, 3)
    with pytest.raises(TypeError):
        stats.gamma.pdf(Variable(1.0))


def test_without_recording():
    with whence.no_grad():
        y = stats.norm.logpdf(Variable(0.3))
    assert y.creator is None
    np.testing.assert_allclose(y.data, stats.norm.logpdf(0.3))


class Ramp(stats.rv_continuous):
    """Somebody's own distribution: x**a on (0, 1), in NumPy."""

    def _pdf(self, x, a):
        return (a + 1) * x**a

    def _cdf(self, x, a):
        return x ** (a + 1)


def test_subclasses_of_users():
    ramp = Ramp(a=0.0, b=1.0, name="ramp")
    x, a = 0.4, 1.5
    y = ramp.logpdf(Variable(x), a, loc=Variable(0.1))
    np.testing.assert_allclose(y.data, ramp.logpdf(x, a, loc=0.1))
    np.testing.assert_allclose(grad(lambda a: ramp.cdf(x, a))(a), x ** (a + 1) * np.log(x))
    q = ramp.ppf(Variable(0.3), a)
    q.backward()
    np.testing.assert_allclose(q.data, 0.3 ** (1 / (a + 1)))


def test_overridden_public_methods_are_the_users():
    class Mine(stats.rv_continuous):
        def pdf(self, x):
            return "mine"

    assert Mine().pdf(Variable(1.0)) == "mine"
