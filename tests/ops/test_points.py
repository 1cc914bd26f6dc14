"""Points where derivatives need a decision: ties, kinks, zeros, empty arrays, repeated places."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import whence
from whence import Variable
from whence.errors import BoundsError, DtypeError, NoGradientError, NonFiniteError, ShapeError
from whence.ops.norm import logsumexp

from . import calculus as law


def gradient(f: Any, *arrays: Any) -> Any:
    """Gradients of ``sum(f(...))``."""
    xs = [Variable(np.asarray(a, float)) for a in arrays]
    np.sum(f(*xs)).backward()
    grads = [x.grad.data for x in xs]
    return grads[0] if len(grads) == 1 else grads


def second(f: Any, x: Any) -> Any:
    """The second derivative of an elementwise ``f``."""
    v = Variable(np.asarray(x, float))
    np.sum(f(v)).backward(create_graph=True)
    g = v.grad
    v.cleargrad()
    np.sum(g).backward()
    return 0.0 * v.data if v.grad is None else v.grad.data


def same(actual: Any, expected: Any) -> None:
    np.testing.assert_allclose(actual, expected, rtol=1e-14, atol=1e-14)


# --- ties and kinks ------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [np.maximum, np.minimum, np.fmax, np.fmin])
def test_a_tie_of_two_is_shared(f):
    a, b = gradient(f, [1.0, 2.0, 2.0], [1.0, 1.0, 3.0])
    assert a[0] == b[0] == 0.5
    same(a + b, [1, 1, 1])


def test_fmax_ignores_nan():
    a, b = gradient(np.fmax, [np.nan, 1.0], [2.0, np.nan])
    same(a, [0, 1])
    same(b, [1, 0])


@pytest.mark.parametrize("f", [np.max, np.min])
def test_a_tie_of_several_is_shared(f):
    same(gradient(f, [2.0, 2.0, 2.0, 2.0]), [0.25] * 4)
    same(gradient(lambda x: f(x, axis=0), [[1.0, 2.0], [1.0, 2.0]]), [[0.5, 0.5], [0.5, 0.5]])


def test_abs_at_zero():
    same(gradient(np.abs, [-2.0, 0.0, 3.0]), [-1, 0, 1])
    same(gradient(np.fabs, [-2.0, 0.0, 3.0]), [-1, 0, 1])
    same(second(np.abs, [-2.0, 0.0, 3.0]), [0, 0, 0])
    same(gradient(np.sign, [-2.0, 0.0, 3.0]), [0, 0, 0])


def test_complex_abs_at_zero():
    x = Variable(np.array([0j, 3 + 4j]))
    np.sum(np.abs(x)).backward()
    same(x.grad.data, [0, 0.6 + 0.8j])


def test_clip_at_its_ends():
    same(gradient(lambda x: np.clip(x, 0, 1), [-1.0, 0.0, 0.5, 1.0, 2.0]), [0, 1, 1, 1, 0])
    x, low, high = gradient(np.clip, [-1.0, 0.5, 2.0, 0.5], [0.0, 0.0, 0.0, 3.0], [1.0, 1.0, 1.0, 2.0])
    same(x, [0, 1, 0, 0])
    same(low, [1, 0, 0, 0])
    same(high, [0, 0, 1, 1])  # with the ends crossed, the upper one is the value


def test_sort_with_ties_moves_each_gradient_once():
    g = gradient(lambda x: np.sort(x) * np.arange(4.0), [2.0, 1.0, 2.0, 1.0])
    same(np.sort(g), np.arange(4.0))


# --- zeros ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("zeros", [[], [1], [0, 2], [0, 1, 2]])
def test_products_with_zeros(zeros):
    x = np.array([2.0, 3.0, 5.0])
    x[zeros] = 0
    same(gradient(np.prod, x), [x[1] * x[2], x[0] * x[2], x[0] * x[1]])
    expected = [1 + x[1] + x[1] * x[2], x[0] + x[0] * x[2], x[0] * x[1]]
    same(gradient(np.cumprod, x), expected)
    for f in (np.prod, np.cumprod):
        law.check_second(f, [x], [0], 1)


def test_products_that_underflow():
    x = np.array([1e-200, 1e-200, 1e150])
    same(gradient(np.prod, x) / 1e-50, [1.0, 1.0, 0.0])
    g = gradient(np.cumprod, x)
    same(g[0], 1.0)
    same(g[1] / 1e-50, 1.0)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_products_that_overflow():
    with np.errstate(over="ignore"):
        same(gradient(np.prod, [1e200, 1e200, 1e-200]), [1.0, 1.0, np.inf])


def test_powers_at_zero():
    x = np.array([0.0, 2.0, -2.0])
    for exponent, first, twice in [(0, 0, 0), (1, 1, 0), (2, 2 * x, 2), (3, 3 * x**2, 6 * x)]:
        for p in (exponent, float(exponent), np.full(3, float(exponent)), np.float64(exponent)):
            same(gradient(lambda v: v**p, x), first + 0 * x)  # noqa: B023
            same(second(lambda v: v**p, x), twice + 0 * x)  # noqa: B023
    base, exponent = gradient(np.power, [0.0, 0.0], [2.0, 1.0])
    same(base, [0, 1])
    same(exponent, [0, 0])
    same(gradient(lambda v: 2**v, [0.0, 3.0]), np.log(2) * np.array([1, 8.0]))


def test_the_mixed_derivative_of_a_power_at_exponent_zero():
    a, b = Variable(np.array([2.0, 3.0])), Variable(np.array([0.0, 0.0]))
    np.sum(a**b).backward(create_graph=True)
    g = a.grad  # b a**(b-1): along b its derivative is 1/a where b is 0
    b.cleargrad()
    np.sum(g).backward()
    same(b.grad.data, [1 / 2, 1 / 3])


def test_sinc_at_zero():
    same(gradient(np.sinc, [0.0]), [0.0])
    same(second(np.sinc, [0.0]), [-(np.pi**2) / 3])


def test_hypot_and_norm_at_zero():
    a, b = gradient(np.hypot, [0.0, 3.0], [0.0, 4.0])
    same(a, [0, 0.6])
    same(b, [0, 0.8])
    same(gradient(np.linalg.norm, [0.0, 0.0]), [0, 0])
    same(gradient(lambda x: np.linalg.norm(x, axis=1), [[0.0, 0.0], [3.0, 4.0]]), [[0, 0], [0.6, 0.8]])


def test_arctan2_far_out():
    a, b = gradient(np.arctan2, [3e200, 3e-200], [4e200, 4e-200])
    same(a * [1e200, 1e-200], [0.16, 0.16])
    same(b * [1e200, 1e-200], [-0.12, -0.12])


def test_heaviside_passes_the_gradient_of_its_value_at_zero():
    a, b = gradient(np.heaviside, [-1.0, 0.0, 1.0], [0.5, 0.5, 0.5])
    same(a, [0, 0, 0])
    same(b, [0, 1, 0])


def test_logsumexp_of_minus_infinity():
    same(gradient(logsumexp, [-np.inf, 0.0, 0.0]), [0, 0.5, 0.5])
    same(gradient(logsumexp, [-np.inf, -np.inf]), [0, 0])
    same(gradient(logsumexp, [1000.0, 1000.0]), [0.5, 0.5])
    x = np.array([[0.1, 0.2, 0.7], [0.3, 0.1, 0.2]])
    weights = np.array([1.0, 0.5, 2.0])
    law.check_first(lambda v: logsumexp(v, axis=1, b=weights), [x], [0], 1)
    law.check_second(lambda v, w: logsumexp(v, axis=0, b=w), [x, weights], [0, 1], 1)
    value, sign = logsumexp(Variable(x), axis=1, b=np.array([1.0, -3.0, 1.0]), return_sign=True)
    np.testing.assert_allclose(sign * np.exp(value.data), np.exp(x) @ [1, -3, 1])


# --- what does not depend passes nothing; what is not defined is refused ----------------------------

quiet = pytest.mark.filterwarnings("ignore::RuntimeWarning")
EDGES = {
    "log": (lambda v: np.where(v > 0, np.log(v), 0), [-1.0, 0.0, 2.0], [0, 0, 1 / 2], [0, 0, -1 / 4]),
    "sqrt": (lambda v: np.where(v > 0, np.sqrt(v), 0), [-1.0, 0.0, 4.0], [0, 0, 1 / 4], [0, 0, -1 / 32]),
    "inverse": (lambda v: np.where(v != 0, 1 / v, 0), [-1.0, 0.0, 4.0], [-1, 0, -1 / 16], [-2, 0, 1 / 32]),
    "power": (lambda v: np.where(v > 0, v**1.5, 0), [-1.0, 0.0, 4.0], [0, 0, 3], [0, 0, 3 / 8]),
    "exp": (lambda v: np.where(v < 99, np.exp(v), v), [999.0, 0.0], [1, 1], [0, 1]),
    "arcsin": (lambda v: np.where(np.abs(v) < 1, np.arcsin(v), v), [1.0, -2.0, 0.0], [1, 1, 1], [0, 0, 0]),
    "nested": (
        lambda v: np.where(v > 0, 3 * np.sqrt(np.log(1 + v)) / 2, 0) * v, [0.0, -3.0], [0, 0], [0, 0]
    ),
    "maximum": (lambda v: np.maximum(np.log(v), -10), [0.0, 4.0], [0, 1 / 4], [0, -1 / 16]),
    "clip": (lambda v: np.clip(np.log(v), -10, 3), [0.0, 4.0], [0, 1 / 4], [0, -1 / 16]),
    "index": (lambda v: np.log(v)[v > 0], [0.0, -1.0, 4.0], [0, 0, 1 / 4], [0, 0, -1 / 16]),
    "slice": (lambda v: np.sqrt(v)[1:], [0.0, 4.0], [0, 1 / 4], [0, -1 / 32]),
    "nan_to_num": (lambda v: np.nan_to_num(np.log(v), neginf=0), [0.0, 4.0], [0, 1 / 4], [0, -1 / 16]),
    "select": (lambda v: np.select([v > 0], [np.sqrt(v)], 1.0), [0.0, 4.0], [0, 1 / 4], [0, -1 / 32]),
    "times zero": (lambda v: np.sqrt(v) * 0, [0.0, 4.0], [0, 0], [0, 0]),
    "masked": (lambda v: np.sqrt(v) * np.array([0.0, 1.0]), [0.0, 4.0], [0, 1 / 4], [0, -1 / 32]),
    "missing data": (
        lambda v: np.where([True, False], 0.0, v * np.array([np.nan, 2.0])), [3.0, 4.0], [0, 2], [0, 0]
    ),
    "overwritten": (lambda v: overwritten(np.log(v)), [0.0, 4.0], [0, 1 / 4], [0, -1 / 16]),
    "large": (
        lambda v: np.where(v > 0, np.sqrt(v), 0), np.full(20_000, 0.0), np.zeros(20_000), np.zeros(20_000)
    ),
}  # fmt: skip


def overwritten(v: Any) -> Any:
    v[0] = 1.0
    return v


@quiet
@pytest.mark.parametrize("name", EDGES)
def test_a_branch_that_is_not_taken_passes_nothing(name):
    f, x, first, twice = EDGES[name]
    same(gradient(f, x), first)
    same(second(f, x), twice)


@quiet
def test_a_branch_in_a_matrix():
    def f(v):
        size = np.linalg.norm(v, axis=1)
        return np.where(size > 0, size, 0)

    same(gradient(f, [[0.0, 0.0], [3.0, 4.0]]), [[0, 0], [0.6, 0.8]])
    h = whence.hessian(lambda v: np.sum(f(v)))(np.array([[0.0, 0.0], [3.0, 4.0]]))
    same(h[0], np.zeros((2, 2, 2)))
    same(h[1, :, 1], [[0.128, -0.096], [-0.096, 0.072]])
    same(gradient(lambda v: np.where([[True], [False]], v @ np.ones((2, 2)), 0), np.zeros((2, 2)))[1], [0, 0])


@quiet
@pytest.mark.parametrize(
    ("f", "x", "name"),
    [
        (lambda v: np.sqrt(v) ** 2, [0.0, 4.0], "np.sqrt"),  # 1, but from 0 * inf nobody can tell
        (lambda v: np.sqrt(v) * np.sqrt(v), [0.0, 4.0], "np.sqrt"),
        (lambda v: np.sqrt(v * v), [0.0, 4.0], "np.square"),
        (lambda v: np.sqrt(v) - np.sqrt(2 * v), [0.0, 4.0], "cancelled"),
        (lambda v: np.cos(np.arccos(v)), [1.0], "np.arccos"),
        (lambda v: np.arctan2(v[0], v[1]), [0.0, 0.0], "np.arctan2"),
        (lambda v: np.angle(v[0] + 1j * v[1]), [0.0, 0.0], "np.arctan2"),
    ],
)
def test_what_is_not_defined_is_refused(f, x, name):
    with pytest.raises(NonFiniteError, match=name) as caught:
        gradient(f, x)
    assert "test_points.py:" in str(caught.value)
    assert "np.where" in str(caught.value)


@quiet
@pytest.mark.parametrize(
    "f", [np.linalg.norm, lambda v: np.linalg.norm(v, 3), np.std, lambda v: np.hypot(v[0], v[1])]
)
def test_at_a_corner_the_gradient_is_zero_and_the_hessian_is_refused(f):
    same(gradient(f, [0.0, 0.0]), [0, 0])
    for h in (whence.hessian(f), lambda x: whence.hvp(f)(x, x + 1)):
        with pytest.raises(NonFiniteError, match="corner of a norm"):
            h(np.zeros(2))


@quiet
def test_infinite_derivatives_are_infinite():
    same(gradient(np.sqrt, [0.0, 4.0]), [np.inf, 1 / 4])
    same(gradient(np.cbrt, [0.0]), [np.inf])
    same(gradient(np.arcsin, [1.0]), [np.inf])
    same(gradient(np.arccos, [-1.0]), [-np.inf])
    same(gradient(np.arccosh, [1.0]), [np.inf])
    same(gradient(lambda v: v**0.5, [0.0]), [np.inf])
    base, exponent = gradient(np.power, [0.0, 0.0], [0.5, 0.0])
    same(base, [np.inf, 0])
    same(exponent, [0, -np.inf])  # 0**b falls from 1 to 0
    same(gradient(np.log, [0.0]), [np.inf])


@quiet
def test_a_nan_in_the_values_is_a_nan_in_the_gradient():
    assert np.isnan(gradient(lambda v: np.sqrt(v) * 2, [np.nan, 1.0])[0])
    assert np.isnan(gradient(lambda v: np.log(np.exp(v))[:1], [-1000.0])[0])  # its value is -inf
    assert np.isnan(gradient(lambda v: np.sqrt(v), [-1.0])[0])


@quiet
def test_powers_of_zero_to_second_order():
    with pytest.raises(NonFiniteError):  # along both: x**(y - 1) (1 + y log x)
        np.sum(second(lambda v: v[0] ** v[1], [0.0, 1.0]))
    same(second(lambda v: v**2.5, [0.0]), [0.0])
    same(second(lambda v: v**1.5, [0.0]), [np.inf])


def test_logaddexp_of_minus_infinity():
    for f in (np.logaddexp, np.logaddexp2):
        a, b = gradient(f, [-np.inf, -np.inf, 0.0], [-np.inf, 1.0, 0.0])
        same(a, [0, 0, 0.5])
        same(b, [0, 1, 0.5])


def test_other_gradients_survive_the_second_sweep():
    x, w = Variable(np.array([0.0, 4.0])), Variable(np.array([2.0, 3.0]))
    with np.errstate(all="ignore"):
        y = np.where(x.data > 0, np.sqrt(x) * w, w)
        middle = y * 2
        np.sum(middle).backward(retain_grad=True)
    same(x.grad.data, [0, 1.5])
    same(w.grad.data, [2, 4])
    same(middle.grad.data, [1, 1])
    same(y.grad.data, [2, 2])


def test_order_statistics_at_ties():
    for f in (np.median, lambda v: np.quantile(v, 0.5), lambda v: np.partition(v, 1)[1]):
        g = gradient(f, [1.0, 1.0, 1.0])
        same(np.sum(g), 1)
    same(gradient(np.nanmax, [np.nan, 2.0, 2.0]), [0, 0.5, 0.5])
    same(gradient(lambda v: np.maximum.accumulate(v) * [1.0, 10.0, 100.0], [1.0, 1.0, 0.0]), [111, 0, 0])


# --- empty arrays and single elements ------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "f",
    [
        np.sum, np.prod, np.mean, np.var, np.std, np.cumsum, np.cumprod, np.sort, np.exp, np.linalg.norm,
        np.ravel, np.diff, np.flip, np.sinc, lambda x: x @ x, lambda x: np.outer(x, x), lambda x: x[[]],
        lambda x: x[np.array([], bool)], lambda x: np.pad(x, 1), lambda x: np.repeat(x, 3),
        lambda x: np.tile(x, 2),
        lambda x: np.concatenate([x, x]), lambda x: np.where(x > 0, x, x), lambda x: np.einsum("i,i->", x, x),
        lambda x: np.max(x, initial=1.0), lambda x: np.var(x, ddof=1), lambda x: np.roll(x, 1),
    ],
)  # fmt: skip
def test_empty_arrays(f):
    x = Variable(np.zeros(0))
    y = f(x)
    np.testing.assert_array_equal(getattr(y, "_data", y), f(np.zeros(0)))
    if isinstance(y, Variable):
        np.sum(y).backward()
        assert x.grad.shape == (0,)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_variance_of_one():
    same(gradient(np.var, [3.0]), [0.0])
    assert np.isnan(gradient(lambda x: np.var(x, ddof=1), [3.0]))  # as its value is


def test_extremes_of_nothing_raise():
    with pytest.raises(ShapeError, match=r"np\.max: zero-size array"):
        np.max(Variable(np.zeros(0)))


# --- repeated places -----------------------------------------------------------------------------


def test_repeated_indices_add_up():
    same(gradient(lambda x: x[[0, 0, 2, 0]], [1.0, 2.0, 3.0]), [3, 0, 1])
    same(gradient(lambda x: x[[0, -3]], [1.0, 2.0, 3.0]), [2, 0, 0])
    same(gradient(lambda x: x[np.array([[0, 1], [0, 0]])] * [[1.0, 2], [3, 4]], [1.0, 2.0]), [8, 2])
    same(gradient(lambda x: x[[0, 0], [1, 1]], np.ones((2, 2))), [[0, 2], [0, 0]])
    same(gradient(lambda x: x[np.array([True, False, True])], [1.0, 2.0, 3.0]), [1, 0, 1])
    same(gradient(lambda x: np.take(x, [[1, 1]]), [1.0, 2.0]), [0, 2])
    same(gradient(lambda x: np.broadcast_to(x, (4, 2)), [1.0, 2.0]), [4, 4])


def test_an_operand_twice():
    same(gradient(lambda x: x * x + x, [3.0]), [7])
    same(gradient(lambda x: np.concatenate([x, x, 2 * x]), [3.0]), [4])
    same(gradient(lambda x: np.where([True, False], x, x), [3.0, 4.0]), [1, 1])
    same(gradient(lambda x: np.einsum("i,i->", x, x), [3.0, 4.0]), [6, 8])


def test_writing_to_one_place_twice_keeps_the_last():
    x, value = Variable(np.zeros(3)), Variable(np.array([1.0, 2.0, 3.0]))
    y = x * 1
    y[[0, 0, 2]] = value
    same(y.data, [2, 0, 3])
    np.sum(y * [1.0, 10.0, 100.0]).backward()
    same(value.grad.data, [0, 1, 100])
    same(x.grad.data, [0, 10, 0])


def test_writing_with_broadcasting_and_masks():
    x, value = Variable(np.ones((3, 4))), Variable(np.array(2.0))
    y = x * 1
    y[1:, ::2] = value
    y[y > 1.5] = value * 3
    np.sum(y).backward()
    assert float(value.grad) == 12.0
    same(x.grad.data.sum(), 8)


def test_broadcasting_axes_of_length_one():
    a, b = gradient(np.multiply, np.ones((1, 1)), np.ones((1, 1)))
    assert a.shape == b.shape == (1, 1)
    a, b = gradient(np.add, np.ones((3, 1)), np.ones((1,)))
    same(a, np.ones((3, 1)))
    same(b, [3])
    a, b = gradient(np.add, np.ones((0, 3)), np.ones((1, 1)))
    assert a.shape == (0, 3)
    same(b, [[0]])


# --- mixtures of types ---------------------------------------------------------------------------


def test_real_and_complex_mixed():
    x, z = Variable(np.array([1.0, 2.0])), Variable(np.array([1 + 2j, 3 - 1j]))
    y = np.sum(np.real(x * z) + np.imag(z))
    y.backward()
    assert x.grad.dtype == np.float64
    same(x.grad.data, [1, 3])
    same(z.grad.data, [1 + 1j, 2 + 1j])


def test_single_and_double_mixed():
    x, y = Variable(np.ones(3, np.float32)), Variable(np.ones(3))
    z, w = Variable(np.ones(3, np.complex64)), Variable(np.ones(3, np.float32))
    np.sum(np.abs(x * y * z + w)).backward()
    assert [v.grad.dtype for v in (x, y, z, w)] == [np.float32, np.float64, np.complex64, np.float32]


def test_python_numbers_keep_single_single():
    x = Variable(np.ones(3, np.float32))
    for y in (
        x * 2.5,
        2 / x,
        x**2,
        2.0**x,
        x + 1,
        np.maximum(x, 0.5),
        np.clip(x, 0, 0.5),
        np.where(x > 0, x, 0),
    ):
        assert y.dtype == np.float32
        x.cleargrad()
        np.sum(y).backward()
        assert x.grad.dtype == np.float32


def test_half_stays_half():
    x = Variable(np.ones(3, np.float16))
    np.sum(np.exp(x) * 2).backward()
    assert x.grad.dtype == np.float16


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "error", "text"),
    [
        (lambda x: x.reshape(5), ShapeError, "cannot reshape"),
        (lambda x: x[9], BoundsError, "out of bounds"),
        (lambda x: x[0, 0, 0], BoundsError, "too many indices"),
        (lambda x: np.sum(x, axis=5), ShapeError, "axis 5"),
        (lambda x: np.moveaxis(x, 0, (1, 0)), ShapeError, "same number"),
        (lambda x: np.squeeze(x, 0), ShapeError, "not equal to one"),
        (lambda x: np.split(x, 2, axis=1), ShapeError, "equal division"),
        (lambda x: np.stack([x, x[0]]), ShapeError, "equal shapes"),
        (lambda x: np.concatenate([x, x[0]]), ShapeError, "np.concatenate"),
        (lambda x: np.einsum("ij,jk->ik", x, x), ShapeError, "np.einsum"),
        (lambda x: np.einsum("ijk->k", x), ShapeError, "does not describe"),
        (lambda x: np.tensordot(x, x, 1), ShapeError, "do not match"),
        (lambda x: np.broadcast_to(x, (4,)), ShapeError, "np.broadcast_to"),
        (lambda x: np.linalg.norm(x, 5), ShapeError, "Invalid norm order"),
        (lambda x: np.pad(x, 1, mode="median"), NoGradientError, "median"),
        (lambda x: np.pad(x, 1, constant_values=x[0, 0]), NoGradientError, "constant_values"),
        (lambda x: x[x], DtypeError, "an index must hold integers"),
        (lambda x: (x * 1j).astype(float), DtypeError, "np.real"),
        (lambda x: x.astype(str), DtypeError, "numbers"),
    ],
)
def test_refusals_name_the_trouble(f, error, text):
    with pytest.raises(error, match=text) as caught:
        f(Variable(np.ones((2, 3))))
    if error is not NoGradientError:
        assert "test_points.py:" in str(caught.value)


def test_the_spread_of_one_number_is_zero_to_every_order():
    assert whence.grad(np.std)(2.0) == 0
    np.testing.assert_array_equal(whence.hessian(np.std)(np.array([2.0])), [[0.0]])
    np.testing.assert_array_equal(
        whence.grad(lambda a: np.sum(np.std(a, axis=0)))(np.ones((1, 3))), np.zeros((1, 3))
    )
