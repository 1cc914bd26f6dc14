"""check_gradient: passes what is right, fails what is wrong, and says where."""

import time

import numpy as np
import pytest

import whence
from whence import Function, Variable, testing
from whence.core.table import OPS
from whence.errors import GradientCheckError, GraphError, WhenceError
from whence.testing import check_gradient

X = np.array([0.3, -0.7, 1.1])


# --- what is right passes ------------------------------------------------------------------------

RIGHT = {
    "elementwise": (lambda x: np.tanh(x) * np.exp(-x), X),
    "several": (lambda x, y: x**y, np.array([1.5, 2.0]), 2.5),
    "matrices": (lambda a, b: np.linalg.norm(a @ b), np.eye(3) + 0.1, np.ones((3, 2))),
    "containers in": (lambda p: p["w"] @ p["x"][0] + p["b"], {"w": np.eye(3), "x": (X,), "b": 1.0}),
    "containers out": (lambda x: {"a": x * 2, "b": [np.sum(x), (x[0],)]}, X),
    "complex": (lambda z: z**2 * np.exp(z), np.array([1 + 2j, 0.3j])),
    "not holomorphic": (lambda z: np.abs(z) * np.angle(z), np.array([1 + 2j, 0.3 + 0.1j])),
    "real to complex": (lambda x: np.exp(1j * x), X),
    "float32": (lambda x: np.sin(x), X.astype(np.float32)),
    "integers": (lambda x: x**2, np.array([1, 2])),
    "booleans": (lambda x: x * 2, True),
    "scalar": (lambda x: np.sin(x) / x, 0.7),
    "linear": (lambda x: 3 * x, 1.0),
    "one argument unused": (lambda x, y: np.sin(x), 1.0, X),
    "empty": (lambda x: x * 2, np.zeros((0, 3))),
    "empty and not": (lambda x, y: np.sum(x) + y, np.zeros(0), X),
    "large values": (lambda x: np.sin(x / 1e6), np.array([1e6, -3e6])),
    "small values": (lambda x: np.log(x), np.array([1e-6, 1e-3, 1e3])),
    "fast": (lambda x: np.sin(1e4 * x), X),
    "large next to small": (lambda x: 1e8 + x**2, X),
    "ordering": (lambda x: np.sort(x), X),
    "more than 100 entries": (lambda x: np.sum(x**2 * np.cos(x)), np.linspace(0, 1, 150)),
    "a Variable": (lambda x: np.sin(x), Variable(X)),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_gradients_pass(name):
    check_gradient(*RIGHT[name])


def test_higher_orders_pass():
    check_gradient(lambda x: np.sin(x) * x**3, np.array([0.5, 1.5]), order=4)


@pytest.mark.parametrize("distance", [1e-1, 1e-2, 1e-3, 1e-4, 1e-5])
@pytest.mark.parametrize(
    "f", [lambda x: np.maximum(x, 0) ** 2, lambda x: np.where(x > 0, x, 2 * x), lambda x: np.clip(x, 0, 3)]
)
def test_no_false_alarm_near_a_kink(f, distance):
    check_gradient(f, np.array([distance, -distance]))


# --- what is wrong fails -------------------------------------------------------------------------


@whence.primitive(vjp=[lambda g, y, x: g * 2 * y])
def twice_too_much(x):
    return np.exp(x)


@whence.primitive(vjp=[lambda g, y, x: g * np.exp(getattr(x, "_data", x))])
def hidden(x):
    """Right at first order; the rule hides from the second that it depends on x."""
    return np.exp(x)


@whence.primitive(vjp=[lambda g, y, x: np.flip(np.cumsum(np.flip(g)))], kind="elementwise")
def not_elementwise(x):
    """A right rule under the wrong kind: only forward mode is wrong."""
    return np.cumsum(x)


@whence.primitive(vjp=[lambda g, y, x, a: g * a, lambda g, y, x, a: g * x * 1.001])
def nearly(x, a):
    return x * a


@whence.primitive(vjp=[lambda g, y, x: g * np.where(np.arange(3) == 1, 5, 2 * x)])
def one_entry(x):
    return x**2


class WrongFunction(Function):
    def forward(self, x):
        return x**3

    def backward(self, gy):
        return 3 * self.input.data * gy


KEPT = []


class Hides(Function):
    def forward(self, x):
        KEPT.append(x)
        return x**3

    def backward(self, gy):
        return 3 * KEPT[-1] ** 2 * gy


def message(f, *args, **keywords):
    with pytest.raises(GradientCheckError) as error:
        check_gradient(f, *args, **keywords)
    return str(error.value)


def test_the_message_names_entry_values_op_and_line():
    text = message(lambda x: np.sin(one_entry(x)), X, order=1)
    first, found, expected, culprit = text.splitlines()
    assert first == "wrong gradient (order 1): argument 0[1], the worst of 1 wrong among 3 checked"
    value = float(found.removeprefix("  whence: "))
    right = float(expected.removeprefix("  complex step: ").split(" (±")[0])
    assert value / right == pytest.approx(5 / (2 * X[1]))
    assert culprit.startswith("  the gradient of one_entry is wrong; it was made at ")
    assert "test_testing.py" in culprit
    assert culprit.endswith("text = message(lambda x: np.sin(one_entry(x)), X, order=1)")


@pytest.mark.parametrize(
    ("args", "place"),
    [
        ((2.0, 3.0), "argument 1,"),
        ((X, 3.0), "argument 1,"),
        ((3.0, X), "argument 1["),
    ],
)
def test_the_message_names_the_argument(args, place):
    text = message(nearly, *args)
    starts = place, place.rstrip(",") + "\n"
    assert text.startswith(tuple(f"wrong gradient (order 1): {start}" for start in starts))
    assert "the gradient of nearly is wrong" in text


def test_the_message_names_the_place_in_a_container():
    text = message(lambda p: nearly(p["w"][1], p["b"]), {"w": (1.0, X), "b": np.array([[1.0, 2.0, 3.0]])})
    assert "argument 0['b'][0, " in text


def test_complex_entries_have_two_parts():
    @whence.primitive(vjp=[lambda g, y, z: g * np.conjugate(2 * z)])
    def square(z):
        return z**2

    text = message(square, np.array([1 + 2j]))
    assert "argument 0[0]" in text
    assert "central differences" in text
    assert "the gradient of square is wrong" in text


@pytest.mark.parametrize(
    ("f", "order", "what"),
    [
        (twice_too_much, 1, "the gradient of twice_too_much is wrong"),
        (hidden, 2, "the second derivative of hidden is wrong"),
        (not_elementwise, 1, "the gradient of not_elementwise is wrong"),
        (lambda x: WrongFunction()(x), 1, "the gradient of WrongFunction is wrong"),
        (lambda x: Hides()(x), 2, "the second derivative of Hides is wrong"),
    ],
)
@pytest.mark.parametrize(
    "around", [lambda y: y, lambda y: np.sum(np.sin(y) * 2)], ids=["alone", "amid others"]
)
def test_wrong_rules_are_found_at_their_order(f, order, what, around):
    text = message(lambda x: around(f(x * 1.0)), X)
    assert f"(order {order})" in text
    assert what in text
    if order > 1:
        check_gradient(lambda x: around(f(x)), X, order=order - 1)


def test_a_wrong_kind_shows_in_forward_mode_only():
    text = message(not_elementwise, X, order=1)
    assert text.startswith("forward and reverse mode disagree (order 1)\n  jvp: ")
    check_gradient(not_elementwise, X, order=1, forward=False)


def test_a_wrong_op_behind_values_that_were_not_kept():
    """The graph keeps neither the input of exp nor that of the addition: they are computed again."""
    text = message(
        lambda x: np.sum(twice_too_much(np.exp(x * 2) + 1) * 1e-3), np.linspace(-1, 0, 1000), order=1
    )
    assert "the gradient of twice_too_much is wrong" in text
    assert "argument 0" in text


def test_a_wrong_entry_among_many_shows_in_a_random_direction():
    @whence.primitive(vjp=[lambda g, y, x: g * np.where(np.arange(x.size) == 4321, 3, 2) * x])
    def square(x):
        return x**2

    text = message(square, np.linspace(1, 2, 5000), order=1)
    assert "argument 0 along a random direction" in text
    assert "the gradient of square is wrong" in text


def test_a_dependence_that_the_graph_cannot_see():
    text = message(lambda x: np.sum(x * getattr(x, "_data", x)), X)
    assert text.startswith("wrong gradient (order 1)")
    assert text.endswith(
        "no single op is wrong by itself: does f depend on something that the graph cannot see?"
    )


def test_nan_gradients_fail():
    @whence.primitive(vjp=[lambda g, y, x: g * np.nan])
    def sine(x):
        return np.sin(x)

    assert "whence: nan" in message(sine, X)


def test_a_tighter_tolerance_finds_smaller_errors():
    @whence.primitive(vjp=[lambda g, y, x: g * 1.0000001 * np.cos(x)])
    def sine(x):
        return np.sin(x)

    check_gradient(sine, X, order=1)
    assert "wrong gradient" in message(sine, X, order=1, rtol=1e-9, atol=0.0)


# --- how it is computed --------------------------------------------------------------------------


def test_complex_steps_are_taken_where_they_can_be(monkeypatch):
    used = []
    original = testing._complex_step
    monkeypatch.setattr(testing, "_complex_step", lambda along: used.append(original(along)) or used[-1])
    monkeypatch.setattr(testing, "_extrapolations", lambda along, h: pytest.fail("differences were taken"))
    check_gradient(lambda x: np.exp(x) @ np.sin(x), X, order=1)
    assert len(used) == 3
    assert all(e.how == "complex step" for e in used)


def test_differences_are_taken_where_complex_numbers_are_refused():
    text = message(lambda x: np.arctan2(twice_too_much(x), 2.0), X)
    assert "central differences: " in text


def test_everything_is_computed_in_double_precision():
    seen = set()
    check_gradient(lambda x: seen.add(x.dtype) or np.sin(x), X.astype(np.float32), order=1)
    assert seen == {np.dtype(float), np.dtype(complex)}


def test_the_arguments_are_left_alone():
    x = X.copy()
    v = Variable(X)
    check_gradient(lambda x, y: x * y, x, v)
    np.testing.assert_array_equal(x, X)
    assert v.grad is None


def test_it_is_deterministic():
    assert message(twice_too_much, X) == message(twice_too_much, X)
    assert message(twice_too_much, X) != message(twice_too_much, X, seed=1)


def test_it_is_quick():
    a = np.random.default_rng(0).normal(size=(3, 3))
    check_gradient(np.matmul, a, a)
    start = time.perf_counter()
    check_gradient(np.matmul, a, a)
    assert time.perf_counter() - start < 0.5


@pytest.mark.parametrize(
    ("args", "error", "text"),
    [
        ((), WhenceError, "check_gradient needs at least one array to differentiate"),
        (([],), WhenceError, "check_gradient needs at least one array to differentiate"),
        (("a",), WhenceError, "check_gradient works on numbers, not on <U1 data"),
    ],
)
def test_nothing_to_check_is_refused(args, error, text):
    with pytest.raises(error, match=text):
        check_gradient(lambda *xs: xs[0] * 2, *args)


def test_a_constant_is_refused_by_the_functions_name():
    def five(x):
        return 5.0

    with pytest.raises(GraphError, match="five returned a plain float64"):
        check_gradient(five, 1.0)


def test_registered_functions_are_checked_like_any_other():
    before = OPS.pop(np.unwrap, None)
    try:
        whence.primitive(np.unwrap, vjp=[lambda g, y, p: g + 1])
        assert "the gradient of np.unwrap is wrong" in message(np.unwrap, X)
    finally:
        OPS.pop(np.unwrap, None)
        if before is not None:
            OPS[np.unwrap] = before
