"""Integrals and differential equations: values are SciPy's, derivatives those of the exact solution."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from scipy import integrate as plain

import whence
from whence import Variable
from whence.scipy import integrate as ours

DECAY = {"rate": 0.7, "wave": 2.0}


def five_points(f, x, step=1e-3):
    """The gradient of a function of a vector, by a five-point stencil."""
    x = np.asarray(x, float)
    rows = []
    for i in range(x.size):
        e = np.zeros(x.size)
        e[i] = step
        rows.append((8 * (f(x + e) - f(x - e)) - f(x + 2 * e) + f(x - 2 * e)) / (12 * step))
    return np.array(rows)


# --- integrals -----------------------------------------------------------------------------------


def damped(p):
    return ours.quad(lambda x, p: np.exp(-p["rate"] * x) * np.sin(p["wave"] * x), 0, np.inf, (p,))[0]


def test_quad_over_a_half_line_with_a_container():
    a, b = DECAY["rate"], DECAY["wave"]
    value, g = whence.value_and_grad(damped)(DECAY)
    assert abs(value - b / (a * a + b * b)) < 1e-9
    assert abs(g["rate"] + 2 * a * b / (a * a + b * b) ** 2) < 1e-8
    assert abs(g["wave"] - (a * a - b * b) / (a * a + b * b) ** 2) < 1e-8


def test_quad_to_the_third_order_against_mpmath():
    def f(p):
        return ours.quad(lambda x: np.exp(-p * x**2) / (1 + x), 0, 2)[0]

    for order in range(4):
        exact = mpmath.quad(lambda x, k=order: (-(x**2)) ** k * mpmath.exp(-1.3 * x**2) / (1 + x), [0, 2])
        assert abs(f(1.3) - exact) < 1e-11
        f = whence.grad(f)


def test_quad_limits_and_closures():
    w = Variable(np.array([1.0, 2.0]))
    y = ours.quad(lambda x, b: np.sum(w**2) * x**b, 0, w[1] * 2, (3.0,))[0]
    y.backward()
    np.testing.assert_allclose(w.grad.data, [128.0, 896.0])

    def both(v):
        return ours.quad(lambda x: np.cos(v[0] * x), v[0] ** 2, np.exp(v[1]))[0]

    def exact(v):
        return (np.sin(v[0] * np.exp(v[1])) - np.sin(v[0] ** 3)) / v[0]

    at = np.array([0.8, 0.3])
    np.testing.assert_allclose(whence.hessian(both)(at), whence.hessian(exact)(at), rtol=1e-9)


def test_quad_singular_integrand():
    def f(p):
        return ours.quad(lambda x: x ** (p - 0.5), 0, 1.5)[0]

    def exact(p):
        return 1.5 ** (p + 0.5) / (p + 0.5)

    np.testing.assert_allclose(whence.grad(f)(0.1), whence.grad(exact)(0.1), rtol=1e-9)


def test_quad_weights_points_and_complex():
    def f(p):
        return ours.quad(lambda x: np.exp(-p * x), 0, 3, weight="cos", wvar=4.0)[0]

    def g(p):
        return ours.quad(lambda x: np.exp(-p * x) * np.cos(4 * x), 0, 3, points=[1.0])[0]

    assert abs(whence.grad(f)(0.5) - whence.grad(g)(0.5)) < 1e-9

    def h(p):
        return np.real(ours.quad(lambda x: np.exp(1j * p * x), 0, 1, complex_func=True)[0])

    assert abs(whence.grad(h)(2.0) - (2 * np.cos(2) - np.sin(2)) / 4) < 1e-10


def test_quad_forward_mode_and_plain():
    _y, dy = whence.jvp(damped, (DECAY,), ({"rate": 1.0, "wave": 0.0},))
    assert abs(dy - whence.grad(damped)(DECAY)["rate"]) < 1e-12
    assert type(damped(DECAY)) is float
    assert ours.quad(np.cos, 0, 1) == plain.quad(np.cos, 0, 1)


def test_quad_refuses():
    v = Variable(np.array(1.0))
    with pytest.raises(whence.WhenceError, match=r"weight=, wvar= or points="):
        ours.quad(np.cos, 0, v, weight="cos", wvar=1.0)
    with pytest.raises(whence.WhenceError, match=r"no derivative with respect"), np.errstate(all="ignore"):
        ours.quad(lambda x: (x - 0.0) ** -0.5, v * 0, 1)


def test_a_branch_with_another_variable_is_noticed():
    a, b = Variable(np.array(1.0)), Variable(np.array(2.0))
    y = ours.quad(lambda x: a * x if x < 0.5 else b * x, 0, 1)[0]
    with pytest.raises(whence.WhenceError, match="pass it through args"):
        y.backward()


def test_nested_integrals():
    def f(p):
        return ours.nquad(lambda x, y, p: p * x * y, [[0, 1], [0, p]], args=(p,))[0]

    assert abs(f(2.0) - 2.0) < 1e-12
    assert abs(whence.grad(f)(2.0) - 3.0) < 1e-9
    assert abs(whence.grad(whence.grad(f))(2.0) - 3.0) < 1e-9

    def area(p):
        return ours.dblquad(lambda y, x: 1.0, 0, 1, 0, lambda x: p * x)[0]

    assert abs(whence.grad(area)(2.0) - 0.5) < 1e-9

    def body(p):
        return ours.tplquad(lambda z, y, x: p * z, 0, 1, 0, 1, 0, lambda x, y: p * x)[0]

    assert abs(whence.grad(body)(2.0) - 2.0) < 1e-9
    assert ours.dblquad(lambda y, x: x * y, 0, 1, 0, 2) == plain.dblquad(lambda y, x: x * y, 0, 1, 0, 2)


def test_quad_vec():
    def f(p):
        return ours.quad_vec(lambda x: np.stack([np.sin(p * x), p * x]), 0.0, p)[0]

    def exact(p):
        return np.stack([(1 - np.cos(p * p)) / p, p**3 / 2])

    np.testing.assert_allclose(whence.jacobian(f)(1.2), whence.jacobian(exact)(1.2), rtol=1e-9)


# --- differential equations ----------------------------------------------------------------------

TIMES = np.linspace(0, 4, 6)
WEIGHTS = np.random.default_rng(0).normal(size=(6, 2))
START = np.array([1.0, 2.0])
RATES = np.array([1.0, 0.5, 1.2, 0.3])


def hunt(y, t, a, b, c, d):
    return [a * y[0] - b * y[0] * y[1], -c * y[1] + d * y[0] * y[1]]


def hunted(p, y0=START, t=TIMES, module=ours, **how):
    return np.sum(WEIGHTS * module.odeint(hunt, y0, t, tuple(p), **how))


TIGHT = {"rtol": 1e-12, "atol": 1e-12}


def test_odeint_in_parameters_state_and_times():
    value, g = whence.value_and_grad(hunted, argnums=(0, 1, 2))(RATES, START, TIMES)
    assert value == hunted(RATES, module=plain)
    for i, part in enumerate(g):
        args = [RATES, START, TIMES]

        def at(x, i=i, args=args):
            return hunted(*[x if k == i else a for k, a in enumerate(args)], module=plain, **TIGHT)

        np.testing.assert_allclose(part, five_points(at, args[i]), rtol=1e-5, atol=1e-6)


def test_odeint_second_order_and_forward():
    H = whence.hessian(lambda p: hunted(p, **TIGHT))(RATES)
    rows = five_points(lambda p: whence.grad(lambda p: hunted(p, **TIGHT))(p), RATES)
    np.testing.assert_allclose(H, rows, rtol=1e-6, atol=1e-6)
    _, dy = whence.jvp(hunted, (RATES,), (np.ones(4),))
    np.testing.assert_allclose(dy, np.sum(whence.grad(hunted)(RATES)), rtol=1e-10)


def test_odeint_options_and_plain():
    y, info = ours.odeint(hunt, Variable(START), TIMES, tuple(RATES), full_output=True)
    assert isinstance(y, Variable) and "nfe" in info
    first = ours.odeint(lambda t, y, k: -k * y, 1.0, [0.0, 1.0], (Variable(np.array(2.0)),), tfirst=True)
    assert isinstance(first, Variable) and first.shape == (2, 1)
    assert type(ours.odeint(hunt, START, TIMES, tuple(RATES))) is np.ndarray


def test_a_state_at_rest_has_a_derivative_that_moves():
    def f(y0):
        return ours.odeint(lambda y, t: 3 * y * np.cos(y), y0, np.array([0.0, 1.0, 4.0]))[-1, 0]

    np.testing.assert_allclose(whence.grad(f)(0.0), np.exp(12), rtol=1e-4)


def test_odeint_closes_over():
    k = Variable(np.array(0.5))
    y = ours.odeint(lambda y, t: -k * y, [1.0], [0.0, 1.0, 2.0])
    y[-1, 0].backward()
    np.testing.assert_allclose(k.grad.data, -2 * np.exp(-1.0), rtol=1e-7)


@pytest.mark.parametrize("method", ["RK45", "RK23", "DOP853", "Radau", "BDF", "LSODA"])
def test_every_method(method):
    """dy/dt = -k y + sin t, against its closed form."""

    def ours_at(v):
        k, y0, end = v[0], v[1], v[2]
        return ours.solve_ivp(
            lambda t, y, k: -k * y + np.sin(t), (0.0, end), [y0], method, args=(k,), rtol=1e-8, atol=1e-8
        ).y[0, -1]

    def exact(v):
        k, y0, t = v[0], v[1], v[2]
        return (y0 + 1 / (1 + k * k)) * np.exp(-k * t) + (k * np.sin(t) - np.cos(t)) / (1 + k * k)

    at = np.array([1.5, 0.4, 2.0])
    np.testing.assert_allclose(whence.grad(ours_at)(at), whence.grad(exact)(at), rtol=1e-6)
    np.testing.assert_allclose(whence.hessian(ours_at)(at), whence.hessian(exact)(at), rtol=1e-5, atol=1e-7)


def robertson(t, y, k):
    return [
        -k[0] * y[0] + k[2] * y[1] * y[2],
        k[0] * y[0] - k[2] * y[1] * y[2] - k[1] * y[1] ** 2,
        k[1] * y[1] ** 2,
    ]


def test_a_stiff_system():
    rates, times = np.array([0.04, 3e7, 1e4]), np.array([0.4, 40.0])

    def total(logs, module=ours, method="BDF", **how):
        y = module.solve_ivp(robertson, (0, 40), [1.0, 0, 0], method, times, args=(np.exp(logs),), **how).y
        return np.sum(y * np.array([[1.0, 2.0], [1e4, 3e4], [-3.0, 1.0]]))

    g = whence.grad(lambda p: total(p, rtol=1e-7, atol=1e-10))(np.log(rates))
    numeric = five_points(lambda p: total(p, plain, "Radau", rtol=1e-11, atol=1e-14), np.log(rates), 1e-2)
    np.testing.assert_allclose(g, numeric, rtol=1e-5)


def test_stiff_odeint():
    def f(k):
        return ours.odeint(lambda y, t, k: -k * (y - np.cos(t)), 0.0, [0.0, 1.0, 3.0], (k,))[-1, 0]

    def exact(k):
        return (k * k * np.cos(3.0) + k * np.sin(3.0)) / (1 + k * k)

    np.testing.assert_allclose(whence.grad(f)(2e3), whence.grad(exact)(2e3), rtol=1e-4)


def test_events_differentiate():
    def landing(t, y):
        return y[0]

    landing.terminal, landing.direction = True, -1

    def flight(v):
        speed, gravity = v[0], v[1]
        sol = ours.solve_ivp(
            lambda t, y: [y[1], -gravity], (0, 50), [1.0, speed], events=landing, rtol=1e-9, atol=1e-9
        )
        return sol.t[-1] + 0.1 * sol.t_events[0][0] + 2 * sol.y_events[0][0, 1] + sol.y[1, -1]

    def exact(v):
        root = np.sqrt(v[0] ** 2 + 2 * v[1])
        return 1.1 * (v[0] + root) / v[1] - 3 * root

    at = np.array([4.0, 9.81])
    value, g = whence.value_and_grad(flight)(at)
    np.testing.assert_allclose(value, exact(at), rtol=1e-8)
    np.testing.assert_allclose(g, whence.grad(exact)(at), rtol=1e-7)
    np.testing.assert_allclose(whence.hessian(flight)(at), whence.hessian(exact)(at), rtol=1e-6, atol=1e-8)


def test_dense_output_and_times():
    def inside(v):
        sol = ours.solve_ivp(
            lambda t, y: -v[0] * y, (v[1], 3.0), [1.0], dense_output=True, rtol=1e-9, atol=1e-9
        )
        return sol.sol(v[2])[0]

    def exact(v):
        return np.exp(-v[0] * (v[2] - v[1]))

    at = np.array([0.8, 0.3, 1.7])
    np.testing.assert_allclose(whence.grad(inside)(at), whence.grad(exact)(at), rtol=1e-7)
    np.testing.assert_allclose(whence.hessian(inside)(at), whence.hessian(exact)(at), rtol=1e-6)
    t = Variable(np.array([0.5, 1.0]))
    sol = ours.solve_ivp(lambda t, y: -y, (0, 2), [1.0], t_eval=t)
    np.sum(sol.y).backward()
    np.testing.assert_allclose(t.grad.data, -np.exp(-t.data), rtol=1e-3)
    assert sol.t is t or isinstance(sol.t, Variable)


def test_backwards_in_time_and_complex():
    def f(k):
        return ours.solve_ivp(lambda t, y: k * y, (2.0, 0.0), [1.0], rtol=1e-9, atol=1e-9).y[0, -1]

    np.testing.assert_allclose(whence.grad(f)(0.3), -2 * np.exp(-0.6), rtol=1e-7)

    def g(w):
        return np.real(
            ours.solve_ivp(lambda t, y: 1j * w * y, (0.0, 1.0), [1.0 + 0j], rtol=1e-9, atol=1e-9).y[0, -1]
        )

    np.testing.assert_allclose(whence.grad(g)(2.0), -np.sin(2.0), rtol=1e-7)


def test_plain_solve_ivp_is_scipys():
    mine = ours.solve_ivp(lambda t, y: -y, (0, 2), [1.0], dense_output=True)
    theirs = plain.solve_ivp(lambda t, y: -y, (0, 2), [1.0], dense_output=True)
    np.testing.assert_array_equal(mine.y, theirs.y)
    assert type(mine.sol) is type(theirs.sol)


def test_the_rest_is_passed_on_and_refuses():
    assert ours.IntegrationWarning is plain.IntegrationWarning
    assert ours.newton_cotes(3)[1] == plain.newton_cotes(3)[1]
    with pytest.raises(whence.WhenceError, match=r"solve_bvp has no gradient in whence[^$]*implicit_root"):
        ours.solve_bvp(None, None, np.zeros(3), Variable(np.zeros((2, 3))))
    with pytest.raises(AttributeError):
        _ = ours.no_such_name


def test_the_fifth_derivative_by_time_is_refused():
    def at(t):
        return ours.odeint(lambda y, s: -2.0 * y, np.ones(1), np.stack([0.0 * t, t]), rtol=1e-12)[1, 0]

    slope = at
    for order in range(1, 5):
        slope = whence.grad(slope)
        np.testing.assert_allclose(slope(0.5), (-2.0) ** order * np.exp(-1.0), rtol=1e-7)
    with pytest.raises(whence.WhenceError, match="four derivatives"):
        whence.grad(slope)(0.5)
