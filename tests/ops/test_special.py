"""SciPy's special functions: truth from mpmath, awkward points, what is refused."""

from __future__ import annotations

import subprocess
import sys

import mpmath
import numpy as np
import pytest
from scipy import special

import whence
import whence.scipy.special as mirror
from whence import Variable
from whence.core.table import OPS
from whence.errors import NoGradientError, WhenceError

pytestmark = pytest.mark.filterwarnings("ignore")
SMALL_STEP = mpmath.mpf(10) ** -12
gradient_of = whence.grad


@pytest.fixture(autouse=True)
def _digits():
    with mpmath.workdps(40):
        yield


def slope(f, at, order=1):
    """The derivative of an mpmath function by its only argument."""
    return mpmath.diff(f, mpmath.mpf(at), order, h=SMALL_STEP)


# --- derivatives by parameters -------------------------------------------------------------------

SHAPES = [0.1, 0.5, 1.0, 2.5, 10.0, 77.0, 400.0]


def gamma_points():
    for a in SHAPES:
        for x in (1e-3 * a, 0.3 * a, abs(a - np.sqrt(a)) + 0.01, a, a + 2 * np.sqrt(a), 2.5 * a + 3):
            yield a, x


@pytest.mark.parametrize(("a", "x"), list(gamma_points()))
def test_gammainc_by_shape(a, x):
    def smaller(s):
        if x < a:
            return mpmath.gammainc(s, 0, x, regularized=True)
        return -mpmath.gammainc(s, x, mpmath.inf, regularized=True)

    truth, curve = slope(smaller, a), slope(smaller, a, 2)
    if abs(truth) < 1e-280:
        pytest.skip("beyond double precision")
    found = gradient_of(special.gammainc)(a, x)
    assert abs(found / truth - 1) < 1e-10
    assert abs(gradient_of(special.gammaincc)(a, x) / -truth - 1) < 1e-10
    found = gradient_of(gradient_of(special.gammainc))(a, x)
    assert abs(found - curve) < 1e-8 * max(abs(curve), abs(truth) / a)


def beta_points():
    rng = np.random.default_rng(0)
    for a in (0.1, 1.0, 7.3, 150.0):
        for b in (0.1, 2.0, 40.0, 300.0):
            spread = np.sqrt(a * b / (a + b) ** 2 / (a + b + 1))
            yield a, b, float(np.clip(a / (a + b) + rng.uniform(-3, 3) * spread, 0.001, 0.999))


@pytest.mark.parametrize(("a", "b", "x"), list(beta_points()))
def test_betainc_by_shapes(a, b, x):
    def smaller(s, t):
        if x < a / (a + b):
            return mpmath.betainc(s, t, 0, x, regularized=True)
        return -mpmath.betainc(s, t, x, 1, regularized=True)

    truth = [slope(lambda s: smaller(s, b), a), slope(lambda t: smaller(a, t), b)]
    found = gradient_of(special.betainc, (0, 1))(a, b, x)
    opposite = gradient_of(special.betaincc, (0, 1))(a, b, x)
    for ours, negative, true in zip(found, opposite, truth, strict=True):
        assert abs(ours / true - 1) < 1e-10
        assert abs(negative / -true - 1) < 1e-10


@pytest.mark.parametrize(("a", "b", "x"), [(0.6, 2.0, 0.2), (30.0, 12.0, 0.7), (3.0, 150.0, 0.02)])
def test_second_derivatives_of_betainc_by_shapes(a, b, x):
    def value(s, t):
        return mpmath.betainc(s, t, 0, x, regularized=True)

    found = whence.hessian(lambda p: special.betainc(p[0], p[1], x))(np.array([a, b]))
    truth = [[float(mpmath.diff(value, (a, b), n, h=SMALL_STEP)) for n in row] for row in ORDERS]
    np.testing.assert_allclose(found, truth, rtol=1e-8, atol=1e-9 * np.max(np.abs(truth)))


ORDERS = [[(2, 0), (1, 1)], [(1, 1), (0, 2)]]
BESSEL = {
    special.jv: mpmath.besselj,
    special.yv: mpmath.bessely,
    special.iv: mpmath.besseli,
    special.kv: mpmath.besselk,
    special.hankel1: mpmath.hankel1,
    special.kve: lambda v, z: mpmath.besselk(v, z) * mpmath.exp(z),
}


@pytest.mark.parametrize("f", BESSEL, ids=lambda f: f.__name__)
@pytest.mark.parametrize("v", [0.0, 1.0, 0.5, -2.3, 7.7, 30.0])
@pytest.mark.parametrize("z", [0.02, 0.8, 5.0, 140.0])
def test_bessel_functions_by_order(f, v, z):
    truth = [mpmath.diff(lambda u: BESSEL[f](u, mpmath.mpf(z)), v, n, h=SMALL_STEP) for n in (0, 1, 2)]
    _, first = whence.jvp(lambda u: f(u, z), (v,), (1.0,))
    _, second = whence.jvp(lambda u: whence.jvp(lambda t: f(t, z), (u,), (1.0,))[1], (v,), (1.0,))
    assert abs(first - truth[1]) < 1e-10 * max(abs(truth[1]), 0.05 * abs(truth[0]))
    assert abs(second - truth[2]) < 1e-8 * max(abs(truth[2]), 0.05 * abs(truth[0]))


@pytest.mark.parametrize("args", [(1.2,), (3.3,), (-2.5,), (2.5, 0.3), (1.5, 40.0)])
def test_zeta(args):
    truth = slope(lambda s: mpmath.zeta(s, *args[1:]), args[0])
    assert abs(gradient_of(special.zeta)(*args) / truth - 1) < 1e-10


@pytest.mark.parametrize(("df", "t"), [(0.7, -1.0), (3.5, 2.0), (40.0, 1.3), (300.0, -4.0)])
def test_student_by_freedom(df, t):
    def lower(n):
        return mpmath.betainc(n / 2, 0.5, 0, n / (n + mpmath.mpf(t) ** 2), regularized=True) / 2

    truth = slope(lower, df) * (1 if t < 0 else -1)
    assert abs(gradient_of(special.stdtr)(df, t) / truth - 1) < 1e-10


@pytest.mark.parametrize("a", [0.3, 4.0, 120.0])
@pytest.mark.parametrize("p", [1e-6, 0.3, 0.99])
def test_a_quantile_moves_with_its_shape(a, p):
    step = 1e-3 * a
    values = [special.gammaincinv(a + k * step, p) for k in (-2, -1, 1, 2)]
    numeric = (8 * (values[2] - values[1]) - (values[3] - values[0])) / (12 * step)
    np.testing.assert_allclose(gradient_of(special.gammaincinv)(a, p), numeric, rtol=1e-7)


# --- awkward points ------------------------------------------------------------------------------

INF = np.inf
POINTS = [
    (special.xlogy, (0.0, 2.0), (np.log(2), 0.0)),
    (special.xlogy, (0.0, 0.0), (-INF, 0.0)),
    (special.xlog1py, (0.0, -1.0), (-INF, 0.0)),
    (special.entr, (0.0,), (INF,)),
    (special.entr, (-1.0,), (0.0,)),
    (special.rel_entr, (0.0, 0.0), (1.0, 0.0)),
    (special.kl_div, (0.0, 2.0), (-INF, 1.0)),
    (special.kl_div, (0.0, 0.0), (0.0, 0.0)),
    (special.expit, (1000.0,), (0.0,)),
    (special.expit, (-1000.0,), (0.0,)),
    (special.expit, (50.0,), (np.exp(-50),)),
    (special.log_expit, (-1000.0,), (1.0,)),
    (special.erfinv, (1.0,), (INF,)),
    (special.erfinv, (-1.0,), (INF,)),
    (special.ndtri, (0.0,), (INF,)),
    (special.log_ndtr, (-1e10,), (1e10,)),
    (special.gammaln, (0.0,), (-INF,)),
    (special.rgamma, (-2.0,), (2.0,)),
    (special.rgamma, (0.0,), (1.0,)),
    (special.spence, (1.0,), (-1.0,)),
    (special.exprel, (0.0,), (0.5,)),
    (special.ellipk, (0.0,), (np.pi / 8,)),
    (special.ellipe, (0.0,), (-np.pi / 8,)),
    (special.gammainc, (2.0, 0.0), (0.0, 0.0)),
    (special.gammainc, (2.0, INF), (0.0, 0.0)),
    (special.betainc, (2.0, 3.0, 0.0), (0.0, 0.0, 0.0)),
    (special.betainc, (2.0, 3.0, 1.0), (0.0, 0.0, 0.0)),
    (special.betaincinv, (2.0, 3.0, 0.0), (0.0, 0.0, INF)),
    (special.stdtr, (INF, 1.0), (0.0, np.exp(-0.5) / np.sqrt(2 * np.pi))),
    (special.stdtr, (3.0, 0.0), (0.0, 2 / np.pi / np.sqrt(3))),
    (special.pseudo_huber, (0.0, 1.0), (1.0, 0.0)),
    (special.pseudo_huber, (0.0, 0.0), (0.0, 0.0)),
    (special.huber, (1.0, 0.0), (0.0, 0.0)),
    (special.boxcox, (2.0, 0.0), (0.5, np.log(2) ** 2 / 2)),
    (special.boxcox, (0.0, 1.0), (1.0, 1.0)),
    (special.inv_boxcox, (2.0, 0.0), (np.exp(2), -2 * np.exp(2))),
    (special.agm, (1.0, 1.0), (0.5, 0.5)),
    (special.i1e, (0.0,), (0.5,)),
]


@pytest.mark.parametrize(("f", "at", "slopes"), POINTS, ids=lambda p: getattr(p, "__name__", None))
def test_slopes_at_awkward_points(f, at, slopes):
    found = [whence.grad(f, i)(*at) for i in range(len(at))]
    np.testing.assert_allclose(found, slopes, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize(
    ("f", "x", "order"),
    [
        (special.erfcx, [-1.0, 0.5, 5.0, 12.0, 50.0], 3),
        (special.dawsn, [-20.0, -1.0, 3.0, 12.0, 40.0], 3),
        (special.rgamma, [-2.5, -2.0, -1.0, 0.0, 0.3, 4.0], 3),
        (special.log_ndtr, [-30.0, -3.0, 0.0, 4.0], 3),
        (special.exprel, [-3.0, 0.0, 1e-5, 4.0], 3),
        (special.psi, [-1.5, 2.0], 3),
        (special.spence, [0.2, 0.999, 1.0, 1.4, 3.0], 3),
        (special.ellipe, [-3.0, 0.0, 1e-9, 0.9], 3),
    ],
)
def test_higher_orders(f, x, order):
    whence.testing.check_gradient(f, np.array(x), order=order)


def test_where_nothing_weighs_the_gradient_is_zero():
    nothing = np.array([-np.inf, -np.inf])
    np.testing.assert_array_equal(gradient_of(mirror.logsumexp)(nothing), [0, 0])
    some = np.array([-np.inf, 0.0])
    np.testing.assert_array_equal(gradient_of(lambda x: mirror.softmax(x)[1])(some), [0, 0])
    np.testing.assert_array_equal(gradient_of(lambda x: mirror.log_softmax(x)[1])(some), [0, 0])


# --- what is refused -----------------------------------------------------------------------------

REFUSED = [
    (lambda v: special.gammaln(v), -1.0, "pole"),
    (lambda v: special.psi(v), -3.0, "pole"),
    (lambda v: special.jv(v, 0.0), 0.0, "at 0"),
    (lambda v: special.jv(v, -2.0), 1.0, "negative argument"),
    (lambda v: special.hyp1f1(v, 2.0, 0.5), 1.0, "no gradient for a"),
    (lambda v: special.yn(v, 2.0), 1.0, "yv takes any order"),
    (lambda v: special.eval_legendre(v, 0.5), 2.0, "no gradient for n"),
    (lambda v: special.bdtr(1, v, 0.5), 4.0, "integer"),
    (lambda v: special.binom(3.0, v), 5.0, "negative integer"),
    (lambda v: special.voigt_profile(1.0, v, 1.0), 0.0, "sigma = 0"),
    (lambda v: mirror.polygamma(v, 1.0), 1.0, "plain integer"),
    (lambda v: mirror.comb(v, 2, exact=True), 4.0, "exact=False"),
    (lambda v: special.mathieu_a(1, v), 0.5, "scipy.special.mathieu_a has no gradient"),
]


@pytest.mark.parametrize(("f", "at", "text"), REFUSED)
def test_refused_with_a_reason(f, at, text):
    with pytest.raises(NoGradientError, match=text) as caught:
        whence.grad(f)(at)
    assert "→" in str(caught.value)
    assert "test_special.py" in str(caught.value)


def test_scaled_bessel_functions_of_complex_arguments_name_the_plain_ones():
    z = Variable(np.array([1 + 1j]))
    with pytest.raises(NoGradientError, match="not holomorphic"):
        np.sum(np.abs(special.jve(1, z))).backward()
    np.sum(np.abs(special.kve(1, z))).backward()


def test_high_orders_of_a_parameter_are_refused():
    f = special.gammainc
    for _ in range(4):
        f = whence.grad(f)
    assert np.isfinite(f(2.0, 1.0))
    with pytest.raises(NoGradientError, match="at most 4 times"):
        whence.grad(f)(2.0, 1.0)


UFUNCS = {name: f for name, f in vars(special).items() if isinstance(f, np.ufunc)}


@pytest.mark.parametrize("name", sorted(UFUNCS))
def test_every_ufunc_answers_with_variables_or_raises(name):
    f = UFUNCS[name]
    args = [Variable(np.array([0.5])) for _ in range(f.nin)]
    try:
        y = f(*args)
    except WhenceError as error:
        assert f not in OPS or "not supported for the input types" in str(error)  # as SciPy says
        return
    assert all(isinstance(part, Variable) for part in (y if isinstance(y, tuple) else (y,)))


def test_the_mirror_is_complete():
    assert set(special.__all__) <= set(dir(mirror))
    assert all(getattr(mirror, name) is f for name, f in UFUNCS.items())


def test_the_mirror_answers_plain_arrays_plainly():
    x = np.array([0.5, 1.5])
    for found, expected in [
        (mirror.softmax(x), special.softmax(x)),
        (mirror.log_softmax(x), special.log_softmax(x)),
        (mirror.polygamma(1, x), special.polygamma(1, x)),
        (mirror.multigammaln(x, 1), special.multigammaln(x, 1)),
        (mirror.spherical_jn(1, x), special.spherical_jn(1, x)),
        (mirror.diric(x, 2), special.diric(x, 2)),
        (mirror.comb(5, 2, exact=True), 10),
        (mirror.perm(5, 2, exact=True), 20),
        (mirror.factorial(3, exact=True), 6),
    ]:
        assert type(found) is type(expected)
        np.testing.assert_array_equal(found, expected)


def test_importing_whence_imports_no_other_part_of_scipy():
    code = (
        "import sys, scipy.special, numpy; before = set(sys.modules); import whence; "
        "print(*sorted(m for m in set(sys.modules) - before if m.startswith('scipy')))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


@pytest.mark.parametrize("name, counts", [("kn", 1), ("yn", 1), ("expn", 1), ("bdtr", 2), ("nbdtr", 2)])
def test_counts_are_cut_to_integers_as_in_scipy(name, counts):
    """The derivative is that of the value, which SciPy computes for the whole part of a count."""
    f, whole = getattr(special, name), [2.0, 5.0][-counts:]
    for part in (0.0, 0.3, 0.7):
        given = [n + part for n in whole]
        np.testing.assert_allclose(f(*given, 0.4), f(*whole, 0.4))
        slope = whence.grad(lambda x, given=given: f(*given, x))(0.4)
        np.testing.assert_allclose(slope, whence.grad(lambda x: f(*whole, x))(0.4))
    slope = whence.grad(lambda x: special.kn(0.7, x))(1.3)
    np.testing.assert_allclose(slope, -special.k1(1.3))
